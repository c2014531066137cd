/**
 * A connect of TNS, the protocol of Oracle's listener: `COMMAND=ping`, as tnsping(1) asks. Any of
 * the answers that a listener has for a connect shows that it lives; nobody logs in. Pure.
 *
 * The protocol is not published; the layout of its header is what packet analysers know of it
 * (Wireshark, packet-tns.c, as facts).
 *
 * @module
 */

import type { Failure } from "./failure.ts";
import { gibberish } from "./script.ts";

/** Types of TNS packets. */
const packetTypes = { connect: 1, accept: 2, refuse: 4, redirect: 5, resend: 11 } as const;
/** What a listener answers to a connect; a refusal is its answer to a ping. */
const livingTypes: ReadonlySet<number> = new Set([
  packetTypes.accept,
  packetTypes.refuse,
  packetTypes.redirect,
  packetTypes.resend,
]);

const headerBytes = 8;
/** Header and fixed part of a connect packet, after which its text comes. */
const connectBytes = 58;
/** Version offered, and the oldest one that is understood. */
const versions = { offered: 0x0136, oldest: 0x012c };
/** Units of data and transport that every listener takes. */
const units = { session: 2048, transport: 32_767 };
/** Characteristics of the transport, as clients on Linux send them. */
const characteristics = 0x7f08;

/** The packet that asks a listener for a sign of life. */
export function encodeTnsPing(): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode("(CONNECT_DATA=(COMMAND=ping))");
  const packet = new Uint8Array(connectBytes + text.length);
  const view = new DataView(packet.buffer);
  view.setUint16(0, packet.length);
  packet[4] = packetTypes.connect;
  const fields = [
    versions.offered,
    versions.oldest,
    // No options.
    0,
    units.session,
    units.transport,
    characteristics,
    // No line turnaround.
    0,
    // The number one in the byte order of this side, which tells it.
    1,
    text.length,
    connectBytes,
  ];
  for (const [index, field] of fields.entries()) view.setUint16(headerBytes + index * 2, field);
  packet.set(text, connectBytes);
  return packet;
}

/** Collects the header of the answer. */
export class TnsAnswer {
  #bytes: Uint8Array = new Uint8Array();

  /** Takes bytes. @returns True once the header is complete. */
  push(bytes: Uint8Array): boolean {
    this.#bytes = Buffer.concat([this.#bytes, bytes.subarray(0, headerBytes)]);
    return this.#bytes.length >= headerBytes;
  }

  /** What the answer says once the connection has ended; undefined: the listener lives. */
  verdict(end: "enough" | "closed" | Failure): Failure | undefined {
    if (typeof end === "object") return end;
    if (end === "closed") return { reason: "closed", detail: "closed before an answer" };
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset);
    const isPacket = view.getUint16(0) >= headerBytes && livingTypes.has(view.getUint8(4));
    return isPacket ? undefined : gibberish("TNS", Buffer.from(this.#bytes).toString("latin1"));
  }
}
