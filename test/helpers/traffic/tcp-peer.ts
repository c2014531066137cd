/**
 * One end of a TCP connection in a test, client or server: sends, receives, ends, and tells how
 * the other end ended.
 *
 * @module
 */

import type { Socket, SocketHandler } from "bun";

import { deadlineMs, within } from "./deadline.ts";

/** How the other end ended: properly, or by a reset. */
export type Ending = "end" | "reset";

/** Beginning of what arrived that is kept for reading; the checksum covers all. */
const keptBytesMax = 65_536;

interface Waiter {
  readonly isMet: () => boolean;
  readonly resolve: () => void;
}

/** An end of a connection. */
export class TcpPeer {
  receivedBytes = 0;
  /** Bytes that the kernel took. */
  sentBytes = 0;
  /** Undefined while the other end is still there. */
  ending: Ending | undefined;
  /** Address of the other end, `address:port`. */
  remote = "";
  localPort = 0;
  #socket: Socket<TcpPeer> | undefined;
  readonly #hash = new Bun.CryptoHasher("sha1");
  #kept = new Uint8Array();
  #outbox: Uint8Array[] = [];
  #shutsAfter = false;
  #waiters: Waiter[] = [];
  #onData: ((bytes: Uint8Array) => void) | undefined;
  #onEnd: (() => void) | undefined;

  /** Called by {@link tcpPeerHandler}. */
  opened(socket: Socket<TcpPeer>): void {
    this.#socket = socket;
    this.remote = `${socket.remoteAddress}:${socket.remotePort}`;
    this.localPort = socket.localPort;
  }

  /** Checksum of everything that arrived so far. */
  get checksum(): string {
    return this.#hash.copy().digest("hex");
  }

  /** Beginning of what arrived, as text. */
  get text(): string {
    return Buffer.from(this.#kept).toString("latin1");
  }

  /** Beginning of what arrived. */
  get bytes(): Uint8Array {
    return this.#kept;
  }

  /** Sends; what the kernel does not take now follows later. */
  send(data: string | Uint8Array): this {
    const bytes = typeof data === "string" ? Buffer.from(data, "latin1") : data;
    this.#outbox.push(bytes);
    if (this.#outbox.length === 1) this.flush();
    return this;
  }

  /** Ends this direction after all that was sent. */
  shutdown(): this {
    if (this.#outbox.length === 0) this.#socket?.shutdown();
    else this.#shutsAfter = true;
    return this;
  }

  /** Ends the connection by a reset. */
  reset(): this {
    this.#outbox = [];
    this.#socket?.terminate();
    return this;
  }

  pause(): this {
    this.#socket?.pause();
    return this;
  }

  resume(): this {
    this.#socket?.resume();
    return this;
  }

  /** Sends back whatever arrives, and the end too. */
  echo(): this {
    this.#onData = (bytes) => {
      this.send(bytes.slice());
      if (this.#outbox.length > 0) this.#socket?.pause();
    };
    this.#onEnd = () => void this.shutdown();
    return this;
  }

  /** Calls back for each piece that arrives, and at its end. */
  react(onData: (bytes: Uint8Array) => void, onEnd: () => void = () => undefined): this {
    this.#onData = onData;
    this.#onEnd = onEnd;
    return this;
  }

  /** Hands what waits to the kernel. */
  flush(): void {
    for (;;) {
      const next = this.#outbox[0];
      if (next === undefined) break;
      const taken = Math.max(0, this.#socket?.write(next) ?? 0);
      this.sentBytes += taken;
      if (taken < next.length) {
        this.#outbox[0] = next.subarray(taken);
        return;
      }
      this.#outbox.shift();
    }
    if (this.#shutsAfter) {
      this.#shutsAfter = false;
      this.#socket?.shutdown();
    }
    if (this.#onData !== undefined) this.#socket?.resume();
    this.#changed();
  }

  received(bytes: Uint8Array): void {
    this.receivedBytes += bytes.length;
    this.#hash.update(bytes);
    if (this.#kept.length < keptBytesMax) {
      const rest = bytes.subarray(0, keptBytesMax - this.#kept.length);
      this.#kept = new Uint8Array(Buffer.concat([this.#kept, rest]));
    }
    this.#onData?.(bytes);
    this.#changed();
  }

  ended(ending: Ending): void {
    this.ending ??= ending;
    if (ending === "end") this.#onEnd?.();
    this.#changed();
  }

  #changed(): void {
    const met = this.#waiters.filter((waiter) => waiter.isMet());
    if (met.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => !met.includes(waiter));
    for (const waiter of met) waiter.resolve();
  }

  async #wait(isMet: () => boolean, what: () => string, ms: number): Promise<void> {
    // After the end of the other side nothing more can come.
    const isOver = (): boolean => isMet() || this.ending !== undefined;
    if (!isOver()) {
      const promise = new Promise<void>((resolve) => {
        this.#waiters.push({ isMet: isOver, resolve });
      });
      await within(promise, "", ms).catch(() => undefined);
    }
    if (isMet()) return;
    const state = `received ${this.receivedBytes}, ending ${this.ending}`;
    throw new Error(`Not within ${ms} ms: ${what()} (${state})`);
  }

  /** Waits until that many bytes have arrived. */
  async untilReceived(bytes: number, ms: number = deadlineMs): Promise<this> {
    await this.#wait(
      () => this.receivedBytes >= bytes,
      () => `${bytes} bytes arrive`,
      ms,
    );
    return this;
  }

  /** Waits until what arrived starts with `text`. */
  async untilText(text: string): Promise<this> {
    await this.#wait(
      () => this.text.startsWith(text),
      () => `${JSON.stringify(text)} arrives, not ${JSON.stringify(this.text)}`,
      deadlineMs,
    );
    return this;
  }

  /** Waits until all that was sent is with the kernel. */
  async untilSent(): Promise<this> {
    await this.#wait(
      () => this.#outbox.length === 0,
      () => "everything is sent",
      deadlineMs,
    );
    return this;
  }

  /** Waits for the end of the other side. */
  async untilEnding(ms: number = deadlineMs): Promise<Ending> {
    await this.#wait(
      () => this.ending !== undefined,
      () => "the other side ends",
      ms,
    );
    return this.ending!;
  }
}

const handler: SocketHandler<TcpPeer, "uint8array"> = {
  binaryType: "uint8array",
  open: (socket) => socket.data.opened(socket),
  data: (socket, bytes) => socket.data.received(bytes),
  drain: (socket) => socket.data.flush(),
  end: (socket) => socket.data.ended("end"),
  close: (socket, error) => socket.data.ended(error === undefined ? "end" : "reset"),
  connectError: () => undefined,
};

/** Callbacks that feed a {@link TcpPeer} kept as the socket's data. */
// Bun.listen and Bun.connect take every binaryType, but their types know only "buffer".
export const tcpPeerHandler = handler as unknown as SocketHandler<TcpPeer>;
