/**
 * Messages of the peer channel to bytes and back; the layout stands in `message.ts`. The HMAC is
 * the business of `mac.ts`. Allocates nothing, never throws on what it reads. Pure.
 *
 * @module
 */

import {
  fieldOffset,
  flagComplete,
  flagDraining,
  flagEligible,
  flagWitness,
  headBytes,
  kindState,
  macBytes,
  magic,
  messageVersion,
  peerMessageBytesMax,
  recordBytes,
  recordsMax,
} from "./message.ts";
import type { PeerMessage, PeerRecord } from "./message.ts";
import type { PeerResult } from "./result.ts";

const wordsPerNumber = 0x1_0000_0000;
/** Above it a number has no successor in a double. */
const sequenceHighMax = 0x001f_ffff;
const stateMax = 2;
const claimMax = 4;
const overrideMax = 3;

function putWord(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}

function getWord(bytes: Uint8Array, offset: number): number {
  const high = (bytes[offset]! << 8) | bytes[offset + 1]!;
  return high * 0x1_0000 + ((bytes[offset + 2]! << 8) | bytes[offset + 3]!);
}

function putId(bytes: Uint8Array, offset: number, id: Uint32Array): void {
  putWord(bytes, offset, id[0]!);
  putWord(bytes, offset + 4, id[1]!);
}

function getId(bytes: Uint8Array, offset: number, id: Uint32Array): void {
  id[0] = getWord(bytes, offset);
  id[1] = getWord(bytes, offset + 4);
}

function putNumber(bytes: Uint8Array, offset: number, value: number): void {
  putWord(bytes, offset, Math.floor(value / wordsPerNumber));
  putWord(bytes, offset + 4, value >>> 0);
}

function encodeRecord(bytes: Uint8Array, at: number, record: PeerRecord): void {
  putWord(bytes, at, record.name);
  bytes[at + 4] = record.vrid;
  bytes[at + 5] = record.family;
  bytes[at + 6] = record.state;
  bytes[at + 7] = record.priority;
  bytes[at + 8] = record.claim;
  bytes[at + 9] = record.override;
  const eligible = record.isEligible ? flagEligible : 0;
  const witness = record.isWitnessReached ? flagWitness : 0;
  bytes[at + 10] = eligible | witness | (record.isDraining ? flagDraining : 0);
  bytes[at + 11] = 0;
  putWord(bytes, at + 12, record.announcements >>> 0);
  putWord(bytes, at + 16, Math.min(0xffff_ffff, Math.max(0, Math.floor(record.leaseMs))));
  const length = record.family === 4 ? 4 : 16;
  for (let index = 0; index < 16; index++) {
    bytes[at + 20 + index] = index < length ? record.address[index]! : 0;
  }
}

/**
 * Writes a message without its HMAC to the start of `bytes`, which has room for the longest.
 *
 * @param keyTag Of the key with which it will be signed.
 * @returns Bytes before the HMAC.
 */
export function encodePeerMessage(message: PeerMessage, keyTag: number, bytes: Uint8Array): number {
  putWord(bytes, 0, magic);
  bytes[fieldOffset.version] = messageVersion;
  bytes[fieldOffset.kind] = kindState;
  bytes[fieldOffset.count] = message.count;
  bytes[7] = message.isComplete ? flagComplete : 0;
  putWord(bytes, fieldOffset.keyTag, keyTag);
  putWord(bytes, 12, Math.min(0xffff_ffff, Math.max(0, Math.floor(message.heldUs))));
  putId(bytes, 16, message.boot);
  putNumber(bytes, 24, message.sequence);
  putId(bytes, 32, message.nonce);
  putId(bytes, 40, message.echo);
  putNumber(bytes, 48, message.heardSequence);
  putId(bytes, 56, message.digest);
  putId(bytes, 64, message.tableHash);
  putWord(bytes, 72, message.tableEntries >>> 0);
  putWord(bytes, 76, 0);
  for (let index = 0; index < message.count; index++) {
    encodeRecord(bytes, headBytes + index * recordBytes, message.records[index]!);
  }
  return headBytes + message.count * recordBytes;
}

/** Why bytes cannot be a message; `accepted` if they can: then the HMAC is to be looked at. */
export function judgeEnvelope(bytes: Uint8Array, length: number): PeerResult {
  if (length < headBytes + macBytes || length > peerMessageBytesMax) return "truncated";
  if (getWord(bytes, 0) !== magic) return "foreign";
  if (bytes[fieldOffset.version] !== messageVersion) return "other-version";
  if (bytes[fieldOffset.kind] !== kindState) return "other-kind";
  const count = bytes[fieldOffset.count]!;
  if (count > recordsMax) return "malformed";
  return length === headBytes + count * recordBytes + macBytes ? "accepted" : "truncated";
}

/** Tag of the key of a message whose envelope is right. */
export function keyTagOf(bytes: Uint8Array): number {
  return getWord(bytes, fieldOffset.keyTag);
}

function decodeRecord(bytes: Uint8Array, at: number, record: PeerRecord): boolean {
  const family = bytes[at + 5]!;
  if (family !== 4 && family !== 6) return false;
  record.name = getWord(bytes, at);
  record.vrid = bytes[at + 4]!;
  record.family = family;
  record.state = bytes[at + 6]!;
  record.priority = bytes[at + 7]!;
  record.claim = bytes[at + 8]!;
  record.override = bytes[at + 9]!;
  record.isEligible = (bytes[at + 10]! & flagEligible) !== 0;
  record.isWitnessReached = (bytes[at + 10]! & flagWitness) !== 0;
  record.isDraining = (bytes[at + 10]! & flagDraining) !== 0;
  record.announcements = getWord(bytes, at + 12);
  record.leaseMs = getWord(bytes, at + 16);
  for (let index = 0; index < 16; index++) record.address[index] = bytes[at + 20 + index]!;
  const { vrid, state, claim, override } = record;
  return vrid > 0 && state <= stateMax && claim <= claimMax && override <= overrideMax;
}

/**
 * Reads a message whose envelope and HMAC are right.
 *
 * @returns False if it has values that mean nothing; `message` is then half filled.
 */
export function decodePeerMessage(bytes: Uint8Array, message: PeerMessage): boolean {
  if (getWord(bytes, 24) > sequenceHighMax || getWord(bytes, 48) > sequenceHighMax) return false;
  message.isComplete = (bytes[7]! & flagComplete) !== 0;
  message.heldUs = getWord(bytes, 12);
  getId(bytes, 16, message.boot);
  message.sequence = getWord(bytes, 24) * wordsPerNumber + getWord(bytes, 28);
  getId(bytes, 32, message.nonce);
  getId(bytes, 40, message.echo);
  message.heardSequence = getWord(bytes, 48) * wordsPerNumber + getWord(bytes, 52);
  getId(bytes, 56, message.digest);
  getId(bytes, 64, message.tableHash);
  message.tableEntries = getWord(bytes, 72);
  message.count = bytes[fieldOffset.count]!;
  for (let index = 0; index < message.count; index++) {
    const at = headBytes + index * recordBytes;
    if (!decodeRecord(bytes, at, message.records[index]!)) return false;
  }
  return message.sequence > 0 && (message.boot[0] !== 0 || message.boot[1] !== 0);
}
