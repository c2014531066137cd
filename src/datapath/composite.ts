/**
 * Several engines as one: each service goes to the one that was chosen for it, and what they count
 * and tell is put together.
 *
 * @module
 */

import { errorText } from "../errors/index.ts";
import type { ForwardingService } from "../model/index.ts";
import type { ApplyProblem, ConnectionEntry, Engine } from "./engine.ts";

/** The parts; the one who asks for the whole gives them away, and closes the whole. */
export interface CompositeParts {
  /** Carries what nothing else was chosen for. */
  readonly proxy: Engine;
  readonly ipvs: Engine;
}

/** Hands one engine its services. A failure of one engine must not keep the other from its work. */
async function applyTo(
  engine: Engine,
  services: readonly ForwardingService[],
): Promise<readonly ApplyProblem[]> {
  try {
    return await engine.apply(services);
  } catch (error) {
    return [{ service: "", code: "ENGINE_FAILED", message: errorText(error) }];
  }
}

/** Makes one engine out of several. */
export function createCompositeEngine({ proxy, ipvs }: CompositeParts): Engine {
  const carrierOf = ({ engine }: ForwardingService): Engine => (engine === "ipvs" ? ipvs : proxy);
  return {
    name: proxy.name,
    refuse: (service) => carrierOf(service).refuse(service),
    async apply(services) {
      const byCarrier = Map.groupBy(services, carrierOf);
      // A service that moves is refused for the moment in between.
      const kernel = await applyTo(ipvs, byCarrier.get(ipvs) ?? []);
      const own = await applyTo(proxy, byCarrier.get(proxy) ?? []);
      return [...own, ...kernel];
    },
    counters: () => [...proxy.counters(), ...ipvs.counters()],
    async connections(limit) {
      const entries: ConnectionEntry[] = [...(await proxy.connections(limit))];
      if (entries.length >= limit) return entries;
      return [...entries, ...(await ipvs.connections(limit - entries.length))];
    },
    boundClients: (withinMs, limit) => proxy.boundClients?.(withinMs, limit) ?? [],
    bindClients: (clients) => proxy.bindClients?.(clients) ?? 0,
    ipvsObstacle: () => ipvs.ipvsObstacle?.(),
    ipvsView: () => ipvs.ipvsView?.(),
    async close(timeoutMs, hurry) {
      await Promise.all([proxy.close(timeoutMs, hurry), ipvs.close(timeoutMs, hurry)]);
    },
  };
}
