/**
 * RADIUS: the Access-Request of a login and what its answers mean (RFC 2865), signed by
 * Message-Authenticator (RFC 2869, section 5.14; RFC 3579, section 3.2). Pure.
 *
 * @module
 */

import { createHash, createHmac, timingSafeEqual } from "node:crypto";

import type { RadiusCheckSpec } from "../model/index.ts";
import type { Failure } from "./failure.ts";
import { gibberish, refusal } from "./script.ts";

/** Codes of packets. */
const codes = { request: 1, accept: 2, reject: 3, challenge: 11 } as const;
/** Attributes. */
const attributes = {
  userName: 1,
  userPassword: 2,
  replyMessage: 18,
  nasIdentifier: 32,
  messageAuthenticator: 80,
} as const;

const headerBytes = 20;
const authenticatorOffset = 4;
/** Bytes of an authenticator of either kind, and of a block of a hidden password. */
const digestBytes = 16;
/** Longest packet (RFC 2865, section 3). */
const packetBytesMax = 4096;
/** Type and length before the value of an attribute. */
const attributeHeaderBytes = 2;
/** Name by which the director asks. */
const ownName = "appliance";

/** What makes a request the only one of its kind. */
export interface RadiusNonce {
  /** 0..255. */
  readonly id: number;
  /** 16 random bytes. */
  readonly authenticator: Uint8Array;
}

function md5(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash("md5");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** Hides a password (RFC 2865, section 5.2). */
export function hidePassword(
  password: Uint8Array,
  secret: Uint8Array,
  authenticator: Uint8Array,
): Uint8Array {
  const blocks = Math.max(1, Math.ceil(password.length / digestBytes));
  const hidden = new Uint8Array(blocks * digestBytes);
  hidden.set(password);
  let previous = authenticator;
  for (let start = 0; start < hidden.length; start += digestBytes) {
    const block = hidden.subarray(start, start + digestBytes);
    const mask = md5(secret, previous);
    for (let index = 0; index < digestBytes; index++) block[index]! ^= mask[index]!;
    previous = block;
  }
  return hidden;
}

function attribute(type: number, value: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(type, attributeHeaderBytes + value.length), value]);
}

/** The request, with Message-Authenticator first, as its readers are safer that way. */
export function encodeAccessRequest(
  { login, password, secret }: RadiusCheckSpec,
  { id, authenticator }: RadiusNonce,
): Uint8Array {
  const key = Buffer.from(secret);
  const hidden = hidePassword(Buffer.from(password), key, authenticator);
  const packet = Buffer.concat([
    Uint8Array.of(codes.request, id, 0, 0),
    authenticator,
    attribute(attributes.messageAuthenticator, new Uint8Array(digestBytes)),
    attribute(attributes.userName, Buffer.from(login)),
    attribute(attributes.userPassword, hidden),
    attribute(attributes.nasIdentifier, Buffer.from(ownName)),
  ]);
  packet.writeUInt16BE(packet.length, 2);
  const signature = createHmac("md5", key).update(packet).digest();
  packet.set(signature, headerBytes + attributeHeaderBytes);
  return packet;
}

/** Where the value of each attribute is; undefined: the packet is malformed. */
function attributePlaces(packet: Buffer): ReadonlyMap<number, Buffer> | undefined {
  const places = new Map<number, Buffer>();
  let offset = headerBytes;
  while (offset < packet.length) {
    const length = packet[offset + 1] ?? 0;
    if (length < attributeHeaderBytes || offset + length > packet.length) return undefined;
    const type = packet[offset]!;
    if (!places.has(type)) {
      places.set(type, packet.subarray(offset + attributeHeaderBytes, offset + length));
    }
    offset += length;
  }
  return places;
}

/** True if whoever knows the secret has answered this request (RFC 2865, section 3). */
function isSigned(
  packet: Buffer,
  signature: Buffer | undefined,
  { secret, authenticator }: { readonly secret: Buffer; readonly authenticator: Uint8Array },
): boolean {
  const claimed = Buffer.from(packet.subarray(authenticatorOffset, headerBytes));
  const signed = Buffer.from(packet);
  signed.set(authenticator, authenticatorOffset);
  if (!timingSafeEqual(md5(signed, secret), claimed)) return false;
  if (signature === undefined) return true;
  if (signature.length !== digestBytes) return false;
  const offset = signature.byteOffset - packet.byteOffset;
  signed.fill(0, offset, offset + digestBytes);
  return timingSafeEqual(createHmac("md5", secret).update(signed).digest(), signature);
}

/**
 * Judges an answer. `ignored` is one to another request; `unsigned` is one by somebody who does
 * not know the secret, which a client must pass over in silence.
 */
export function judgeRadiusAnswer(
  bytes: Uint8Array,
  { password, secret }: Pick<RadiusCheckSpec, "password" | "secret">,
  { id, authenticator }: RadiusNonce,
): "up" | "ignored" | "unsigned" | Failure {
  const malformed: Failure = { reason: "bad-answer", detail: "not RADIUS" };
  if (bytes.length < headerBytes) return malformed;
  const whole = Buffer.from(bytes);
  const length = whole.readUInt16BE(2);
  if (length < headerBytes || length > Math.min(whole.length, packetBytesMax)) return malformed;
  // What follows the packet is padding (RFC 2865, section 3).
  const packet = whole.subarray(0, length);
  const places = attributePlaces(packet);
  if (places === undefined) return malformed;
  if (packet[1] !== id) return "ignored";
  const signature = places.get(attributes.messageAuthenticator);
  const isTrusted = isSigned(packet, signature, { secret: Buffer.from(secret), authenticator });
  if (!isTrusted) return "unsigned";
  return judgeCode(packet[0]!, places.get(attributes.replyMessage)?.toString(), password);
}

function judgeCode(code: number, message: string | undefined, password: string): "up" | Failure {
  if (code === codes.accept) return "up";
  const names: Readonly<Record<number, string>> = {
    [codes.reject]: "Access-Reject",
    [codes.challenge]: "Access-Challenge",
  };
  const name = names[code];
  if (name === undefined) return gibberish("an answer to Access-Request", `code ${code}`);
  return refusal("the login", message === undefined ? name : `${name}: ${message}`, password);
}
