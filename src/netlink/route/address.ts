/**
 * Addresses of interfaces in rtnetlink (linux/if_addr.h), as `ip address` shows them. Pure.
 *
 * ```text
 * struct ifaddrmsg:     family 1 | prefix 1 | flags 1 (low bits) | scope 1 | interface 4
 * struct ifa_cacheinfo: preferred 4 | valid 4 | created 4 | updated 4      seconds, 2^32-1: ever
 * ```
 *
 * @module
 */

import {
  IFA_ADDRESS,
  IFA_CACHEINFO,
  IFA_F_DADFAILED,
  IFA_F_DEPRECATED,
  IFA_F_NODAD,
  IFA_F_NOPREFIXROUTE,
  IFA_F_TENTATIVE,
  IFA_FLAGS,
  IFA_LABEL,
  IFA_LOCAL,
  IFA_PROTO,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_NOWHERE,
  RT_SCOPE_SITE,
  RT_SCOPE_UNIVERSE,
  RTM_DELADDR,
  RTM_NEWADDR,
} from "../../../ffi/constants/rtnetlink.ts";
import { AF_INET, AF_INET6 } from "../../../ffi/constants/socket.ts";
import { invariant } from "../../errors/index.ts";
import { familyOf, formatAddress, parseAddress } from "../../net/address.ts";
import type { Family } from "../../net/address.ts";
import { attribute, AttributeReader, concatenate, encodeAttributes } from "../attribute.ts";
import type { Attribute } from "../attribute.ts";
import { decoded, faulty } from "../decoded.ts";
import type { Decoded } from "../decoded.ts";
import type { NetlinkMessage } from "../message.ts";

const headBytes = 8;
const forever = 0xffff_ffff;
/** Length of a label in the kernel, with its zero byte (IFNAMSIZ). */
const labelBytesMax = 16;

const scopeNumbers = {
  global: RT_SCOPE_UNIVERSE,
  site: RT_SCOPE_SITE,
  link: RT_SCOPE_LINK,
  host: RT_SCOPE_HOST,
  nowhere: RT_SCOPE_NOWHERE,
} as const;

/** How far an address or a route reaches. */
export type Scope = keyof typeof scopeNumbers;

/** Scope of a number of the kernel; numbers between the known ones read as `global`. */
export function scopeOf(number: number): Scope {
  const known = Object.entries(scopeNumbers).find(([, value]) => value === number)?.[0];
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a key of this table.
  return (known as Scope | undefined) ?? "global";
}

/** AF_ number of a family. */
export function kernelFamily(family: Family): number {
  return family === 4 ? AF_INET : AF_INET6;
}

/** An address as the kernel has it. */
export interface InterfaceAddress {
  readonly index: number;
  readonly family: Family;
  /** Canonical text. */
  readonly address: string;
  readonly prefixBits: number;
  /** The other end of a point-to-point address; undefined for all others. */
  readonly peer: string | undefined;
  readonly scope: Scope;
  /** IPv4 only. */
  readonly label: string | undefined;
  /** Who added it (IFA_PROTO); 0 where nobody said so, also on kernels before 5.18. */
  readonly protocol: number;
  /** IFA_F_ bits. */
  readonly flags: number;
  /** Duplicate detection still runs: not usable yet (IPv6). */
  readonly isTentative: boolean;
  /** Another node has it (IPv6). */
  readonly isDuplicate: boolean;
  /** Not chosen as the source of new connections. */
  readonly isDeprecated: boolean;
  /** Seconds; undefined: for ever. */
  readonly preferredSeconds: number | undefined;
  /** Seconds; undefined: for ever. */
  readonly validSeconds: number | undefined;
}

/** An address to add or to change. */
export interface NewAddress {
  readonly index: number;
  /** Canonical text. */
  readonly address: string;
  /** @default 32 for IPv4, 128 for IPv6 */
  readonly prefixBits?: number;
  /** IPv4 only; starts with the interface's name, at most 15 bytes. */
  readonly label?: string;
  /** @default "global" */
  readonly scope?: Scope;
  /** Mark of who added it, 4..255 (IFA_PROTO); kernels before 5.18 ignore it. */
  readonly protocol?: number;
  /** No route to the address's network. @default false */
  readonly noPrefixRoute?: boolean;
  /** IPv6: usable at once, without duplicate detection. @default false */
  readonly noDad?: boolean;
  /** 0: never chosen as a source (IPv6; IPv4 ignores it). @default for ever */
  readonly preferredSeconds?: number;
  /** The kernel removes it then. @default for ever */
  readonly validSeconds?: number;
}

/** Bytes of an address that was validated before. */
export function addressBytes(address: string): Uint8Array {
  const bytes = parseAddress(address);
  invariant(bytes !== undefined, `${address} is an address`);
  return bytes;
}

function encodeHead(address: NewAddress, flags: number): Uint8Array {
  const family = familyOf(address.address);
  const head = new Uint8Array(headBytes);
  head[0] = kernelFamily(family);
  head[1] = address.prefixBits ?? (family === 4 ? 32 : 128);
  head[2] = flags & 0xff;
  head[3] = scopeNumbers[address.scope ?? "global"];
  new DataView(head.buffer).setUint32(4, address.index, true);
  return head;
}

function flagsOf({ address, noPrefixRoute = false, noDad = false }: NewAddress): number {
  const isIpv6 = familyOf(address) === 6;
  return (noPrefixRoute ? IFA_F_NOPREFIXROUTE : 0) | (noDad && isIpv6 ? IFA_F_NODAD : 0);
}

function cacheInfo({ preferredSeconds, validSeconds }: NewAddress): Attribute[] {
  if (preferredSeconds === undefined && validSeconds === undefined) return [];
  const data = new Uint8Array(16);
  const view = new DataView(data.buffer);
  view.setUint32(0, preferredSeconds ?? forever, true);
  view.setUint32(4, validSeconds ?? forever, true);
  return [attribute.bytes(IFA_CACHEINFO, data)];
}

/** Payload of RTM_NEWADDR. */
export function encodeNewAddress(address: NewAddress): Uint8Array {
  const { label, protocol } = address;
  invariant((label?.length ?? 0) < labelBytesMax, "a label has at most 15 bytes");
  const bytes = addressBytes(address.address);
  const flags = flagsOf(address);
  const attributes = encodeAttributes([
    attribute.bytes(IFA_LOCAL, bytes),
    attribute.bytes(IFA_ADDRESS, bytes),
    ...(label === undefined ? [] : [attribute.text(IFA_LABEL, label)]),
    ...cacheInfo(address),
    ...(flags === 0 ? [] : [attribute.u32(IFA_FLAGS, flags)]),
    ...(protocol === undefined ? [] : [attribute.u8(IFA_PROTO, protocol)]),
  ]);
  return concatenate(encodeHead(address, flags), attributes);
}

/** Payload of RTM_DELADDR; of `address` only interface, address and prefix count. */
export function encodeOldAddress({ index, address, prefixBits }: NewAddress): Uint8Array {
  const bare = { index, address, ...(prefixBits === undefined ? {} : { prefixBits }) };
  const bytes = addressBytes(address);
  return concatenate(encodeHead(bare, 0), encodeAttributes([attribute.bytes(IFA_LOCAL, bytes)]));
}

/** Payload of RTM_GETADDR: of all interfaces, or where the kernel can (since 4.20) of one. */
export function encodeGetAddresses(index = 0): Uint8Array {
  const head = new Uint8Array(headBytes);
  new DataView(head.buffer).setUint32(4, index, true);
  return head;
}

function seconds(view: DataView, offset: number): number | undefined {
  const value = view.getUint32(offset, true);
  return value === forever ? undefined : value;
}

function lifetimes(data: Uint8Array | undefined): (number | undefined)[] {
  if (data === undefined) return [undefined, undefined];
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return [seconds(view, 0), seconds(view, 4)];
}

function readAddress(payload: Uint8Array, family: Family): Decoded<InterfaceAddress> {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const attributes = new AttributeReader(payload.subarray(headBytes));
  const length = family === 4 ? 4 : 16;
  const given = attributes.exactly(IFA_ADDRESS, length);
  // With a peer, IFA_LOCAL is the own address; IPv6 has it only then.
  const local = attributes.exactly(IFA_LOCAL, length) ?? given;
  const [preferredSeconds, validSeconds] = lifetimes(attributes.bytes(IFA_CACHEINFO, 8));
  const flags = attributes.u32(IFA_FLAGS) ?? view.getUint8(2);
  const label = attributes.text(IFA_LABEL);
  const protocol = attributes.u8(IFA_PROTO) ?? 0;
  if (attributes.fault !== undefined) return faulty(attributes.fault);
  if (local === undefined) return faulty("missing");
  const address = formatAddress(local);
  const other = given === undefined ? address : formatAddress(given);
  return decoded({
    index: view.getUint32(4, true),
    family,
    address,
    prefixBits: view.getUint8(1),
    peer: other === address ? undefined : other,
    scope: scopeOf(view.getUint8(3)),
    label,
    protocol,
    flags,
    isTentative: (flags & IFA_F_TENTATIVE) !== 0,
    isDuplicate: (flags & IFA_F_DADFAILED) !== 0,
    isDeprecated: (flags & IFA_F_DEPRECATED) !== 0,
    preferredSeconds,
    validSeconds,
  });
}

/** Reads RTM_NEWADDR and RTM_DELADDR of IPv4 and IPv6; undefined for others. Never throws. */
export function decodeAddress(message: NetlinkMessage): Decoded<InterfaceAddress | undefined> {
  const { type, payload } = message;
  if (type !== RTM_NEWADDR && type !== RTM_DELADDR) return decoded(undefined);
  if (payload.length < headBytes) return faulty("truncated");
  if (payload[0] === AF_INET) return readAddress(payload, 4);
  if (payload[0] === AF_INET6) return readAddress(payload, 6);
  return decoded(undefined);
}
