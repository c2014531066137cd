/**
 * The control socket: HTTP/1.1 over a unix socket, one request a connection.
 *
 * Bun.serve cannot tell who is at the other end of a unix socket; here the descriptor is at hand,
 * so the kernel's answer (SO_PEERCRED, unix(7)) goes into the event log. File mode 0660 decides
 * who may connect at all.
 *
 * @module
 */

import { chownSync, lstatSync, renameSync, unlinkSync } from "node:fs";

import type { Socket } from "bun";

import { ApplianceError, errorText } from "../errors/index.ts";
import type { StatusApp } from "./app.ts";
import { findHeadEnd, formatResponseHead, headBytesMax, parseRequestHead } from "./http-message.ts";
import type { RequestHead } from "./http-message.ts";
import { bodyBytesMax } from "./request.ts";

/** Connections at once: commands, collectors and 32 followers of the events. */
const connectionsMax = 128;
/** A client that neither sends its request nor reads the answer for so long is dropped. */
const idleSeconds = 60;
/** sun_path of unix(7) has 108 bytes, the last one a zero. */
const pathBytesMax = 107;

/** Where to listen, and for whom. */
export interface ControlSocketOptions {
  readonly path: string;
  /** Another process has the path for now: listens here until {@link ControlSocket.claim}. */
  readonly pathBefore?: string | undefined;
  /** Group that may use the socket besides root; undefined: that of the process. */
  readonly gid?: number | undefined;
  readonly app: StatusApp;
  /** Uid of the peer of a connected unix socket; undefined if the kernel does not tell. */
  readonly peerUid?: ((fd: number) => number | undefined) | undefined;
}

/** A listening control socket. */
export interface ControlSocket {
  /** Closes it and its connections, removes its file. */
  stop(): void;
  /** Takes the path that another process had. */
  claim(): void;
  /**
   * Gives the path to another process that listens at `next`: there is no moment without an answer.
   * Open connections live on until {@link stop}.
   */
  giveWay(next: string): void;
}

function cannot(path: string, why: string, cause?: unknown): ApplianceError {
  return new ApplianceError("STATUS_LISTEN", `Cannot open control socket ${path}: ${why}`, {
    cause,
  });
}

/** Bun's sockets have a descriptor that its types do not tell of. */
function descriptorOf(socket: object): number | undefined {
  return "fd" in socket && typeof socket.fd === "number" ? socket.fd : undefined;
}

/** One connection: gathers the request, writes the answer no faster than it is read. */
class ControlConnection {
  readonly #socket: Socket<unknown>;
  readonly #options: ControlSocketOptions;
  #chunks: Uint8Array[] = [];
  #receivedBytes = 0;
  #head: RequestHead | undefined;
  #headBytes = 0;
  #isAnswering = false;
  #isClosed = false;
  #cancelBody: (() => void) | undefined;
  #onDrain: (() => void) | undefined;

  constructor(socket: Socket<unknown>, options: ControlSocketOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.timeout(idleSeconds);
  }

  receive(chunk: Uint8Array): void {
    // What follows the one request is not looked at.
    if (this.#isAnswering) return;
    this.#chunks.push(Uint8Array.from(chunk));
    this.#receivedBytes += chunk.length;
    if (this.#head === undefined) this.#readHead();
    const head = this.#head;
    if (head === undefined || this.#isAnswering) return;
    const neededBytes = this.#headBytes + Math.min(head.bodyBytes, bodyBytesMax);
    if (head.bodyBytes > bodyBytesMax || this.#receivedBytes >= neededBytes) this.#start(head);
  }

  /** The client has sent all it will. */
  receiveEnd(): void {
    if (!this.#isAnswering || this.#cancelBody !== undefined) this.#socket.terminate();
  }

  drained(): void {
    const resume = this.#onDrain;
    this.#onDrain = undefined;
    resume?.();
  }

  closed(): void {
    this.#isClosed = true;
    this.#chunks = [];
    this.#cancelBody?.();
    this.drained();
  }

  refuse(status: number, code: string, message: string): void {
    this.#isAnswering = true;
    void this.#answer(() => Response.json({ code, message }, { status }));
  }

  #readHead(): void {
    const bytes = Buffer.concat(this.#chunks);
    this.#chunks = [bytes];
    const end = findHeadEnd(bytes);
    if (end > headBytesMax || (end === -1 && bytes.length > headBytesMax)) {
      this.refuse(431, "STATUS_HTTP", `Cannot take the request: its head is too long`);
      return;
    }
    if (end === -1) return;
    const parsed = parseRequestHead(bytes.subarray(0, end));
    if (parsed.ok) [this.#head, this.#headBytes] = [parsed.head, end];
    else this.refuse(parsed.status, "STATUS_HTTP", `Cannot take the request: ${parsed.reason}`);
  }

  #start(head: RequestHead): void {
    this.#isAnswering = true;
    const bytes = Buffer.concat(this.#chunks);
    this.#chunks = [];
    const end = this.#headBytes + head.bodyBytes;
    // A body that is too long is not gathered; its declared length tells the application.
    const body = end <= bytes.length ? bytes.subarray(this.#headBytes, end) : undefined;
    void this.#answer(() => {
      const hasBody = body !== undefined && body.length > 0;
      const request = new Request(`http://localhost${head.target}`, {
        method: head.method,
        headers: head.headers.map(([name, value]) => [name, value]),
        ...(hasBody && head.method !== "GET" && head.method !== "HEAD" ? { body } : {}),
      });
      return this.#options.app.fetch(request, { via: "control", uid: this.#peerUid() });
    });
  }

  #peerUid(): number | undefined {
    const fd = descriptorOf(this.#socket);
    return fd === undefined ? undefined : this.#options.peerUid?.(fd);
  }

  async #answer(make: () => Response | Promise<Response>): Promise<void> {
    try {
      const response = await make();
      const isStream = response.headers.get("Content-Type")?.startsWith("text/event-stream");
      if (isStream === true && response.body !== null) await this.#sendStream(response);
      else await this.#sendWhole(response);
      this.#socket.end();
    } catch {
      // The application answers for itself; what is left is a request that cannot be one.
      this.#socket.terminate();
    }
  }

  async #sendWhole(response: Response): Promise<void> {
    const body = new Uint8Array(await response.arrayBuffer());
    const head = Buffer.from(formatResponseHead(response, body.length), "latin1");
    await this.#write(Buffer.concat([head, body]));
  }

  async #sendStream(response: Response): Promise<void> {
    const reader = response.body!.getReader();
    this.#cancelBody = () => void reader.cancel().catch(() => undefined);
    if (this.#isClosed) this.#cancelBody();
    await this.#write(Buffer.from(formatResponseHead(response, undefined), "latin1"));
    for (;;) {
      const { done, value } = await reader.read();
      if (done || this.#isClosed) return;
      await this.#write(value);
    }
  }

  async #write(bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    while (rest.length > 0 && !this.#isClosed) {
      const writtenBytes = this.#socket.write(rest);
      if (writtenBytes < 0) return;
      if (writtenBytes > 0) this.#socket.timeout(idleSeconds);
      rest = rest.subarray(writtenBytes);
      if (rest.length > 0) await new Promise<void>((resolve) => (this.#onDrain = resolve));
    }
  }
}

/** True if somebody listens at `path`. */
async function isAnswered(path: string): Promise<boolean> {
  try {
    const socket = await Bun.connect({ unix: path, socket: { data: () => undefined } });
    socket.terminate();
    return true;
  } catch {
    return false;
  }
}

/** Removes what a director that was killed has left. */
async function clearPath(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw cannot(path, "something that is no socket is there");
  if (await isAnswered(path)) {
    const message = `Cannot open control socket ${path}: another director answers there`;
    throw new ApplianceError("STATUS_SOCKET_IN_USE", message);
  }
  unlinkSync(path);
}

function listen(options: ControlSocketOptions) {
  const connections = new Map<Socket<unknown>, ControlConnection>();
  const handlers = {
    open(socket: Socket<unknown>): void {
      const connection = new ControlConnection(socket, options);
      connections.set(socket, connection);
      if (connections.size <= connectionsMax) return;
      connection.refuse(503, "STATUS_TOO_MANY_CLIENTS", "Too many connections at once");
    },
    data: (socket: Socket<unknown>, chunk: Uint8Array) => connections.get(socket)?.receive(chunk),
    end: (socket: Socket<unknown>) => connections.get(socket)?.receiveEnd(),
    drain: (socket: Socket<unknown>) => connections.get(socket)?.drained(),
    timeout: (socket: Socket<unknown>) => socket.terminate(),
    error: (socket: Socket<unknown>) => socket.terminate(),
    close(socket: Socket<unknown>): void {
      connections.get(socket)?.closed();
      connections.delete(socket);
    },
  };
  // The mode must be right from the first moment on: chmod afterwards would be too late.
  const umask = process.umask(0o117);
  try {
    const unix = options.pathBefore ?? options.path;
    const listener = Bun.listen({ unix, socket: handlers, allowHalfOpen: true });
    const endAll = (): void => {
      for (const socket of connections.keys()) socket.terminate();
    };
    return { listener, endAll };
  } finally {
    process.umask(umask);
  }
}

/**
 * Opens the control socket; removes a stale one first.
 *
 * @throws {ApplianceError} `STATUS_SOCKET_IN_USE` if another director answers there,
 *   `STATUS_LISTEN` if it cannot be opened.
 */
export async function openControlSocket(options: ControlSocketOptions): Promise<ControlSocket> {
  const { path, pathBefore = path, gid } = options;
  if (Buffer.byteLength(pathBefore) > pathBytesMax) {
    throw cannot(path, `the path is longer than ${pathBytesMax} bytes`);
  }
  await clearPath(pathBefore);
  try {
    const { listener, endAll } = listen(options);
    if (gid !== undefined) chownSync(pathBefore, process.getuid?.() ?? 0, gid);
    const { ino } = lstatSync(pathBefore);
    const isOwn = (at: string): boolean => lstatSync(at, { throwIfNoEntry: false })?.ino === ino;
    let hasGivenWay = false;
    return {
      stop() {
        endAll();
        // What is at the path by now is another's, whatever its number.
        if (hasGivenWay) return;
        listener.stop(true);
        for (const at of [path, pathBefore]) if (isOwn(at)) unlinkSync(at);
      },
      claim() {
        if (isOwn(pathBefore)) renameSync(pathBefore, path);
      },
      giveWay(next) {
        hasGivenWay = true;
        listener.stop(false);
        renameSync(next, path);
      },
    };
  } catch (error) {
    throw cannot(path, errorText(error), error);
  }
}
