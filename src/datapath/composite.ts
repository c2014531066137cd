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
  readonly bpf: Engine;
  /**
   * Another process still carries the traffic: what is in the kernel is left alone until
   * `setAccepting`. @default false
   */
  readonly isHeld?: boolean | undefined;
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
export function createCompositeEngine(parts: CompositeParts): Engine {
  const { proxy, ipvs, bpf } = parts;
  const all = [proxy, ipvs, bpf];
  let isHeld = parts.isHeld === true;
  const carrierOf = ({ engine }: ForwardingService): Engine => {
    if (engine === "ipvs") return ipvs;
    return engine === "bpf" ? bpf : proxy;
  };
  return {
    name: proxy.name,
    refuse: (service) => carrierOf(service).refuse(service),
    async apply(services) {
      const byCarrier = Map.groupBy(services, carrierOf);
      const of = (engine: Engine): Promise<readonly ApplyProblem[]> =>
        applyTo(engine, byCarrier.get(engine) ?? []);
      // A service that moves is refused for the moment in between.
      const kernel = isHeld ? [] : [...(await of(ipvs)), ...(await of(bpf))];
      return [...(await of(proxy)), ...kernel];
    },
    counters: () => all.flatMap((engine) => engine.counters()),
    async connections(limit) {
      const entries: ConnectionEntry[] = [];
      for (const engine of all) {
        if (entries.length >= limit) break;
        entries.push(...(await engine.connections(limit - entries.length)));
      }
      return entries;
    },
    boundClients(withinMs, limit) {
      const proxied = proxy.boundClients?.(withinMs, limit) ?? [];
      return [...proxied, ...(bpf.boundClients?.(withinMs, limit - proxied.length) ?? [])];
    },
    bindClients: (clients) =>
      (proxy.bindClients?.(clients) ?? 0) + (bpf.bindClients?.(clients) ?? 0),
    get copies() {
      return bpf.copies;
    },
    ipvsObstacle: () => ipvs.ipvsObstacle?.(),
    ipvsView: () => ipvs.ipvsView?.(),
    configureIpvs: (settings) => ipvs.configureIpvs?.(settings),
    bpfObstacle: () => bpf.bpfObstacle?.(),
    droppedPackets: () => all.flatMap((engine) => engine.droppedPackets?.() ?? []),
    leave() {
      for (const engine of all) engine.leave?.();
    },
    ...(proxy.sharedListeners && { sharedListeners: () => proxy.sharedListeners!() }),
    async setAccepting(isAccepting) {
      isHeld = !isAccepting;
      for (const engine of all) await engine.setAccepting?.(isAccepting);
    },
    async retire(timeoutMs, hurry) {
      for (const engine of [ipvs, bpf]) engine.leave?.();
      await proxy.close(timeoutMs, hurry);
    },
    async close(timeoutMs, hurry) {
      await Promise.all(all.map((engine) => engine.close(timeoutMs, hurry)));
    },
  };
}
