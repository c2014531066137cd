/**
 * Real servers in IPVS's netlink family, by the kernel's word destinations (linux/ip_vs.h,
 * IPVS_DEST_ATTR_). Pure.
 *
 * @module
 */

import {
  IP_VS_CONN_F_BYPASS,
  IP_VS_CONN_F_DROUTE,
  IP_VS_CONN_F_FWD_MASK,
  IP_VS_CONN_F_LOCALNODE,
  IP_VS_CONN_F_MASQ,
  IP_VS_CONN_F_TUNNEL,
  IP_VS_CONN_F_TUNNEL_TYPE_GRE,
  IP_VS_CONN_F_TUNNEL_TYPE_GUE,
  IP_VS_CONN_F_TUNNEL_TYPE_IPIP,
  IPVS_CMD_ATTR_DEST,
  IPVS_DEST_ATTR_ACTIVE_CONNS,
  IPVS_DEST_ATTR_ADDR,
  IPVS_DEST_ATTR_ADDR_FAMILY,
  IPVS_DEST_ATTR_FWD_METHOD,
  IPVS_DEST_ATTR_INACT_CONNS,
  IPVS_DEST_ATTR_L_THRESH,
  IPVS_DEST_ATTR_PERSIST_CONNS,
  IPVS_DEST_ATTR_PORT,
  IPVS_DEST_ATTR_STATS,
  IPVS_DEST_ATTR_STATS64,
  IPVS_DEST_ATTR_TUN_FLAGS,
  IPVS_DEST_ATTR_TUN_PORT,
  IPVS_DEST_ATTR_TUN_TYPE,
  IPVS_DEST_ATTR_U_THRESH,
  IPVS_DEST_ATTR_WEIGHT,
} from "../../../ffi/constants/ip-vs.ts";
import { familyOf } from "../../net/address.ts";
import type { Family } from "../../net/address.ts";
import { attribute } from "../attribute.ts";
import type { Attribute, AttributeReader } from "../attribute.ts";
import { decoded, faulty } from "../decoded.ts";
import type { Decoded } from "../decoded.ts";
import type { NetlinkMessage } from "../message.ts";
import { decodeGeneric } from "./family.ts";
import {
  decodeAddressField,
  encodeAddressField,
  familyOfNumber,
  kernelFamily,
} from "./ipvs-service.ts";
import { readStats } from "./ipvs-stats.ts";
import type { IpvsStats } from "./ipvs-stats.ts";

const methodNumbers = {
  masq: IP_VS_CONN_F_MASQ,
  local: IP_VS_CONN_F_LOCALNODE,
  ipip: IP_VS_CONN_F_TUNNEL,
  gate: IP_VS_CONN_F_DROUTE,
  bypass: IP_VS_CONN_F_BYPASS,
} as const;

/** Forwarding method; `local` is what the kernel makes of an own address. */
export type IpvsMethod = keyof typeof methodNumbers;

const tunnelNumbers = {
  ipip: IP_VS_CONN_F_TUNNEL_TYPE_IPIP,
  gue: IP_VS_CONN_F_TUNNEL_TYPE_GUE,
  gre: IP_VS_CONN_F_TUNNEL_TYPE_GRE,
} as const;

/** Encapsulation of the method `ipip`; `gue` and `gre` need Linux 5.2. */
export type IpvsTunnelType = keyof typeof tunnelNumbers;

/** How packets to a real server are wrapped. */
export interface IpvsTunnel {
  readonly type: IpvsTunnelType;
  /** UDP port of `gue`; 0 otherwise. */
  readonly port: number;
  /** IP_VS_TUNNEL_ENCAP_FLAG_ bits: 0 no checksum, 1 checksum, 2 remote checksum offload. */
  readonly flags: number;
}

/** What a real server is known by within its service. */
export interface IpvsDestinationKey {
  /** Canonical text. */
  readonly address: string;
  readonly port: number;
}

/** How a real server is used. */
export interface IpvsDestinationSettings {
  readonly method: IpvsMethod;
  /** 0..2^31-1; 0: nothing new. */
  readonly weight: number;
  /** So many connections, and it gets nothing new; 0: no limit. */
  readonly upperThreshold: number;
  /** So few, and it does again; 0: three quarters of the upper one. */
  readonly lowerThreshold: number;
  readonly tunnel: IpvsTunnel;
}

/** A real server as the kernel has it. */
export interface IpvsDestination extends IpvsDestinationKey, IpvsDestinationSettings {
  readonly activeConnections: number;
  readonly inactiveConnections: number;
  readonly persistentConnections: number;
  readonly stats: IpvsStats;
}

/** The tunnel of all methods that have none. */
export const plainTunnel: IpvsTunnel = { type: "ipip", port: 0, flags: 0 };

function keyAttributes({ address, port }: IpvsDestinationKey): Attribute[] {
  return [
    attribute.bytes(IPVS_DEST_ATTR_ADDR, encodeAddressField(address)),
    attribute.be16(IPVS_DEST_ATTR_PORT, port),
    attribute.u16(IPVS_DEST_ATTR_ADDR_FAMILY, kernelFamily(familyOf(address))),
  ];
}

/** The attribute that names a real server, for DEL. */
export function encodeDestinationKey(key: IpvsDestinationKey): Attribute {
  return attribute.nested(IPVS_CMD_ATTR_DEST, keyAttributes(key));
}

/** Tunnel attributes; none for the plain one, which kernels before 5.2 know without. */
function tunnelAttributes({ type, port, flags }: IpvsTunnel): Attribute[] {
  if (type === plainTunnel.type && port === 0 && flags === 0) return [];
  return [
    attribute.u8(IPVS_DEST_ATTR_TUN_TYPE, tunnelNumbers[type]),
    attribute.be16(IPVS_DEST_ATTR_TUN_PORT, port),
    attribute.u16(IPVS_DEST_ATTR_TUN_FLAGS, flags),
  ];
}

/** The attribute that names and describes a real server, for NEW and SET. */
export function encodeDestination(
  key: IpvsDestinationKey,
  settings: IpvsDestinationSettings,
): Attribute {
  return attribute.nested(IPVS_CMD_ATTR_DEST, [
    ...keyAttributes(key),
    attribute.u32(IPVS_DEST_ATTR_FWD_METHOD, methodNumbers[settings.method]),
    attribute.u32(IPVS_DEST_ATTR_WEIGHT, settings.weight),
    attribute.u32(IPVS_DEST_ATTR_U_THRESH, settings.upperThreshold),
    attribute.u32(IPVS_DEST_ATTR_L_THRESH, settings.lowerThreshold),
    ...tunnelAttributes(settings.tunnel),
  ]);
}

const methodNames = ["masq", "local", "ipip", "gate", "bypass"] as const;
const tunnelNames = ["ipip", "gue", "gre"] as const;

function readSettings(entry: AttributeReader): IpvsDestinationSettings | undefined {
  const method = (entry.u32(IPVS_DEST_ATTR_FWD_METHOD) ?? 0) & IP_VS_CONN_F_FWD_MASK;
  const tunnel = entry.u8(IPVS_DEST_ATTR_TUN_TYPE) ?? 0;
  const [name, type] = [methodNames[method], tunnelNames[tunnel]];
  if (name === undefined || type === undefined) return undefined;
  return {
    method: name,
    weight: entry.u32(IPVS_DEST_ATTR_WEIGHT) ?? 0,
    upperThreshold: entry.u32(IPVS_DEST_ATTR_U_THRESH) ?? 0,
    lowerThreshold: entry.u32(IPVS_DEST_ATTR_L_THRESH) ?? 0,
    tunnel: {
      type,
      port: entry.be16(IPVS_DEST_ATTR_TUN_PORT) ?? 0,
      flags: entry.u16(IPVS_DEST_ATTR_TUN_FLAGS) ?? 0,
    },
  };
}

function readKey(entry: AttributeReader, serviceFamily: Family): IpvsDestinationKey | undefined {
  const address = entry.exactly(IPVS_DEST_ATTR_ADDR, 16);
  const port = entry.be16(IPVS_DEST_ATTR_PORT);
  // Kernels before 3.18 do not say the family: it is the service's.
  const number = entry.u16(IPVS_DEST_ATTR_ADDR_FAMILY);
  const family = number === undefined ? serviceFamily : familyOfNumber(number);
  if (address === undefined || port === undefined || family === undefined) return undefined;
  return { address: decodeAddressField(address, family), port };
}

/**
 * Reads an answer that describes a real server. Never throws.
 *
 * @param serviceFamily Family of its service, for kernels that do not say the server's own.
 */
export function decodeDestination(
  message: NetlinkMessage,
  serviceFamily: Family,
): Decoded<IpvsDestination> {
  const answer = decodeGeneric(message);
  if (!answer.ok) return answer;
  const { attributes } = answer.value;
  const entry = attributes.nested(IPVS_CMD_ATTR_DEST);
  if (entry === undefined) return faulty(attributes.fault ?? "missing");
  const key = readKey(entry, serviceFamily);
  const settings = readSettings(entry);
  const counts = {
    activeConnections: entry.u32(IPVS_DEST_ATTR_ACTIVE_CONNS) ?? 0,
    inactiveConnections: entry.u32(IPVS_DEST_ATTR_INACT_CONNS) ?? 0,
    persistentConnections: entry.u32(IPVS_DEST_ATTR_PERSIST_CONNS) ?? 0,
  };
  const stats = readStats(entry, IPVS_DEST_ATTR_STATS64, IPVS_DEST_ATTR_STATS);
  if (attributes.fault !== undefined) return faulty(attributes.fault);
  if (key === undefined) return faulty("missing");
  if (settings === undefined) return faulty("bad-value");
  return decoded({ ...key, ...settings, ...counts, stats });
}
