/**
 * One TCP or TLS conversation of a check: connect, send, hand over what comes back, close.
 *
 * The handshake of TCP is made by the connector, since a pending connect of the runtime cannot be
 * closed at a deadline; the connected descriptor then goes to `Bun.connect`, which owns it and
 * brings TLS. Ends with RST: the side that closes first would keep a TIME_WAIT entry for a minute.
 *
 * @module
 */

import { MSG_NOSIGNAL } from "../../ffi/constants/socket.ts";
import { addressOf, errno, libc } from "../../ffi/libc.ts";
import type { Clock } from "../clock/index.ts";
import { errorText } from "../errors/index.ts";
import { remainingMs, timedOut } from "./connector.ts";
import type { Connector, Deadline, Destination } from "./connector.ts";
import { failureOfErrno, printable } from "./failure.ts";
import type { Failure } from "./failure.ts";

/** TLS of a conversation. */
export interface StreamTls {
  /** Name sent (unless it is an address) and verified. */
  readonly serverName: string;
  readonly verify: boolean;
  /** Authorities as PEM; undefined: the runtime's own. */
  readonly ca: string | undefined;
}

/** The sending side of a conversation, for what is not an answer to bytes that came. */
export interface StreamLink {
  /** Sends, or queues what the kernel does not take; nothing once the conversation is over. */
  send(bytes: Uint8Array): void;
  /** Ends the conversation as if the other side had closed. */
  hangUp(): void;
}

/** What is sent and who listens. */
export interface StreamRequest {
  readonly destination: Destination;
  readonly deadline: Deadline;
  /** PROXY header: sent first, before TLS. */
  readonly preface: Uint8Array | undefined;
  readonly tls: StreamTls | undefined;
  readonly request: Uint8Array<ArrayBuffer>;
  /** True: the writing side is closed after the request, which tells the server its end. */
  readonly isHalfClosed?: boolean;
  /** Called once, when bytes can be sent. */
  readonly onReady?: (link: StreamLink) => void;
  /** Takes bytes as they come; true: that is enough; bytes: they are sent and it goes on. */
  onData(bytes: Uint8Array): boolean | Uint8Array<ArrayBuffer>;
}

/** How a conversation ended: enough was heard, the other side closed, or it failed. */
export type StreamEnd = "enough" | "closed" | Failure;

type Socket = Bun.Socket<Conversation>;

function codeOf(error: unknown): string {
  const hasCode = error instanceof Error && "code" in error && typeof error.code === "string";
  return hasCode ? String(error.code) : "";
}

function failureOfError(error: unknown): Failure {
  const code = codeOf(error);
  if (code === "ECONNRESET" || code === "EPIPE") {
    return { reason: "reset", detail: "connection reset by the real server" };
  }
  if (code === "EMFILE" || code === "ENOMEM") return { reason: "no-resources", detail: code };
  return { reason: "closed", detail: printable(errorText(error)) };
}

/** State of one conversation; lives as long as its socket. */
class Conversation {
  readonly #request: StreamRequest;
  readonly #resolve: (end: StreamEnd) => void;
  #socket: Socket | undefined;
  #unsent: Uint8Array<ArrayBuffer>;
  #isSettled = false;
  #isShut = false;

  constructor(request: StreamRequest, resolve: (end: StreamEnd) => void) {
    this.#request = request;
    this.#resolve = resolve;
    this.#unsent = request.request;
  }

  /** Ends the conversation, once; the socket goes, or goes as soon as it is there. */
  settle(end: StreamEnd): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#socket?.terminate();
    this.#resolve(end);
  }

  onOpen(socket: Socket): void {
    this.#socket = socket;
    if (this.#isSettled) socket.terminate();
    else if (this.#request.tls === undefined) this.#begin();
  }

  onHandshake(isTrusted: boolean, error: Error | null): void {
    if (this.#isSettled) return;
    // Without verification a certificate may be wrong, but TLS must have been spoken.
    const isBroken = error !== null && ["EPROTO", "ECONNRESET"].includes(codeOf(error));
    if (isBroken || (this.#request.tls!.verify && !isTrusted)) {
      const code = error === null ? "" : codeOf(error);
      const text = error === null ? "certificate not trusted" : errorText(error);
      return this.settle({ reason: "tls", detail: printable(`${code}: ${text}`) });
    }
    this.#begin();
  }

  #begin(): void {
    this.send();
    this.#request.onReady?.({
      send: (bytes) => this.#queue(bytes),
      hangUp: () => this.settle("closed"),
    });
  }

  #queue(bytes: Uint8Array): void {
    this.#unsent = Buffer.concat([this.#unsent, bytes]);
    this.send();
  }

  send(): void {
    if (this.#isSettled) return;
    if (this.#unsent.length > 0) {
      const sentBytes = this.#socket!.write(this.#unsent);
      if (sentBytes > 0) this.#unsent = this.#unsent.subarray(sentBytes);
    }
    if (this.#request.isHalfClosed !== true || this.#unsent.length > 0) return;
    if (!this.#isShut) this.#socket!.shutdown();
    this.#isShut = true;
  }

  onData(bytes: Uint8Array): void {
    if (this.#isSettled) return;
    const next = this.#request.onData(bytes);
    if (next === true) return this.settle("enough");
    if (next === false) return;
    this.#queue(next);
  }
}

/** One set of handlers for all conversations; each finds its own through `socket.data`. */
const handlers: Bun.SocketHandler<Conversation> = {
  open: (socket) => socket.data.onOpen(socket),
  handshake: (socket, isTrusted, error) => socket.data.onHandshake(isTrusted, error),
  drain: (socket) => socket.data.send(),
  data: (socket, bytes) => socket.data.onData(bytes),
  end: (socket) => socket.data.settle("closed"),
  close: (socket, error) =>
    socket.data.settle(error === undefined ? "closed" : failureOfError(error)),
  error: (socket, error) => socket.data.settle(failureOfError(error)),
  connectError: (socket, error) => socket.data.settle(failureOfError(error)),
};

/** Sends the preface on a fresh connection, whose buffer is empty; undefined: sent. */
function sendPreface(fd: number, preface: Uint8Array): Failure | undefined {
  const sentBytes = libc.send(fd, addressOf(preface), preface.length, MSG_NOSIGNAL);
  if (sentBytes === preface.length) return undefined;
  if (sentBytes === -1) return failureOfErrno(errno(), "send");
  return { reason: "no-resources", detail: "no room for the PROXY header" };
}

function tlsOptions(tls: StreamTls): Bun.TLSOptions {
  const { serverName, verify, ca } = tls;
  // An untrusted certificate is judged by the handshake handler, which has the reason.
  return { serverName, rejectUnauthorized: verify, ...(ca === undefined ? {} : { ca }) };
}

/** The form of `Bun.connect` that takes a descriptor; its types have the options only. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- no overload of the types fits
const adoptDescriptor = Bun.connect as unknown as (
  options: Bun.FdSocketOptions<Conversation>,
) => Promise<Socket>;

/** Gives a connected descriptor to the runtime, which closes it from now on. */
function adopt(fd: number, conversation: Conversation, tls: StreamTls | undefined): void {
  const options = { fd, socket: handlers, data: conversation };
  const onError = (error: unknown): void => conversation.settle(failureOfError(error));
  try {
    const full = tls === undefined ? options : { ...options, tls: tlsOptions(tls) };
    adoptDescriptor(full).catch(onError);
  } catch (error) {
    // Options that TLS does not take, such as a file of authorities with none in it.
    libc.close(fd);
    conversation.settle({ reason: "tls", detail: printable(errorText(error)) });
  }
}

/** Holds a conversation. Settles and is closed at the latest at the deadline. Never rejects. */
export async function converse(
  clock: Clock,
  connector: Connector,
  request: StreamRequest,
): Promise<StreamEnd> {
  const { destination, deadline, preface, tls } = request;
  const dialled = await connector.dial(destination, deadline);
  if (!dialled.ok) return dialled.failure;
  const failure = preface === undefined ? undefined : sendPreface(dialled.fd, preface);
  if (failure !== undefined) {
    libc.close(dialled.fd);
    return failure;
  }
  const { promise, resolve } = Promise.withResolvers<StreamEnd>();
  const conversation = new Conversation(request, resolve);
  const timer = clock.after(remainingMs(clock, deadline), () =>
    conversation.settle(timedOut("no complete answer", deadline)),
  );
  adopt(dialled.fd, conversation, tls);
  const end = await promise;
  timer.cancel();
  return end;
}
