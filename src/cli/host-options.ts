/**
 * What `setup` and `doctor` share: lists of values, and what a configuration asks of its host.
 *
 * @module
 */

import type { EngineDecision } from "../daemon/index.ts";
import type { CarriedService, DirectorWish } from "../host/index.ts";
import type { Config, VirtualService } from "../model/index.ts";
import { familyOf } from "../net/address.ts";

/**
 * `--vip A B` as `--vip A --vip B`, for options of these names: what follows up to the next option
 * belongs to it.
 */
export function expandLists(args: readonly string[], names: readonly string[]): string[] {
  let current: string | undefined;
  let isFirst = false;
  return args.flatMap((argument) => {
    if (argument.startsWith("-")) {
      const name = argument.replace(/^--/, "").replace(/=.*/, "");
      current = argument.startsWith("--") && names.includes(name) ? `--${name}` : undefined;
      isFirst = !argument.includes("=");
      return [argument];
    }
    const needsName = current !== undefined && !isFirst;
    isFirst = false;
    return needsName ? [current!, argument] : [argument];
  });
}

/** How this program is started again: the executable, or the runtime and the entry point. */
export function programCommand(): readonly string[] {
  const isCompiled = Bun.main.startsWith("/$bunfs/");
  return isCompiled ? [process.execPath] : [process.execPath, Bun.main];
}

type Carrier = CarriedService["engine"];

function carrierOf(decision: EngineDecision): Carrier | undefined {
  return "engine" in decision ? decision.engine : undefined;
}

/** How a service is carried: on a host that has IPVS, and on one that has not. */
function carriedService(
  service: VirtualService,
  decide: (hasIpvs: boolean) => EngineDecision,
): CarriedService {
  const { name, forwarding, scheduler, listen, persistence } = service;
  const engine = carrierOf(decide(true)) ?? "proxy";
  const without = carrierOf(decide(false));
  return {
    name,
    engine,
    forwarding,
    scheduler,
    families: [...new Set(listen.map(({ address }) => familyOf(address)))],
    ...(without !== undefined && without !== engine && { withoutIpvs: without }),
    ...(engine === "ipvs" && { isPersistent: persistence !== undefined }),
  };
}

/** What a configuration asks of its host. */
export async function directorWish(config: Config): Promise<DirectorWish> {
  const { requiredDescriptors } = await import("../config/index.ts");
  const { chooseEngine } = await import("../daemon/index.ts");
  const services = config.virtualServices.map((service) =>
    carriedService(service, (hasIpvs) =>
      chooseEngine(service, {
        preferred: config.director.engine,
        ipvsObstacle: () => (hasIpvs ? undefined : "it is missing"),
        bpfObstacle: () => undefined,
      }),
    ),
  );
  // A proxied connection has two descriptors.
  const connections = config.virtualServices.reduce((sum, one) => sum + one.connectionLimit, 0);
  const { total } = requiredDescriptors(config, config.proxy.workers);
  return { services, descriptors: total + 2 * connections };
}
