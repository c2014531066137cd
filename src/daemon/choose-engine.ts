/**
 * Which engine carries a service, and why.
 *
 * `proxy` is the proxy's. The other methods are the kernel's: `gate` and `ipip` need it, `masq` can
 * do without, if nobody asked for a certain engine.
 *
 * @module
 */

import { ipvsRefusal } from "../datapath/index.ts";
import type { Engine, IpvsWish } from "../datapath/index.ts";
import { ApplianceError } from "../errors/index.ts";
import type { Config, EngineChoice, VirtualService } from "../model/index.ts";

/** The answer for one service. */
export type EngineDecision =
  | {
      readonly engine: "proxy" | "ipvs";
      /** Why this one, one line. */
      readonly reason: string;
      /** Set when the service asked for something else: what the operator must know. */
      readonly warning: string | undefined;
    }
  | {
      /** No engine can: why, and what is missing. */
      readonly refusal: string;
    };

/** What this host can do, and the director was told. */
export interface EngineFacts {
  /** `[director] engine`, for services that do not say. */
  readonly preferred: EngineChoice;
  /** Why IPVS cannot be used here; undefined: it can. Asked only if a service needs the answer. */
  readonly ipvsObstacle: () => string | undefined;
}

/** Decides for one service. Pure. */
export function chooseEngine(
  wish: IpvsWish & Pick<VirtualService, "engine">,
  facts: EngineFacts,
): EngineDecision {
  const { forwarding, firewallMark } = wish;
  if (forwarding === "proxy") {
    return { engine: "proxy", reason: "forwarding is proxy", warning: undefined };
  }
  const choice = wish.engine === "auto" ? facts.preferred : wish.engine;
  if (choice === "bpf") return { refusal: 'the engine "bpf" is not in this build yet' };
  const obstacle = ipvsRefusal(wish) ?? facts.ipvsObstacle();
  if (obstacle === undefined) {
    const reason = choice === "ipvs" ? "it is configured" : "the kernel has it";
    return { engine: "ipvs", reason, warning: undefined };
  }
  if (forwarding === "masq" && firewallMark === undefined && choice === "auto") {
    const effect = "real servers see the director's address";
    const warning = `forwarding masq runs on the proxy, ${effect}: ${obstacle}`;
    return { engine: "proxy", reason: obstacle, warning };
  }
  const what = firewallMark === undefined ? `forwarding ${forwarding}` : "a firewall mark";
  return { refusal: `${what} needs the engine ipvs: ${obstacle}` };
}

/** What a chooser reads of a configuration; another object is another configuration. */
export interface ChooserConfig {
  readonly director: { readonly engine: EngineChoice };
}

/** Decides for the services of a director. */
export type EngineChooser = (service: VirtualService) => EngineDecision;

type Asked = Pick<Engine, "ipvsObstacle">;

function obstacleOf(engine: Asked): string | undefined {
  if (engine.ipvsObstacle === undefined) return "this director has no engine of the kernel";
  return engine.ipvsObstacle();
}

/**
 * A chooser for what is configured now. A `masq` service stays where it is until the next reload:
 * it must not lose its connections because somebody has loaded a module.
 */
export function createEngineChooser(engine: Asked, config: () => ChooserConfig): EngineChooser {
  let settled:
    { readonly config: ChooserConfig; readonly obstacle: string | undefined } | undefined;
  const settledObstacle = (): string | undefined => {
    const current = config();
    if (settled?.config !== current) settled = { config: current, obstacle: obstacleOf(engine) };
    return settled.obstacle;
  };
  return (service) =>
    chooseEngine(service, {
      preferred: config().director.engine,
      ipvsObstacle: service.forwarding === "masq" ? settledObstacle : () => obstacleOf(engine),
    });
}

/** Holds a configuration to what this host can carry. @throws {ApplianceError} `ENGINE_REFUSED`. */
export function requireEngines({ director, virtualServices }: Config, engine: Asked): void {
  const facts = { preferred: director.engine, ipvsObstacle: () => obstacleOf(engine) };
  const lines = virtualServices.flatMap((service) => {
    const decision = chooseEngine(service, facts);
    return "refusal" in decision ? [`  virtual service ${service.name}: ${decision.refusal}`] : [];
  });
  if (lines.length === 0) return;
  throw new ApplianceError("ENGINE_REFUSED", `Cannot carry:\n${lines.join("\n")}`);
}
