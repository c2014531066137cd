/**
 * nf_tables: the fall-back fence of the virtual addresses.
 *
 * @module
 */

export type { FenceDevice, FenceInstance, FenceLease, FenceSpec } from "./fence.ts";
export { NftFence, openNftFence } from "./fence-socket.ts";
export type { NftFenceSettings } from "./fence-socket.ts";
