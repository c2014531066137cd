/**
 * The message of the peer channel: what one director tells the other of all its virtual routers.
 *
 * ```text
 *  0 magic "ADPC"           4 version 1       5 kind 1: state       6 records 0..32     7 flags
 *  8 key tag u32           12 held us u32    16 boot id 8          24 sequence u64
 * 32 nonce 8               40 echo 8         48 heard sequence u64 56 configuration digest 8
 * 64 table hash 8          72 table entries u32                    76 zero u32
 * 80 records of 36 bytes:
 *     0 name tag u32        4 VRID      5 family 4 or 6     6 state     7 priority
 *     8 claim               9 override 10 flags            11 zero
 *    12 announcements u32  16 lease remaining ms u32       20 rank address 16, IPv4 in the first 4
 * then HMAC-SHA256 over all before it, 32 bytes
 * ```
 * Numbers in network order. Flags of the message: 1 the copied tables are complete. Flags of a
 * record: 1 eligible, 2 a ping witness is reached, 4 draining. Records are independent of each
 * other: more than 32 virtual routers go into several messages. Pure.
 *
 * @module
 */

import type { AddressBytes, Family } from "../net/address.ts";

/** "ADPC". */
export const magic = 0x4144_5043;
/** The one version there is. */
export const messageVersion = 1;
/** A message with the state of virtual routers. */
export const kindState = 1;
/** Bytes before the records. */
export const headBytes = 80;
/** Bytes of one record. */
export const recordBytes = 36;
/** Bytes of the HMAC at the end. */
export const macBytes = 32;
/** A message with as many fits an Ethernet frame with room for a tunnel: 1,264 bytes. */
export const recordsMax = 32;
/** Bytes of the longest message. */
export const peerMessageBytesMax = headBytes + recordsMax * recordBytes + macBytes;
/** Where a reader looks first. */
export const fieldOffset = { keyTag: 8, count: 6, kind: 5, version: 4 } as const;

/** Flag of a message: the copied tables are complete. */
export const flagComplete = 1;
/** Flag of a record: nothing keeps this one from being active. */
export const flagEligible = 1;
/** Flag of a record: a ping witness is reached. */
export const flagWitness = 2;
/** Flag of a record: the addresses were handed over, and the connections of before are served. */
export const flagDraining = 4;

/** One virtual router of the sender. Filled anew for each message. */
export interface PeerRecord {
  /** {@link nameTag} of its name. */
  name: number;
  vrid: number;
  family: Family;
  /** 0..2, as `routerState` of the state machine. */
  state: number;
  /** Priority in force, 0..255. */
  priority: number;
  /** 0..4 and 0..3, as `claim` and `override` of the state machine. */
  claim: number;
  override: number;
  isEligible: boolean;
  isWitnessReached: boolean;
  isDraining: boolean;
  announcements: number;
  /** How long it may still answer, ms; 0: not at all. */
  leaseMs: number;
  /** Address by which it is ranked: 4 bytes or 16 by its family, the rest zero. */
  readonly address: Uint8Array;
  /** The part of {@link address} that its family has. */
  readonly rank4: AddressBytes;
}

/** A message. Ids of 64 bits are two words, the high one first; zero stands for none. */
export interface PeerMessage {
  /** Which start of the sender's real-time thread this is. */
  readonly boot: Uint32Array;
  /** Above all earlier ones of this boot, 1..2^53 - 1. */
  sequence: number;
  /** What the sender wants to see in `echo`. */
  readonly nonce: Uint32Array;
  /** The last nonce that the sender heard. */
  readonly echo: Uint32Array;
  /** Highest sequence that the sender accepted from the receiver, 0 if none, and its age in us. */
  heardSequence: number;
  heldUs: number;
  /** Of what two directors have in common in their configurations. */
  readonly digest: Uint32Array;
  /** Hash and number of the mh tables of all services. */
  readonly tableHash: Uint32Array;
  tableEntries: number;
  /** The sender has all entries that it was to copy. */
  isComplete: boolean;
  /** How many of `records` count. */
  count: number;
  readonly records: readonly PeerRecord[];
}

function createRecord(): PeerRecord {
  const address = new Uint8Array(16);
  return {
    name: 0,
    vrid: 0,
    family: 4,
    state: 0,
    priority: 0,
    claim: 0,
    override: 0,
    isEligible: false,
    isWitnessReached: false,
    isDraining: false,
    announcements: 0,
    leaseMs: 0,
    address,
    rank4: address.subarray(0, 4),
  };
}

/** An empty message with room for all records. The caller owns it. */
export function createPeerMessage(): PeerMessage {
  return {
    boot: new Uint32Array(2),
    sequence: 0,
    nonce: new Uint32Array(2),
    echo: new Uint32Array(2),
    heardSequence: 0,
    heldUs: 0,
    digest: new Uint32Array(2),
    tableHash: new Uint32Array(2),
    tableEntries: 0,
    isComplete: false,
    count: 0,
    records: Array.from({ length: recordsMax }, createRecord),
  };
}

/** The address by which a record is ranked, in the length of its family. */
export function rankAddress(record: PeerRecord): AddressBytes {
  return record.family === 4 ? record.rank4 : record.address;
}

/**
 * A number for the name of a virtual router, so that two with one VRID on different networks are
 * told apart (FNV-1a over its UTF-8 bytes).
 */
export function nameTag(name: string): number {
  let hash = 0x811c_9dc5;
  for (const byte of new TextEncoder().encode(name)) {
    hash = Math.imul(hash ^ byte, 0x0100_0193) >>> 0;
  }
  return hash;
}

/** True if two ids are the same. */
export function isSameId(one: Uint32Array, other: Uint32Array): boolean {
  return one[0] === other[0] && one[1] === other[1];
}

/** True if an id stands for none. */
export function isNoId(id: Uint32Array): boolean {
  return id[0] === 0 && id[1] === 0;
}

/** Copies an id. */
export function copyId(to: Uint32Array, from: Uint32Array): void {
  to[0] = from[0]!;
  to[1] = from[1]!;
}
