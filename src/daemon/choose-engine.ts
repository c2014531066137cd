/**
 * Which engine carries a service, and why.
 *
 * `proxy` is the proxy's. The other methods are the kernel's: `gate` and `ipip` need it, `masq` can
 * do without, if nobody asked for a certain engine.
 *
 * @module
 */

import { bpfRefusal, ipvsRefusal } from "../datapath/index.ts";
import type { Engine } from "../datapath/index.ts";
import { ApplianceError } from "../errors/index.ts";
import type { Config, EngineChoice, VirtualService } from "../model/index.ts";
import { configuredForwarding } from "./desired-state.ts";

/** The answer for one service. */
export type EngineDecision =
  | {
      readonly engine: "proxy" | "ipvs" | "bpf";
      /** Why this one, one line. */
      readonly reason: string;
      /** Set when the service asked for something else: what the operator must know. */
      readonly warning: string | undefined;
    }
  | {
      /** No engine can: why, and what is missing. */
      readonly refusal: string;
    };

/** The engines of services that somebody carries, by the name of the service. */
export function enginesOf(
  decisions: ReadonlyMap<string, EngineDecision> = new Map(),
): ReadonlyMap<string, string> {
  const engines = new Map<string, string>();
  for (const [name, decision] of decisions) {
    if ("engine" in decision) engines.set(name, decision.engine);
  }
  return engines;
}

/** What this host can do, and the director was told. */
export interface EngineFacts {
  /** `[director] engine`, for services that do not say. */
  readonly preferred: EngineChoice;
  /** Why IPVS cannot be used here; undefined: it can. Asked only if a service needs the answer. */
  readonly ipvsObstacle: () => string | undefined;
  /** The same of bpf. */
  readonly bpfObstacle: () => string | undefined;
}

type KernelEngine = "ipvs" | "bpf";

/** Decides for one service. Pure but for what `facts` finds out. */
export function chooseEngine(service: VirtualService, facts: EngineFacts): EngineDecision {
  const { forwarding, firewallMark } = service;
  if (forwarding === "proxy") {
    return { engine: "proxy", reason: "forwarding is proxy", warning: undefined };
  }
  const wish = configuredForwarding(service);
  const obstacles = {
    ipvs: () => ipvsRefusal(wish) ?? facts.ipvsObstacle(),
    bpf: () => bpfRefusal(wish) ?? facts.bpfObstacle(),
  };
  const what = firewallMark === undefined ? `forwarding ${forwarding}` : "a firewall mark";
  const choice = service.engine === "auto" ? facts.preferred : service.engine;
  if (choice !== "auto") {
    const obstacle = obstacles[choice]();
    if (obstacle !== undefined)
      return { refusal: `${what} needs the engine ${choice}: ${obstacle}` };
    return { engine: choice, reason: "it is configured", warning: undefined };
  }
  const found = firstPossible(obstacles);
  if ("engine" in found) return { ...found, warning: undefined };
  if (forwarding !== "masq" || firewallMark !== undefined) {
    return { refusal: `${what} needs the engine ipvs or bpf: ${found.obstacle}` };
  }
  const effect = "real servers see the director's address";
  const warning = `forwarding masq runs on the proxy, ${effect}: ${found.obstacle}`;
  return { engine: "proxy", reason: found.obstacle, warning };
}

/** What `auto` means in the kernel. */
function firstPossible(
  obstacles: Readonly<Record<KernelEngine, () => string | undefined>>,
): { readonly engine: KernelEngine; readonly reason: string } | { readonly obstacle: string } {
  const ipvs = obstacles.ipvs();
  if (ipvs === undefined) return { engine: "ipvs", reason: "the kernel has it" };
  const bpf = obstacles.bpf();
  if (bpf === undefined) return { engine: "bpf", reason: `not ipvs: ${ipvs}` };
  return { obstacle: `ipvs: ${ipvs}; bpf: ${bpf}` };
}

/** What a chooser reads of a configuration; another object is another configuration. */
export interface ChooserConfig {
  readonly director: { readonly engine: EngineChoice };
}

/** Decides for the services of a director. */
export type EngineChooser = (service: VirtualService) => EngineDecision;

type Asked = Pick<Engine, "ipvsObstacle" | "bpfObstacle">;

/** What an engine knows of this host; each obstacle is found out once. */
function factsOf(engine: Asked, preferred: EngineChoice): EngineFacts {
  const none = "this director has no engine of the kernel";
  const once = (ask: (() => string | undefined) | undefined): (() => string | undefined) => {
    let answer: { readonly obstacle: string | undefined } | undefined;
    return () => (answer ??= { obstacle: ask === undefined ? none : ask() }).obstacle;
  };
  return {
    preferred,
    ipvsObstacle: once(engine.ipvsObstacle?.bind(engine)),
    bpfObstacle: once(engine.bpfObstacle?.bind(engine)),
  };
}

/**
 * A chooser for what is configured now. A service stays where it is until the next reload: it must
 * not lose its connections because somebody has loaded a module. One that nobody can carry is
 * looked at anew each time.
 */
export function createEngineChooser(engine: Asked, config: () => ChooserConfig): EngineChooser {
  let settledFor: ChooserConfig | undefined;
  const settled = new Map<VirtualService, EngineDecision>();
  return (service) => {
    const current = config();
    if (settledFor !== current) settled.clear();
    settledFor = current;
    const known = settled.get(service);
    if (known !== undefined) return known;
    const decision = chooseEngine(service, factsOf(engine, current.director.engine));
    if ("engine" in decision) settled.set(service, decision);
    return decision;
  };
}

/** Holds a configuration to what this host can carry. @throws {ApplianceError} `ENGINE_REFUSED`. */
export function requireEngines({ director, virtualServices }: Config, engine: Asked): void {
  const facts = factsOf(engine, director.engine);
  const lines = virtualServices.flatMap((service) => {
    const decision = chooseEngine(service, facts);
    return "refusal" in decision ? [`  virtual service ${service.name}: ${decision.refusal}`] : [];
  });
  if (lines.length === 0) return;
  throw new ApplianceError("ENGINE_REFUSED", `Cannot carry:\n${lines.join("\n")}`);
}
