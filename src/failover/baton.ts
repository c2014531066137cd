/**
 * What the real-time thread of a director hands to that of the one that replaces it, in one message
 * over a socket between the two threads: from here on the other one advertises and renews.
 *
 * ```text
 * old                               new
 *   JSON, packet after packet  ->     goes on where the old one was
 *                              <-     one byte: taken
 * ```
 * An end instead says that the other process is gone.
 *
 * @module
 */

import { monotonicMs } from "../../ffi/clock.ts";
import { packetBytesMax, receivePacket, sendPacket } from "../../ffi/descriptor-socket.ts";
import type { CarriedSession } from "../peer/index.ts";
import type { CarriedRouter } from "../vrrp/index.ts";
import type { CarriedSigner } from "./advert-signer.ts";

/** One virtual router as it is. */
export interface CarriedInstance {
  readonly name: string;
  readonly state: CarriedRouter;
  /** Undefined: its advertisements are not signed. */
  readonly signer?: CarriedSigner | undefined;
}

/** The peer channel as it is; its socket comes as descriptor. */
export interface CarriedPeer {
  readonly session: CarriedSession;
  readonly isComplete: boolean;
  /** When the peer was heard; -1: never. */
  readonly heardAtMs: number;
}

/** Everything. */
export interface Baton {
  readonly instances: readonly CarriedInstance[];
  readonly peer?: CarriedPeer | undefined;
}

/** A baton with the socket of the peer channel, if that is open. */
export interface ReceivedBaton extends Baton {
  readonly descriptors: readonly number[];
}

/** What came over the socket. */
export type BatonNews =
  | { readonly type: "none" }
  /** The other process is gone. */
  | { readonly type: "end" }
  | { readonly type: "baton"; readonly baton: ReceivedBaton };

const taken = Uint8Array.of(1);
const dataBytesMax = packetBytesMax - 1;
/** A thread that does not take over within this time does not live, ms. */
const confirmMaxMs = 3000;
const confirmLookMs = 1;
/** The reader waits for it: what the kernel does not take at once it does a moment later. */
const sendTriesMax = 200;

/** Sends all of it. @returns False if the other side does not take it or is gone. */
export function sendBaton(fd: number, baton: Baton, descriptors: readonly number[]): boolean {
  const bytes = new TextEncoder().encode(JSON.stringify(baton));
  try {
    for (let at = 0; at < bytes.length; at += dataBytesMax) {
      const data = bytes.subarray(at, at + dataBytesMax);
      const isLast = at + data.length === bytes.length;
      const packet = new Uint8Array(1 + data.length);
      packet[0] = isLast ? 1 : 0;
      packet.set(data, 1);
      if (!sendSoon(fd, packet, isLast ? descriptors : [])) return false;
    }
    return true;
  } catch {
    return false;
  }
}

function sendSoon(fd: number, bytes: Uint8Array, descriptors: readonly number[]): boolean {
  for (let tries = 0; tries < sendTriesMax; tries++) {
    if (sendPacket(fd, { bytes, descriptors })) return true;
    Bun.sleepSync(1);
  }
  return false;
}

/** Takes what came, part by part. */
export class BatonReader {
  readonly #parts: Uint8Array[] = [];

  read(fd: number): BatonNews {
    for (;;) {
      const packet = receive(fd);
      if (packet === undefined) return { type: "none" };
      const { bytes, descriptors } = packet;
      if (bytes.length === 0) return { type: "end" };
      this.#parts.push(bytes.subarray(1));
      if (bytes[0] !== 1) continue;
      const text = new TextDecoder().decode(Buffer.concat(this.#parts));
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- both ends are this program.
      return { type: "baton", baton: { ...(JSON.parse(text) as Baton), descriptors } };
    }
  }
}

/** Says that this thread has taken over. @returns False if the other one does not wait any more. */
export function confirmBaton(fd: number): boolean {
  try {
    return sendPacket(fd, { bytes: taken, descriptors: [] });
  } catch {
    return false;
  }
}

/**
 * Waits until the other thread has taken over.
 *
 * @param beat Called again and again meanwhile.
 * @returns False if it is gone, or does not live.
 */
export function awaitConfirmation(fd: number, beat: () => void): boolean {
  const endMs = monotonicMs() + confirmMaxMs;
  while (monotonicMs() < endMs) {
    const answer = readConfirmation(fd);
    if (answer !== undefined) return answer;
    beat();
    Bun.sleepSync(confirmLookMs);
  }
  return false;
}

/** Whether the other thread has taken over; undefined: it has not said so yet. */
export function readConfirmation(fd: number): boolean | undefined {
  const packet = receive(fd);
  return packet === undefined ? undefined : packet.bytes.length > 0;
}

/** A broken socket is an end. */
function receive(fd: number): ReturnType<typeof receivePacket> {
  try {
    return receivePacket(fd);
  } catch {
    return { bytes: new Uint8Array(0), descriptors: [] };
  }
}
