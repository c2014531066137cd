/**
 * The side of the slow part of the peer channel that calls: asks the peer, and waits for its
 * answers.
 *
 * Calls again each second while there is no connection.
 *
 * @module
 */

import { connect } from "node:net";
import type { Socket } from "node:net";

import type { Clock, Timer } from "../clock/index.ts";
import {
  decodeListenerHello,
  encodeCallerHello,
  listenerHelloBytes,
  payloadBytesMax,
  PeerStream,
} from "../peer/index.ts";
import type { PeerKey } from "../peer/index.ts";

/** What {@link PeerCaller} needs. */
export interface PeerCallerOptions {
  readonly clock: Clock;
  readonly address: string;
  readonly port: number;
  /** The first one is used. */
  readonly keys: readonly PeerKey[];
  /** There is a connection, and the peer has the key. */
  readonly onOpen: () => void;
}

/** Between two attempts, ms; and how long one may take. */
const pauseMs = 1000;
const patienceMs = 1000;
/** Questions that wait for their answer. */
const questionsMax = 64;

interface Question {
  readonly settle: (answer: Uint8Array | undefined) => void;
  readonly deadline: Timer;
}

interface Connection {
  readonly socket: Socket;
  readonly nonce: Uint8Array;
  hello: Uint8Array;
  stream: PeerStream | undefined;
  /** In the order in which answers come. */
  readonly questions: Question[];
  readonly greeting: Timer;
}

/** Owns one connection. */
export class PeerCaller {
  readonly #options: PeerCallerOptions;
  #connection: Connection | undefined;
  #pause: Timer | undefined;
  #isClosed = false;

  constructor(options: PeerCallerOptions) {
    this.#options = options;
    this.#call();
  }

  /** True once the peer can be asked. */
  get isOpen(): boolean {
    return this.#connection?.stream !== undefined;
  }

  /**
   * Asks the peer.
   *
   * @returns Its answer; undefined if there is no connection or none within `timeoutMs`.
   */
  async ask(payload: Uint8Array, timeoutMs: number): Promise<Uint8Array | undefined> {
    const connection = this.#connection;
    if (connection?.stream === undefined || payload.length > payloadBytesMax) return undefined;
    if (connection.questions.length >= questionsMax) return undefined;
    const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>();
    // An answer that is that late would be taken for one of the next question.
    const deadline = this.#options.clock.after(timeoutMs, () => this.#hangUp(connection));
    connection.questions.push({ settle: resolve, deadline });
    connection.socket.write(connection.stream.seal(payload));
    return promise;
  }

  close(): void {
    this.#isClosed = true;
    this.#pause?.cancel();
    if (this.#connection !== undefined) this.#hangUp(this.#connection);
  }

  #call(): void {
    const { address, port, keys, clock } = this.#options;
    const nonce = crypto.getRandomValues(new Uint8Array(16));
    const socket = connect({ host: address, port });
    const connection: Connection = {
      socket,
      nonce,
      hello: new Uint8Array(0),
      stream: undefined,
      questions: [],
      greeting: clock.after(patienceMs, () => this.#hangUp(connection)),
    };
    this.#connection = connection;
    socket.on("connect", () => socket.write(encodeCallerHello(keys[0]!, nonce)));
    socket.on("data", (chunk: Uint8Array) => this.#take(connection, chunk));
    // Nobody listens, or nobody is there: that is said by what the peer does not answer.
    socket.on("error", () => this.#hangUp(connection));
    socket.on("close", () => this.#hangUp(connection));
  }

  #callAgain(): void {
    if (this.#isClosed) return;
    this.#pause?.cancel();
    this.#pause = this.#options.clock.after(pauseMs, () => this.#call());
  }

  #take(connection: Connection, chunk: Uint8Array): void {
    const rest = connection.stream === undefined ? this.#greet(connection, chunk) : chunk;
    if (rest === undefined) return this.#hangUp(connection);
    const payloads = connection.stream === undefined ? [] : connection.stream.push(rest);
    if (payloads === undefined) return this.#hangUp(connection);
    for (const payload of payloads) {
      const question = connection.questions.shift();
      question?.deadline.cancel();
      question?.settle(payload);
    }
  }

  /** @returns What comes behind the hello; undefined if it is none. */
  #greet(connection: Connection, chunk: Uint8Array): Uint8Array | undefined {
    const all = Uint8Array.from([...connection.hello, ...chunk.subarray(0, listenerHelloBytes)]);
    const rest = chunk.subarray(listenerHelloBytes - connection.hello.length);
    if (all.length < listenerHelloBytes) {
      connection.hello = all;
      return new Uint8Array(0);
    }
    const listenerNonce = decodeListenerHello(all.subarray(0, listenerHelloBytes));
    if (listenerNonce === undefined) return undefined;
    const secrets = { key: this.#options.keys[0]!, callerNonce: connection.nonce, listenerNonce };
    connection.stream = new PeerStream("caller", secrets);
    connection.greeting.cancel();
    this.#options.onOpen();
    return rest;
  }

  #hangUp(connection: Connection): void {
    connection.greeting.cancel();
    for (const { settle, deadline } of connection.questions.splice(0)) {
      deadline.cancel();
      settle(undefined);
    }
    if (this.#connection === connection) {
      this.#connection = undefined;
      this.#callAgain();
    }
    connection.socket.destroy();
  }
}
