/**
 * Failover of virtual addresses between directors.
 *
 * @module
 */

export { Failover } from "./failover.ts";
export type { FailoverOptions, RealtimeView, UnplacedPlan } from "./failover.ts";
export type { HandedFailover } from "./handed.ts";
export { runGuard } from "./guard.ts";
export { addressProtocol } from "./held-addresses.ts";
export type { PeerChannelView } from "./peer-status.ts";
export type { InstancePlan, PeerPlan, PlannedAddress, PlannedKey, TableDigest } from "./plan.ts";
export { release } from "./release.ts";
export type { ReleasedAddress } from "./release.ts";
export type { FenceState, Fitness, InstanceState, RealtimeEvent } from "./protocol.ts";
export type { HeardView, InstanceView } from "./status.ts";
