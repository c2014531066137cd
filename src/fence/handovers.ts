/**
 * Entries of the map `handovers`: where the director that had an address drains, so that the fence
 * can send on to it what belongs to its connections.
 *
 * ```text
 * key   instance u32 | device u32
 * value end_ns u64 | address family u32 | 0 u32 | address 16, IPv4 in the first 4
 * ```
 * `struct handover` of fence.bpf.c, in the order of the host; the address in network order. Pure.
 *
 * @module
 */

import { AF_INET, AF_INET6 } from "../../ffi/constants/socket.ts";
import type { AddressBytes } from "../net/address.ts";

/** The other director on one device. */
export interface HandoverPlace {
  /** Index of the device that packets come in on and go out on again. */
  readonly device: number;
  /** Its own address there. */
  readonly address: AddressBytes;
}

/** Key of an entry. */
export function encodeHandoverKey(instance: number, device: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(instance, device).buffer);
}

/** Value of an entry. `endNs` is CLOCK_MONOTONIC: the kernel sends nothing on after that. */
export function encodeHandover(address: AddressBytes, endNs: bigint): Uint8Array {
  const value = new Uint8Array(32);
  const view = new DataView(value.buffer);
  view.setBigUint64(0, endNs, true);
  view.setUint32(8, address.length === 4 ? AF_INET : AF_INET6, true);
  value.set(address, 16);
  return value;
}
