/**
 * Virtual services in IPVS's netlink family (linux/ip_vs.h, IPVS_SVC_ATTR_). Pure.
 *
 * Addresses take 16 bytes, IPv4 in the first four; ports are big-endian; `struct ip_vs_flags` is
 * flags and a mask of those that are meant, four bytes each. The netmask of IPv4 is a big-endian
 * mask, that of IPv6 a number of bits.
 *
 * @module
 */

import {
  IP_VS_SVC_F_ONEPACKET,
  IP_VS_SVC_F_PERSISTENT,
  IP_VS_SVC_F_SCHED1,
  IP_VS_SVC_F_SCHED2,
  IP_VS_SVC_F_SCHED3,
  IPVS_CMD_ATTR_SERVICE,
  IPVS_SVC_ATTR_ADDR,
  IPVS_SVC_ATTR_AF,
  IPVS_SVC_ATTR_FLAGS,
  IPVS_SVC_ATTR_FWMARK,
  IPVS_SVC_ATTR_NETMASK,
  IPVS_SVC_ATTR_PE_NAME,
  IPVS_SVC_ATTR_PORT,
  IPVS_SVC_ATTR_PROTOCOL,
  IPVS_SVC_ATTR_SCHED_NAME,
  IPVS_SVC_ATTR_STATS,
  IPVS_SVC_ATTR_STATS64,
  IPVS_SVC_ATTR_TIMEOUT,
} from "../../../ffi/constants/ip-vs.ts";
import { AF_INET, AF_INET6, IPPROTO_TCP } from "../../../ffi/constants/socket.ts";
import { invariant } from "../../errors/index.ts";
import { formatAddress, parseAddress } from "../../net/address.ts";
import type { Family } from "../../net/address.ts";
import { attribute } from "../attribute.ts";
import type { Attribute, AttributeReader } from "../attribute.ts";
import { decoded, faulty } from "../decoded.ts";
import type { Decoded } from "../decoded.ts";
import type { NetlinkMessage } from "../message.ts";
import { decodeGeneric } from "./family.ts";
import { readStats } from "./ipvs-stats.ts";
import type { IpvsStats } from "./ipvs-stats.ts";

const addressFieldBytes = 16;
const protocolNumbers = { tcp: 6, udp: 17, sctp: 132 } as const;

/** Transport of a service that is no firewall mark. */
export type IpvsProtocol = keyof typeof protocolNumbers;

/** What a service is known by: an address and port, or a firewall mark. */
export type IpvsServiceKey =
  | {
      readonly type: "address";
      readonly family: Family;
      readonly protocol: IpvsProtocol;
      /** Canonical text. */
      readonly address: string;
      /** 0: every port (persistent services only). */
      readonly port: number;
    }
  | { readonly type: "fwmark"; readonly family: Family; readonly mark: number };

/** How a service balances. */
export interface IpvsServiceSettings {
  /** As `ipvsadm -s` names it; at most 15 bytes. */
  readonly scheduler: string;
  /** Seconds that a client keeps its real server; undefined: not persistent. */
  readonly persistentSeconds: number | undefined;
  /** Bits of a client's address that count for persistence; 32 or 128: each client on its own. */
  readonly persistentBits: number;
  /** One-packet scheduling (`--ops`). */
  readonly isOnePacket: boolean;
  /** Flags 1 to 3 of the scheduler (`-b`): sh and mh have fallback (1) and port (2). */
  readonly schedulerFlags: readonly (1 | 2 | 3)[];
  /** Persistence engine (`--pe`), for example `sip`; undefined: none. */
  readonly persistenceEngine: string | undefined;
}

/** A service as the kernel has it. */
export interface IpvsService extends IpvsServiceSettings {
  readonly key: IpvsServiceKey;
  readonly stats: IpvsStats;
}

/** 16 bytes of an address that was validated before. */
export function encodeAddressField(address: string): Uint8Array {
  const bytes = parseAddress(address);
  invariant(bytes !== undefined, `${address} is an address`);
  const field = new Uint8Array(addressFieldBytes);
  field.set(bytes);
  return field;
}

/** Canonical text of a 16-byte address field. */
export function decodeAddressField(field: Uint8Array, family: Family): string {
  return formatAddress(field.subarray(0, family === 4 ? 4 : addressFieldBytes));
}

/** AF_ number of a family. */
export function kernelFamily(family: Family): number {
  return family === 4 ? AF_INET : AF_INET6;
}

/** Family of an AF_ number; undefined for others than IP. */
export function familyOfNumber(number: number | undefined): Family | undefined {
  if (number === AF_INET) return 4;
  return number === AF_INET6 ? 6 : undefined;
}

function keyAttributes(key: IpvsServiceKey): Attribute[] {
  const family = attribute.u16(IPVS_SVC_ATTR_AF, kernelFamily(key.family));
  if (key.type === "fwmark") return [family, attribute.u32(IPVS_SVC_ATTR_FWMARK, key.mark)];
  return [
    family,
    attribute.u16(IPVS_SVC_ATTR_PROTOCOL, protocolNumbers[key.protocol]),
    attribute.bytes(IPVS_SVC_ATTR_ADDR, encodeAddressField(key.address)),
    attribute.be16(IPVS_SVC_ATTR_PORT, key.port),
  ];
}

const schedulerFlagBits = {
  1: IP_VS_SVC_F_SCHED1,
  2: IP_VS_SVC_F_SCHED2,
  3: IP_VS_SVC_F_SCHED3,
} as const;

function flagsOf(settings: IpvsServiceSettings): number {
  let flags = 0;
  if (settings.persistentSeconds !== undefined) flags |= IP_VS_SVC_F_PERSISTENT;
  if (settings.isOnePacket) flags |= IP_VS_SVC_F_ONEPACKET;
  for (const flag of settings.schedulerFlags) flags |= schedulerFlagBits[flag];
  return flags;
}

function flagsAttribute(flags: number): Attribute {
  const data = new Uint8Array(8);
  const view = new DataView(data.buffer);
  view.setUint32(0, flags, true);
  // All flags are meant: one that was set before and is not any more must go.
  view.setUint32(4, 0xffff_ffff, true);
  return attribute.bytes(IPVS_SVC_ATTR_FLAGS, data);
}

function netmaskAttribute(bits: number, family: Family): Attribute {
  if (family === 6) return attribute.u32(IPVS_SVC_ATTR_NETMASK, bits);
  const mask = bits === 0 ? 0 : (0xffff_ffff << (32 - bits)) >>> 0;
  return attribute.be32(IPVS_SVC_ATTR_NETMASK, mask);
}

/** The attribute that names a service, for requests about one. */
export function encodeServiceKey(key: IpvsServiceKey): Attribute {
  return attribute.nested(IPVS_CMD_ATTR_SERVICE, keyAttributes(key));
}

/** The attribute that names and describes a service, for NEW and SET. */
export function encodeService(key: IpvsServiceKey, settings: IpvsServiceSettings): Attribute {
  const { scheduler, persistentSeconds, persistentBits, persistenceEngine } = settings;
  return attribute.nested(IPVS_CMD_ATTR_SERVICE, [
    ...keyAttributes(key),
    attribute.text(IPVS_SVC_ATTR_SCHED_NAME, scheduler),
    ...(persistenceEngine === undefined
      ? []
      : [attribute.text(IPVS_SVC_ATTR_PE_NAME, persistenceEngine)]),
    flagsAttribute(flagsOf(settings)),
    attribute.u32(IPVS_SVC_ATTR_TIMEOUT, persistentSeconds ?? 0),
    netmaskAttribute(persistentBits, key.family),
  ]);
}

function readKey(service: AttributeReader, family: Family): IpvsServiceKey | undefined {
  const mark = service.u32(IPVS_SVC_ATTR_FWMARK);
  if (mark !== undefined && mark !== 0) return { type: "fwmark", family, mark };
  const address = service.exactly(IPVS_SVC_ATTR_ADDR, addressFieldBytes);
  const port = service.be16(IPVS_SVC_ATTR_PORT);
  const number = service.u16(IPVS_SVC_ATTR_PROTOCOL) ?? IPPROTO_TCP;
  const protocol = (["tcp", "udp", "sctp"] as const).find(
    (name) => protocolNumbers[name] === number,
  );
  if (address === undefined || port === undefined || protocol === undefined) return undefined;
  return { type: "address", family, protocol, address: decodeAddressField(address, family), port };
}

/** Bits that are set: of a mask without gaps its length. */
function countBits(mask: number): number {
  let count = 0;
  for (let rest = mask >>> 0; rest !== 0; rest &= rest - 1) count++;
  return count;
}

function readNetmask(service: AttributeReader, family: Family): number {
  if (family === 6) return service.u32(IPVS_SVC_ATTR_NETMASK) ?? 128;
  return countBits(service.be32(IPVS_SVC_ATTR_NETMASK) ?? 0xffff_ffff);
}

function readSettings(service: AttributeReader, family: Family): IpvsServiceSettings {
  const data = service.exactly(IPVS_SVC_ATTR_FLAGS, 8);
  const flags =
    data === undefined ? 0 : new DataView(data.buffer, data.byteOffset, 8).getUint32(0, true);
  const seconds = service.u32(IPVS_SVC_ATTR_TIMEOUT) ?? 0;
  const engine = service.text(IPVS_SVC_ATTR_PE_NAME);
  return {
    scheduler: service.text(IPVS_SVC_ATTR_SCHED_NAME) ?? "",
    persistentSeconds: (flags & IP_VS_SVC_F_PERSISTENT) === 0 ? undefined : seconds,
    persistentBits: readNetmask(service, family),
    isOnePacket: (flags & IP_VS_SVC_F_ONEPACKET) !== 0,
    schedulerFlags: ([1, 2, 3] as const).filter((flag) => (flags & schedulerFlagBits[flag]) !== 0),
    persistenceEngine: engine === "" ? undefined : engine,
  };
}

/** Reads an answer that describes a service. Never throws. */
export function decodeService(message: NetlinkMessage): Decoded<IpvsService> {
  const answer = decodeGeneric(message);
  if (!answer.ok) return answer;
  const { attributes } = answer.value;
  const service = attributes.nested(IPVS_CMD_ATTR_SERVICE);
  if (service === undefined) return faulty(attributes.fault ?? "missing");
  const family = familyOfNumber(service.u16(IPVS_SVC_ATTR_AF));
  if (family === undefined) return faulty(attributes.fault ?? "bad-value");
  const key = readKey(service, family);
  const settings = readSettings(service, family);
  const stats = readStats(service, IPVS_SVC_ATTR_STATS64, IPVS_SVC_ATTR_STATS);
  if (attributes.fault !== undefined) return faulty(attributes.fault);
  return key === undefined ? faulty("missing") : decoded({ key, ...settings, stats });
}
