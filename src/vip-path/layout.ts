/**
 * Keys and values of the maps of ffi/bpf/vip-path.h. Numbers are in the order of the host,
 * addresses in network order. Pure.
 *
 * @module
 */

import { familyOf, parseAddress } from "../net/address.ts";

/** Bits of a mark that say whose it is; MARK of vip-path.h. */
export const markBase = 0x4150_0000;
/** Numbers that the other bits hold. */
export const markNumbers = 0x10_0000;

/**
 * Addresses that stand for a client's where masq is checked: nobody has them, so an answer to them
 * takes the default route. The dummy address of RFC 7600, one of the discard prefix of RFC 6666.
 */
export const clientAddress = { 4: "192.0.0.8", 6: "100::a" } as const;

const methods = { gate: 0, ipip: 1, masq: 2 } as const;
const pathBytes = 40;

/** What one check does to its packets. */
export interface PathRecord {
  readonly forwarding: keyof typeof methods;
  /** Canonical address of the real server. */
  readonly server: string;
  /** gate and ipip: the virtual address, of the same family. masq has no use for it. */
  readonly virtualAddress: string;
}

/** Key of the map `paths`. */
export function encodeMark(mark: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, mark, true);
  return bytes;
}

/** `struct path`. */
export function encodePath({ forwarding, server, virtualAddress }: PathRecord): Uint8Array {
  const bytes = new Uint8Array(pathBytes);
  const view = new DataView(bytes.buffer);
  const family = familyOf(server);
  const other = forwarding === "masq" ? clientAddress[family] : virtualAddress;
  bytes.set(parseAddress(server)!, 0);
  bytes.set(parseAddress(other)!, 16);
  view.setUint32(32, family, true);
  view.setUint32(36, methods[forwarding], true);
  return bytes;
}
