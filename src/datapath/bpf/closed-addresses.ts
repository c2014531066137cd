/**
 * Whether this director answers for a virtual address, as the program asks it for each packet: an
 * address that the fence knows is closed unless its lease runs.
 *
 * @module
 */

import { monotonicMs } from "../../../ffi/clock.ts";
import { indexKey } from "./layout.ts";
import type { BalancerProgram } from "./program.ts";

/** `struct lease`: end in ns u64, closings u32, opened u32, and what is of no interest here. */
const leaseBytes = 32;

/** True if the address, as bytes, is fenced and its lease does not run. */
export function isClosedAddress(program: BalancerProgram, address: Uint8Array): boolean {
  const { kernel } = program;
  const instance = new Uint8Array(4);
  const map = program.map(address.length === 4 ? "addresses4" : "addresses6");
  if (!kernel.lookup(map, address, instance)) return false;
  const lease = new Uint8Array(leaseBytes);
  const index = new DataView(instance.buffer).getUint32(0, true);
  if (!kernel.lookup(program.map("leases"), indexKey(index), lease)) return true;
  const view = new DataView(lease.buffer);
  const isOpened = view.getUint32(8, true) === view.getUint32(12, true);
  return !isOpened || Number(view.getBigUint64(0, true)) / 1e6 <= monotonicMs();
}
