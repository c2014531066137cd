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

/** How a service is carried on a host that has IPVS. */
function carriedService(
  { director }: Config,
  service: VirtualService,
  decision: EngineDecision,
): CarriedService {
  const { name, forwarding, scheduler, listen, persistence, firewallMark } = service;
  const isIpvs = "engine" in decision && decision.engine === "ipvs";
  const choice = service.engine === "auto" ? director.engine : service.engine;
  const mayBeProxied = forwarding === "masq" && firewallMark === undefined && choice === "auto";
  return {
    name,
    engine: isIpvs ? "ipvs" : "proxy",
    forwarding,
    scheduler,
    families: [...new Set(listen.map(({ address }) => familyOf(address)))],
    ...(isIpvs && { mayBeProxied, isPersistent: persistence !== undefined }),
  };
}

/** What a configuration asks of its host. */
export async function directorWish(config: Config): Promise<DirectorWish> {
  const { requiredDescriptors } = await import("../config/index.ts");
  const { chooseEngine } = await import("../daemon/index.ts");
  const facts = { preferred: config.director.engine, ipvsObstacle: () => undefined };
  const services = config.virtualServices.map((service) =>
    carriedService(config, service, chooseEngine(service, facts)),
  );
  // A proxied connection has two descriptors.
  const connections = config.virtualServices.reduce((sum, one) => sum + one.connectionLimit, 0);
  const { total } = requiredDescriptors(config, config.proxy.workers);
  return { services, descriptors: total + 2 * connections };
}
