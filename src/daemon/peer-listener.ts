/**
 * The side of the slow part of the peer channel that is called: TCP on the port of the peer
 * channel.
 *
 * One connection of the peer at a time; a newer one takes the place of the older. Who does not
 * prove to have the key within a second is hung up on.
 *
 * @module
 */

import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";

import type { Clock, Timer } from "../clock/index.ts";
import { canonicalAddress } from "../net/address.ts";
import {
  callerHelloBytes,
  decodeCallerHello,
  encodeListenerHello,
  PeerStream,
} from "../peer/index.ts";
import type { PeerKey } from "../peer/index.ts";

/** What is called with each payload; what it settles with is sent back. */
export type AnswerPeer = (payload: Uint8Array) => Promise<Uint8Array>;

/** What {@link PeerListener} needs. */
export interface PeerListenerOptions {
  readonly clock: Clock;
  readonly hostname: string;
  /** 0: any. */
  readonly port: number;
  /** Canonical address of the peer: nobody else is listened to. */
  readonly peer: string;
  readonly keys: readonly PeerKey[];
  readonly answer: AnswerPeer;
  /** It cannot listen; made again by who owns it. */
  readonly onProblem: (reason: string) => void;
}

/** Time to prove to have the key, ms. */
const proofMs = 1000;
/** Connections that have not proven anything yet. */
const strangersMax = 4;
/** Answers that wait to be read. */
const waitingBytesMax = 1024 * 1024;

/** One connection. */
interface Caller {
  hello: Uint8Array;
  stream: PeerStream | undefined;
  isProven: boolean;
  readonly deadline: Timer;
}

/** Owns a listening socket and the connections to it. */
export class PeerListener {
  readonly #options: PeerListenerOptions;
  readonly #server: Server;
  readonly #callers = new Map<Socket, Caller>();

  constructor(options: PeerListenerOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#open(socket));
    this.#server.on("error", ({ message }) => options.onProblem(message));
    this.#server.listen(options.port, options.hostname);
  }

  /** Undefined while it does not listen. */
  get port(): number | undefined {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- no Unix socket.
    return (this.#server.address() as AddressInfo | null)?.port;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#callers.keys()) this.#hangUp(socket);
  }

  #open(socket: Socket): void {
    const { clock, peer } = this.#options;
    const strangers = [...this.#callers.values()].filter(({ isProven }) => !isProven);
    const isPeer = canonicalAddress(socket.remoteAddress ?? "") === peer;
    // Without a listener for errors one of them would end the program.
    socket.on("error", () => socket.destroy());
    if (!isPeer || strangers.length >= strangersMax) {
      socket.destroy();
      return;
    }
    const caller: Caller = {
      hello: new Uint8Array(0),
      stream: undefined,
      isProven: false,
      deadline: clock.after(proofMs, () => this.#hangUp(socket)),
    };
    this.#callers.set(socket, caller);
    socket.on("data", (chunk: Uint8Array) => this.#take(socket, caller, chunk));
    socket.on("close", () => this.#hangUp(socket));
  }

  #take(socket: Socket, caller: Caller, chunk: Uint8Array): void {
    const rest = caller.stream === undefined ? this.#greet(socket, caller, chunk) : chunk;
    if (rest === undefined) return this.#hangUp(socket);
    const payloads = caller.stream === undefined ? [] : caller.stream.push(rest);
    if (payloads === undefined) return this.#hangUp(socket);
    if (payloads.length > 0 && !caller.isProven) this.#accept(socket, caller);
    for (const payload of payloads) void this.#answer(socket, caller, payload);
  }

  /** @returns What comes behind the hello; undefined if it is none. */
  #greet(socket: Socket, caller: Caller, chunk: Uint8Array): Uint8Array | undefined {
    const all = Uint8Array.from([...caller.hello, ...chunk.subarray(0, callerHelloBytes)]);
    const rest = chunk.subarray(callerHelloBytes - caller.hello.length);
    if (all.length < callerHelloBytes) {
      caller.hello = all;
      return new Uint8Array(0);
    }
    const hello = decodeCallerHello(all.subarray(0, callerHelloBytes), this.#options.keys);
    if (hello === undefined) return undefined;
    const listenerNonce = crypto.getRandomValues(new Uint8Array(16));
    const secrets = { key: hello.key, callerNonce: hello.nonce, listenerNonce };
    caller.stream = new PeerStream("listener", secrets);
    socket.write(encodeListenerHello(listenerNonce));
    return rest;
  }

  #accept(socket: Socket, caller: Caller): void {
    caller.isProven = true;
    caller.deadline.cancel();
    for (const [other, { isProven }] of this.#callers) {
      if (other !== socket && isProven) this.#hangUp(other);
    }
  }

  async #answer(socket: Socket, { stream }: Caller, payload: Uint8Array): Promise<void> {
    const answer = await this.#options.answer(payload);
    if (socket.destroyed) return;
    socket.write(stream!.seal(answer));
    // It asks and does not read.
    if (socket.writableLength > waitingBytesMax) this.#hangUp(socket);
  }

  #hangUp(socket: Socket): void {
    this.#callers.get(socket)?.deadline.cancel();
    this.#callers.delete(socket);
    socket.destroy();
  }
}
