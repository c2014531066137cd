/**
 * Data path: the engines that carry the traffic.
 *
 * @module
 */

export { closeCauses } from "./engine.ts";
export type {
  ApplyProblem,
  CloseCause,
  ConnectionEntry,
  Engine,
  EngineEvent,
  EngineListener,
  EngineName,
  ServerCounters,
  ServiceCounters,
} from "./engine.ts";
export { createProxyEngine } from "./proxy/engine.ts";
export type { ProxyEngineOptions } from "./proxy/engine.ts";
export { createPortableEngine } from "./portable/engine.ts";
export type { PortableEngineOptions } from "./portable/engine.ts";
