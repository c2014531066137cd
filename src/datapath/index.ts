/**
 * Data path: the engines that carry the traffic.
 *
 * @module
 */

export { closeCauses } from "./engine.ts";
export type {
  ApplyProblem,
  BoundClient,
  CloseCause,
  ConnectionCopies,
  ConnectionEntry,
  ConnectionPortion,
  DroppedPackets,
  Engine,
  EngineEvent,
  EngineListener,
  EngineName,
  IpvsSettings,
  IpvsView,
  ServerCounters,
  ServiceCounters,
  SharedListener,
  SyncDaemon,
} from "./engine.ts";
export { createProxyEngine } from "./proxy/engine.ts";
export type { ProxyEngineOptions } from "./proxy/engine.ts";
export { createPortableEngine } from "./portable/engine.ts";
export type { PortableEngineOptions } from "./portable/engine.ts";
export { createIpvsEngine, ipvsRefusal } from "./ipvs/index.ts";
export type { IpvsEngineOptions, IpvsWish } from "./ipvs/index.ts";
export { createCompositeEngine } from "./composite.ts";
export { BpfEngine, openBpfEngine } from "./bpf/engine.ts";
export { createBpfEngine } from "./bpf/on-demand.ts";
export type { OnDemandOptions } from "./bpf/on-demand.ts";
export type { BpfEngineOptions } from "./bpf/engine.ts";
export { bpfRefusal } from "./bpf/refuse.ts";
