/**
 * Keys and values of the maps of ffi/bpf/balancer-maps.h, named as there. Pure.
 *
 * Ports and addresses stand in network order, everything else in that of the host (little-endian).
 * An IPv4 address takes the first four bytes of sixteen.
 *
 * @module
 */

import { formatAddress, parseAddress } from "../../net/address.ts";
import type { Endpoint, Network } from "../../net/address.ts";

/** SERVICES_MAX: services at once. */
export const servicesMax = 1024;
/** SERVERS_MAX: real servers of all services at once. */
export const serversMax = 4096;
/** SLOTS_MAX: slots of the tables of all services at once. */
export const slotsMax = 1_048_576;

/** How a table of slots is used; `enum scheduler`. */
export const schedulerKind = {
  turn: 0,
  source: 1,
  maglev: 2,
  lc: 3,
  wlc: 4,
  sed: 5,
  nq: 6,
} as const;
/** Bits of a service: SERVICE_DRAINS and so on. */
export const serviceFlag = { drains: 1, allow: 2, deny: 4, onePacket: 8 } as const;
/** Where the lease of an address is found: by the address, nowhere, or that of an instance. */
export const leasePlace = { ofAddress: 0, none: 1, first: 2 } as const;
/** Bits of `settings`. */
export const settingFlag = { ranges: 1, anyPort: 2, masq: 4 } as const;
/** Bits of a server: SERVER_PRESENT and so on. */
export const serverFlag = {
  present: 1,
  masq: 2,
  local: 4,
  shared: 8,
  fallback: 16,
  quiescent: 32,
  ipip: 64,
  counted: 128,
} as const;
/** REPLY_SHARED. */
export const replyShared = 1;
/** Bits of a connection's state; 0: open. */
export const connectionState = { clientClosed: 1, serverClosed: 2, reset: 4 } as const;

/** Why packets were dropped; the place of each is its index in `drops`. */
export const dropReasons = [
  "no-server",
  "ttl",
  "lost-server",
  "unknown-reply",
  "store",
  "table",
  "closed",
  "denied",
  "connection-limit",
  "too-big",
] as const;
/** One of {@link dropReasons}. */
export type DropReason = (typeof dropReasons)[number];

const protocolNumbers = { tcp: 6, udp: 17 } as const;

/** Bytes of keys and values, by map. */
export const sizes = {
  services: { key: 20, value: 48 },
  ranges: { key: 24, value: 48 },
  clients: { key: 24, value: 4 },
  settings: { key: 4, value: 4 },
  servers: { key: 4, value: 68 },
  loads: { key: 4, value: 8 },
  real_servers: { key: 20, value: 20 },
  connections4: { key: 16, value: 20 },
  connections6: { key: 40, value: 20 },
  openings4: { key: 16, value: 20 },
  openings6: { key: 40, value: 20 },
  persistents: { key: 20, value: 12 },
  server_counts: { key: 4, value: 40 },
  service_refusals: { key: 4, value: 24 },
  drops: { key: 4, value: 8 },
} as const;

/** A tick, the clock of connections and of persistence: 2^30 ns. */
export const tickMs = 2 ** 30 / 1e6;

/** Key of an array. */
export function indexKey(index: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(index).buffer);
}

/** An address in its place; `isSix` says of which family. */
function setAddress(bytes: Uint8Array, offset: number, address: string): boolean {
  const parsed = parseAddress(address)!;
  bytes.set(parsed, offset);
  return parsed.length === 16;
}

function addressAt(bytes: Uint8Array, offset: number, isSix: boolean): string {
  return formatAddress(bytes.slice(offset, offset + (isSix ? 16 : 4)));
}

/** `struct endpoint`: key of `services` and `real_servers`. */
export function encodeEndpoint(endpoint: Endpoint, protocol: "tcp" | "udp"): Uint8Array {
  const bytes = new Uint8Array(sizes.services.key);
  const isSix = setAddress(bytes, 0, endpoint.address);
  new DataView(bytes.buffer).setUint16(16, endpoint.port, false);
  bytes[18] = protocolNumbers[protocol];
  bytes[19] = Number(isSix);
  return bytes;
}

/** Ports that begin with the same bits. */
export interface PortPrefix {
  readonly port: number;
  /** 0..16; 0: all ports. */
  readonly bits: number;
}

/** `struct range`: key of `ranges`. */
export function encodeRange(
  address: string,
  { port, bits }: PortPrefix,
  protocol: "tcp" | "udp",
): Uint8Array {
  const key = new Uint8Array(sizes.ranges.key);
  const view = new DataView(key.buffer);
  // The address, protocol and family count as a whole.
  view.setUint32(0, 144 + bits, true);
  key[21] = Number(setAddress(key, 4, address));
  key[20] = protocolNumbers[protocol];
  view.setUint16(22, port, false);
  return key;
}

/** `struct client_network`: key of `clients`. */
export function encodeClientNetwork(
  service: number,
  kind: "allow" | "deny",
  { address, prefixBits }: Network,
): Uint8Array {
  const key = new Uint8Array(sizes.clients.key);
  const view = new DataView(key.buffer);
  const isSix = setAddress(key, 8, address);
  view.setUint32(0, 32 + prefixBits, true);
  view.setUint32(4, service * 4 + Number(isSix) * 2 + Number(kind === "deny"), true);
  return key;
}

/** `struct service`. */
export interface ServiceRecord {
  readonly id: number;
  readonly table: number;
  readonly slots: number;
  /** Slots behind those, with each server once. */
  readonly members: number;
  /** 0: none. */
  readonly persistenceMs: number;
  /** Bits of a client's address that make it the same client; at most 32 for IPv4. */
  readonly clientBits: number;
  readonly scheduler: number;
  readonly hashBits: number;
  readonly flags: number;
  /** 0: none. */
  readonly connectionLimit: number;
  /** See {@link leasePlace}. */
  readonly lease: number;
}

/** Value of `services` and of `ranges`. */
export function encodeService(record: ServiceRecord): Uint8Array {
  const bytes = new Uint8Array(sizes.services.value);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, record.id, true);
  view.setUint32(4, record.table, true);
  view.setUint32(8, record.slots, true);
  view.setUint32(12, Math.ceil(record.persistenceMs / tickMs), true);
  for (let bit = 0; bit < record.clientBits; bit++) bytes[16 + (bit >> 3)]! |= 0x80 >> (bit & 7);
  bytes[32] = record.scheduler;
  bytes[33] = record.hashBits;
  view.setUint16(34, record.flags, true);
  view.setUint32(36, record.members, true);
  view.setUint32(40, record.connectionLimit, true);
  view.setUint32(44, record.lease, true);
  return bytes;
}

/** What has to be known of a service that an earlier process left. */
export function decodeService(
  bytes: Uint8Array,
): Pick<ServiceRecord, "id" | "table" | "slots" | "members"> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    id: view.getUint32(0, true),
    table: view.getUint32(4, true),
    slots: view.getUint32(8, true),
    members: view.getUint32(36, true),
  };
}

/** `struct server`. */
export interface ServerRecord extends Endpoint {
  /** Number of the interface towards it. */
  readonly device: number;
  /** Own address of packets of ipip; undefined: none is needed. */
  readonly source?: string | undefined;
  readonly service: number;
  readonly generation: number;
  readonly flags: number;
  readonly weight: number;
  /** Connections at which it is full, 0: never; and at which it is not any more. */
  readonly upper: number;
  readonly lower: number;
  /** Largest packet on the way to it, without what ipip puts in front. */
  readonly mtu: number;
  /** See {@link leasePlace}. */
  readonly lease: number;
}

/** Value of `servers`. */
export function encodeServer(record: ServerRecord): Uint8Array {
  const bytes = new Uint8Array(sizes.servers.value);
  const view = new DataView(bytes.buffer);
  const isSix = setAddress(bytes, 0, record.address);
  if (record.source !== undefined) setAddress(bytes, 16, record.source);
  view.setUint32(32, record.device, true);
  view.setUint32(36, record.service, true);
  view.setUint32(40, record.generation, true);
  view.setUint16(44, record.port, false);
  view.setUint16(46, record.flags, true);
  view.setUint32(48, record.weight, true);
  view.setUint32(52, record.upper, true);
  view.setUint32(56, record.lower, true);
  view.setUint16(60, record.mtu, true);
  view.setUint16(62, record.lease, true);
  bytes[64] = Number(isSix);
  return bytes;
}

/** What has to be known of a server that an earlier process left. */
export function decodeServer(
  bytes: Uint8Array,
): Pick<ServerRecord, "address" | "port" | "service" | "generation" | "flags" | "weight"> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    address: addressAt(bytes, 0, bytes[64] === 1),
    port: view.getUint16(44, false),
    service: view.getUint32(36, true),
    generation: view.getUint32(40, true),
    flags: view.getUint16(46, true),
    weight: view.getUint32(48, true),
  };
}

/** `struct load`. */
export interface LoadRecord {
  readonly count: number;
  /** It was full, and has not come down since. */
  readonly isFull: boolean;
}

/** Value of `loads`. */
export function encodeLoad({ count, isFull }: LoadRecord): Uint8Array {
  return new Uint8Array(Uint32Array.of(count, Number(isFull)).buffer);
}

/** Reads a value of `loads`. */
export function decodeLoad(bytes: Uint8Array): LoadRecord {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { count: view.getInt32(0, true), isFull: view.getUint32(4, true) !== 0 };
}

/** `struct reply`: what a real server is called towards clients. */
export function encodeReply(virtual: Endpoint, flags: number): Uint8Array {
  const bytes = new Uint8Array(sizes.real_servers.value);
  const view = new DataView(bytes.buffer);
  setAddress(bytes, 0, virtual.address);
  view.setUint16(16, virtual.port, false);
  view.setUint16(18, flags, true);
  return bytes;
}

/** `struct connection`. */
export interface ConnectionRecord {
  readonly server: number;
  readonly generation: number;
  /** When the last packet came, ms of CLOCK_MONOTONIC, up to a tick too early. */
  readonly seenMs: number;
  readonly state: number;
}

/** Reads the value of a connection at an offset. */
export function decodeConnection(view: DataView, offset: number): ConnectionRecord {
  return {
    server: view.getUint32(offset, true),
    generation: view.getUint32(offset + 4, true),
    seenMs: view.getUint32(offset + 8, true) * tickMs,
    state: view.getUint8(offset + 16),
  };
}

/** `struct flow4` or `struct flow6`. */
export interface FlowRecord {
  readonly client: Endpoint;
  readonly virtual: Endpoint;
  readonly protocol: "tcp" | "udp";
}

/** Reads the key of a connection; the family is told by its length. */
export function decodeFlow(bytes: Uint8Array): FlowRecord {
  const isSix = bytes.length === sizes.connections6.key;
  const addressBytes = isSix ? 16 : 4;
  const ports = 2 * addressBytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    client: { address: addressAt(bytes, 0, isSix), port: view.getUint16(ports, false) },
    virtual: {
      address: addressAt(bytes, addressBytes, isSix),
      port: view.getUint16(ports + 2, false),
    },
    protocol: bytes[ports + 4] === protocolNumbers.udp ? "udp" : "tcp",
  };
}

/** `struct server_counters`, all processors added up. */
export interface TrafficCounters {
  readonly connections: number;
  readonly packetsIn: number;
  readonly bytesIn: number;
  readonly packetsOut: number;
  readonly bytesOut: number;
}

/** Adds up the copies of `server_counts` of one server. */
export function sumCounters(copies: BigUint64Array): TrafficCounters {
  const sums = [0n, 0n, 0n, 0n, 0n];
  for (const [index, value] of copies.entries()) sums[index % 5]! += value;
  const [connections, packetsIn, bytesIn, packetsOut, bytesOut] = sums.map(Number);
  return {
    connections: connections!,
    packetsIn: packetsIn!,
    bytesIn: bytesIn!,
    packetsOut: packetsOut!,
    bytesOut: bytesOut!,
  };
}
