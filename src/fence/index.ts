/**
 * Keeps this node from answering for virtual addresses without a lease.
 *
 * @module
 */

export type { FenceAttachment } from "./attacher.ts";
export { BpfFence, fencePinsName } from "./bpf-fence.ts";
export type { BpfFenceOptions } from "./bpf-fence.ts";
export type { HandoverPlace } from "./handovers.ts";
export { needsFence } from "./devices.ts";
export type { FenceDevice } from "./devices.ts";
export { fencePackets } from "./fence.ts";
export type { Fence, FenceCounters, FenceFinding, FenceHook, FencePacket } from "./fence.ts";
export { instancesMax, leaseFlagForward, leaseFlagRealServer, LeaseTable } from "./leases.ts";
export type { Leases } from "./leases.ts";
