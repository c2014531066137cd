/**
 * A question of DNS (RFC 1035) and what its answer says: addresses of a name, or names of an
 * address. Over TCP each message has its length before it. The codec is dns-packet. Pure.
 *
 * @module
 */

import type * as DnsPacket from "dns-packet";
import type { RE2JS } from "re2js";

import { parseAddress } from "../net/address.ts";
import { printable } from "./failure.ts";
import type { Failure } from "./failure.ts";

/** The codec, loaded by the first check that needs it. */
export type DnsCodec = Pick<typeof DnsPacket, "decode" | "encode">;

/** What is asked for. */
export interface DnsQuestion {
  readonly name: string;
  readonly type: "A" | "PTR";
}

/** Flag of a query (RFC 1035, section 4.1.1). */
const recursionDesired = 0x0100;

/** Loads the codec: others need not pay for its memory. */
export async function loadDnsCodec(): Promise<DnsCodec> {
  const codec = await import("dns-packet");
  return codec;
}

/** `192.0.2.1` asks for names (RFC 1035, 3.5; RFC 3596, 2.5), everything else for addresses. */
export function dnsQuestion(request: string): DnsQuestion {
  const bytes = parseAddress(request);
  if (bytes === undefined) return { name: request, type: "A" };
  if (bytes.length === 4) {
    return { name: `${[...bytes].toReversed().join(".")}.in-addr.arpa`, type: "PTR" };
  }
  const digits = Buffer.from(bytes).toString("hex");
  return { name: `${digits.split("").toReversed().join(".")}.ip6.arpa`, type: "PTR" };
}

/** The query, recursion desired. `id` is 0..65535. */
export function encodeDnsQuery(codec: DnsCodec, question: DnsQuestion, id: number): Uint8Array {
  const flags = recursionDesired;
  return codec.encode({ type: "query", id, flags, questions: [{ ...question }] });
}

function decode(codec: DnsCodec, bytes: Uint8Array): DnsPacket.DecodedPacket | undefined {
  try {
    return codec.decode(Buffer.from(bytes));
  } catch {
    return undefined;
  }
}

/** What an answer is held against. */
export interface DnsExpectation {
  readonly question: DnsQuestion;
  readonly id: number;
  /** Must match an address or name; undefined: any will do. */
  readonly pattern: RE2JS | undefined;
}

/** Judges one message; `ignored` is the answer to another question. */
export function judgeDnsAnswer(
  codec: DnsCodec,
  bytes: Uint8Array,
  { question, id, pattern }: DnsExpectation,
): "up" | "ignored" | Failure {
  const packet = decode(codec, bytes);
  if (packet?.type !== "response") return { reason: "bad-answer", detail: "not DNS" };
  if (packet.id !== id) return "ignored";
  // The type of the codec has no rcode of its own.
  const status = "rcode" in packet ? String(packet.rcode) : "NOERROR";
  if (status !== "NOERROR") {
    return { reason: "bad-status", detail: printable(`answered ${status} for ${question.name}`) };
  }
  const found: string[] = [];
  for (const answer of packet.answers ?? []) {
    if (answer.type === question.type && "data" in answer) found.push(answer.data);
  }
  if (found.some((one) => pattern === undefined || pattern.test(one))) return "up";
  const what = found.length === 0 ? `no ${question.type} record` : found.join(", ");
  return { reason: "no-match", detail: printable(`${what} for ${question.name}`) };
}

/** Bytes of the length before a message over TCP. */
const prefixBytes = 2;

/** A message with its length before it. */
export function frameDns(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const framed = new Uint8Array(prefixBytes + message.length);
  new DataView(framed.buffer).setUint16(0, message.length);
  framed.set(message, prefixBytes);
  return framed;
}

/** Collects the first message of a TCP connection; its length bounds it to 64 KiB. */
export class DnsFrame {
  #bytes: Uint8Array = new Uint8Array();

  /** Takes bytes. @returns The message once it is complete. */
  push(bytes: Uint8Array): Uint8Array | undefined {
    const framed = Buffer.concat([this.#bytes, bytes]);
    this.#bytes = framed;
    if (framed.length < prefixBytes) return undefined;
    const end = prefixBytes + framed.readUInt16BE(0);
    return framed.length < end ? undefined : framed.subarray(prefixBytes, end);
  }
}
