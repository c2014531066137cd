/**
 * Messages with descriptors between a director and the one that replaces it.
 *
 * A message is as many packets as it needs; the first byte of each is 1 if it is the last one of
 * its message. An upgrade takes moments, and a socket that carries descriptors cannot be watched by
 * the runtime's event loop: it is asked again and again.
 *
 * @module
 */

import {
  packetBytesMax,
  packetDescriptorsMax,
  receivePacket,
  sendPacket,
} from "../../../ffi/descriptor-socket.ts";
import { ECONNRESET, SyscallError } from "../../../ffi/errno.ts";
import { closeDescriptor } from "../../../ffi/socket.ts";
import type { Clock } from "../../clock/index.ts";
import { ApplianceError, errorText } from "../../errors/index.ts";

/** How often the socket is asked, ms. */
const askIntervalMs = 2;
/** Largest message: 65,536 clients and the health of 131,072 servers take some 50 MiB. */
const messageBytesMax = 256 * 1024 * 1024;
const dataBytesMax = packetBytesMax - 1;

/** One message. */
export interface ChannelMessage {
  readonly bytes: Uint8Array;
  readonly descriptors: readonly number[];
}

function failed(what: string, cause?: unknown): ApplianceError {
  return new ApplianceError("UPGRADE_FAILED", what, { cause });
}

/** One end. Owns its socket. Calls of `send` must not overlap, nor those of `receive`. */
export class UpgradeChannel {
  readonly #clock: Clock;
  readonly #fd: number;
  #isClosed = false;

  constructor(clock: Clock, fd: number) {
    this.#clock = clock;
    this.#fd = fd;
  }

  /**
   * Sends a message; settles when the kernel has all of it.
   *
   * @throws {ApplianceError} `UPGRADE_FAILED` if the other side is gone or does not read.
   */
  async send({ bytes, descriptors }: ChannelMessage, timeoutMs: number): Promise<void> {
    const endMs = this.#clock.nowMs() + timeoutMs;
    let [at, sent] = [0, 0];
    while (at < bytes.length || sent < descriptors.length) {
      const data = bytes.subarray(at, at + dataBytesMax);
      const some = descriptors.slice(sent, sent + packetDescriptorsMax);
      const isLast = at + data.length === bytes.length && sent + some.length === descriptors.length;
      const packet = new Uint8Array(1 + data.length);
      packet[0] = isLast ? 1 : 0;
      packet.set(data, 1);
      if (this.#trySend(packet, some)) [at, sent] = [at + data.length, sent + some.length];
      else await this.#pause(endMs, "It does not read what it is sent");
    }
  }

  /**
   * Waits for a message.
   *
   * @returns Undefined if the other side has closed.
   * @throws {ApplianceError} `UPGRADE_TIMEOUT`; `UPGRADE_FAILED` if what comes is no message.
   */
  async receive(timeoutMs: number): Promise<ChannelMessage | undefined> {
    const endMs = this.#clock.nowMs() + timeoutMs;
    const parts: Uint8Array[] = [];
    const descriptors: number[] = [];
    let total = 0;
    for (;;) {
      const packet = this.#tryReceive();
      if (packet === undefined) {
        await this.#pause(endMs, `It did not answer within ${timeoutMs / 1000} s`);
        continue;
      }
      if (packet.bytes.length === 0) return undefined;
      descriptors.push(...packet.descriptors);
      parts.push(packet.bytes.subarray(1));
      total += packet.bytes.length;
      if (total > messageBytesMax) throw failed("It says more than a message may have");
      if (packet.bytes[0] === 1) return { bytes: Buffer.concat(parts), descriptors };
    }
  }

  /** The other side sees the end. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeDescriptor(this.#fd);
  }

  #trySend(bytes: Uint8Array, descriptors: readonly number[]): boolean {
    try {
      return sendPacket(this.#fd, { bytes, descriptors });
    } catch (error) {
      throw failed(`It cannot be reached: ${errorText(error)}`, error);
    }
  }

  #tryReceive(): ReturnType<typeof receivePacket> {
    try {
      return receivePacket(this.#fd);
    } catch (error) {
      // A process that ended with unread messages leaves a reset.
      return isReset(error) ? { bytes: new Uint8Array(0), descriptors: [] } : this.#refuse(error);
    }
  }

  #refuse(error: unknown): never {
    throw failed(`What it says cannot be read: ${errorText(error)}`, error);
  }

  async #pause(endMs: number, why: string): Promise<void> {
    if (this.#isClosed) throw failed("The conversation was ended");
    if (this.#clock.nowMs() >= endMs) throw new ApplianceError("UPGRADE_TIMEOUT", why);
    await new Promise<void>((resolve) => void this.#clock.after(askIntervalMs, resolve));
  }
}

function isReset(error: unknown): boolean {
  return error instanceof SyscallError && error.errno === ECONNRESET;
}
