/**
 * Failover of virtual addresses between directors.
 *
 * @module
 */

export { Failover } from "./failover.ts";
export type { FailoverOptions, RealtimeView, UnplacedPlan } from "./failover.ts";
export { runGuard } from "./guard.ts";
export { addressProtocol } from "./instance.ts";
export type { InstancePlan, PlannedAddress } from "./plan.ts";
export { release } from "./release.ts";
export type { ReleasedAddress } from "./release.ts";
export type { FenceState, InstanceState, RealtimeEvent } from "./protocol.ts";
export type { HeardView, InstanceView } from "./status.ts";
