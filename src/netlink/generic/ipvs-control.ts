/**
 * Version, timeouts and synchronisation daemons in IPVS's netlink family (linux/ip_vs.h). Pure.
 *
 * @module
 */

import {
  IP_VS_STATE_BACKUP,
  IP_VS_STATE_MASTER,
  IPVS_CMD_ATTR_DAEMON,
  IPVS_CMD_ATTR_TIMEOUT_TCP,
  IPVS_CMD_ATTR_TIMEOUT_TCP_FIN,
  IPVS_CMD_ATTR_TIMEOUT_UDP,
  IPVS_DAEMON_ATTR_MCAST_GROUP,
  IPVS_DAEMON_ATTR_MCAST_GROUP6,
  IPVS_DAEMON_ATTR_MCAST_IFN,
  IPVS_DAEMON_ATTR_MCAST_PORT,
  IPVS_DAEMON_ATTR_MCAST_TTL,
  IPVS_DAEMON_ATTR_STATE,
  IPVS_DAEMON_ATTR_SYNC_ID,
  IPVS_DAEMON_ATTR_SYNC_MAXLEN,
  IPVS_INFO_ATTR_CONN_TAB_SIZE,
  IPVS_INFO_ATTR_VERSION,
} from "../../../ffi/constants/ip-vs.ts";
import { invariant } from "../../errors/index.ts";
import { formatAddress, parseAddress } from "../../net/address.ts";
import { attribute } from "../attribute.ts";
import type { Attribute, AttributeReader } from "../attribute.ts";
import { decoded, faulty } from "../decoded.ts";
import type { Decoded } from "../decoded.ts";
import type { NetlinkMessage } from "../message.ts";
import { decodeGeneric } from "./family.ts";

/** The IPVS of the running kernel. */
export interface IpvsInfo {
  /** As `ipvsadm` shows it: `1.2.1`. */
  readonly version: string;
  /** Slots of the connection table; connections may be more. */
  readonly connectionTableSize: number;
}

/** Seconds after which idle connections are forgotten; when set, 0 leaves a value as it is. */
export interface IpvsTimeouts {
  readonly tcpSeconds: number;
  /** After a FIN. */
  readonly tcpFinSeconds: number;
  readonly udpSeconds: number;
}

/** Where a synchronisation daemon stands: it sends (`active`) or receives (`backup`). */
export type IpvsDaemonRole = "active" | "backup";

/** A synchronisation daemon; what is left out when it is started, the kernel chooses. */
export interface IpvsDaemon {
  readonly role: IpvsDaemonRole;
  /** Interface that it multicasts on. */
  readonly interfaceName: string;
  /** 0..255; a receiver with 0 takes those of all. */
  readonly syncId: number;
  /** Largest UDP payload, bytes. */
  readonly payloadBytes?: number | undefined;
  /** Multicast group, canonical text. */
  readonly group?: string | undefined;
  readonly port?: number | undefined;
  readonly ttl?: number | undefined;
}

const roleNumbers = { active: IP_VS_STATE_MASTER, backup: IP_VS_STATE_BACKUP } as const;

/** The body of an answer's message. Never throws. */
function reading<Value>(
  message: NetlinkMessage,
  read: (attributes: AttributeReader) => Value | undefined,
): Decoded<Value> {
  const answer = decodeGeneric(message);
  if (!answer.ok) return answer;
  const { attributes } = answer.value;
  const value = read(attributes);
  if (attributes.fault !== undefined) return faulty(attributes.fault);
  return value === undefined ? faulty("missing") : decoded(value);
}

/** Reads the answer to IPVS_CMD_GET_INFO. Never throws. */
export function decodeInfo(message: NetlinkMessage): Decoded<IpvsInfo> {
  return reading(message, (attributes) => {
    const number = attributes.u32(IPVS_INFO_ATTR_VERSION);
    if (number === undefined) return undefined;
    return {
      version: `${(number >> 16) & 0xff}.${(number >> 8) & 0xff}.${number & 0xff}`,
      connectionTableSize: attributes.u32(IPVS_INFO_ATTR_CONN_TAB_SIZE) ?? 0,
    };
  });
}

/** Attributes of IPVS_CMD_SET_CONFIG. */
export function encodeTimeouts(timeouts: IpvsTimeouts): Attribute[] {
  return [
    attribute.u32(IPVS_CMD_ATTR_TIMEOUT_TCP, timeouts.tcpSeconds),
    attribute.u32(IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, timeouts.tcpFinSeconds),
    attribute.u32(IPVS_CMD_ATTR_TIMEOUT_UDP, timeouts.udpSeconds),
  ];
}

/** Reads the answer to IPVS_CMD_GET_CONFIG. Never throws. */
export function decodeTimeouts(message: NetlinkMessage): Decoded<IpvsTimeouts> {
  return reading(message, (attributes) => ({
    tcpSeconds: attributes.u32(IPVS_CMD_ATTR_TIMEOUT_TCP) ?? 0,
    tcpFinSeconds: attributes.u32(IPVS_CMD_ATTR_TIMEOUT_TCP_FIN) ?? 0,
    udpSeconds: attributes.u32(IPVS_CMD_ATTR_TIMEOUT_UDP) ?? 0,
  }));
}

function groupAttribute(group: string): Attribute {
  const bytes = parseAddress(group);
  invariant(bytes !== undefined, `${group} is an address`);
  const type = bytes.length === 4 ? IPVS_DAEMON_ATTR_MCAST_GROUP : IPVS_DAEMON_ATTR_MCAST_GROUP6;
  return attribute.bytes(type, bytes);
}

/** The attribute that describes a daemon, for NEW; the kernel stops one by role, too. */
export function encodeDaemon(daemon: IpvsDaemon): Attribute {
  const { role, interfaceName, syncId, payloadBytes, group, port, ttl } = daemon;
  const list = [
    attribute.u32(IPVS_DAEMON_ATTR_STATE, roleNumbers[role]),
    attribute.text(IPVS_DAEMON_ATTR_MCAST_IFN, interfaceName),
    attribute.u32(IPVS_DAEMON_ATTR_SYNC_ID, syncId),
  ];
  if (payloadBytes !== undefined) {
    list.push(attribute.u16(IPVS_DAEMON_ATTR_SYNC_MAXLEN, payloadBytes));
  }
  if (group !== undefined) list.push(groupAttribute(group));
  if (port !== undefined) list.push(attribute.u16(IPVS_DAEMON_ATTR_MCAST_PORT, port));
  if (ttl !== undefined) list.push(attribute.u8(IPVS_DAEMON_ATTR_MCAST_TTL, ttl));
  return attribute.nested(IPVS_CMD_ATTR_DAEMON, list);
}

/** Reads an answer that describes a daemon. Never throws. */
export function decodeDaemon(message: NetlinkMessage): Decoded<IpvsDaemon> {
  return reading(message, (attributes) => {
    const daemon = attributes.nested(IPVS_CMD_ATTR_DAEMON);
    const state = daemon?.u32(IPVS_DAEMON_ATTR_STATE);
    const role = (["active", "backup"] as const).find((name) => roleNumbers[name] === state);
    if (daemon === undefined || role === undefined) return undefined;
    const group =
      daemon.exactly(IPVS_DAEMON_ATTR_MCAST_GROUP, 4) ??
      daemon.exactly(IPVS_DAEMON_ATTR_MCAST_GROUP6, 16);
    return {
      role,
      interfaceName: daemon.text(IPVS_DAEMON_ATTR_MCAST_IFN) ?? "",
      syncId: daemon.u32(IPVS_DAEMON_ATTR_SYNC_ID) ?? 0,
      payloadBytes: daemon.u16(IPVS_DAEMON_ATTR_SYNC_MAXLEN),
      group: group === undefined ? undefined : formatAddress(group),
      port: daemon.u16(IPVS_DAEMON_ATTR_MCAST_PORT),
      ttl: daemon.u8(IPVS_DAEMON_ATTR_MCAST_TTL),
    };
  });
}
