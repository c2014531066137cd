/**
 * A client library's connection, carried by a conversation of the check: the library connects to a
 * port of loopback, and what it says goes over one connection that the check itself has opened.
 *
 * So the library keeps its protocol, while deadline, PROXY header, bound and end stay the check's:
 * a library that connects again finds nobody, and one that reads without end is cut off. The port
 * stays taken until {@link Relay.close}, so that no other program can get the library's login.
 *
 * @module
 */

import type { Clock } from "../clock/index.ts";
import { errorText } from "../errors/index.ts";
import type { Connector, Deadline, Destination } from "./connector.ts";
import { printable } from "./failure.ts";
import type { Failure } from "./failure.ts";
import { converse } from "./stream.ts";
import type { StreamEnd, StreamLink } from "./stream.ts";

/** What a relay carries, and how much. */
export interface RelayRequest {
  readonly destination: Destination;
  readonly deadline: Deadline;
  readonly preface: Uint8Array | undefined;
  /** More bytes than this from the real server end it. */
  readonly answerBytesMax: number;
}

/** A connection that waits for its client. Whoever opened it closes it. */
export interface Relay {
  /** Where the client connects to, once. */
  readonly hostname: string;
  readonly port: number;
  /** Settles when the real server's side is over, at the latest at the deadline. */
  readonly ended: Promise<StreamEnd>;
  /** True if the answers went over their bound, which has ended it. */
  isCut(): boolean;
  /** Says good-bye to the real server by itself; the client is dropped. */
  sayLast(bytes: Uint8Array): void;
  /** Ends both sides and gives the port back. */
  close(): void;
}

/** A socket that carries no data of its own. */
type Client = Bun.Socket<unknown>;

/** The client's side: bytes wait until it has come. */
class Near {
  #socket: Client | undefined;
  #waiting: Buffer = Buffer.alloc(0);
  #isEnding = false;
  #isOver = false;

  /** Takes the first client. @returns False: there was one. */
  accept(socket: Client): boolean {
    if (this.#socket !== undefined || this.#isOver) return false;
    this.#socket = socket;
    this.flush();
    return true;
  }

  is(socket: Client): boolean {
    return this.#socket === socket;
  }

  send(bytes: Uint8Array): void {
    this.#waiting = Buffer.concat([this.#waiting, bytes]);
    this.flush();
  }

  flush(): void {
    if (this.#socket === undefined || this.#isOver) return;
    const sentBytes = this.#socket.write(this.#waiting);
    if (sentBytes > 0) this.#waiting = this.#waiting.subarray(sentBytes);
    if (this.#isEnding && this.#waiting.length === 0) this.#socket.end();
  }

  /** The client reads what there is, then the end. */
  end(): void {
    this.#isEnding = true;
    this.flush();
  }

  terminate(): void {
    this.#isOver = true;
    this.#socket?.terminate();
  }
}

/** An address of loopback that nobody can guess. */
function someLoopback(): string {
  const [a = 0, b = 0, c = 0] = crypto.getRandomValues(new Uint8Array(3));
  return `127.${a}.${b}.${1 + (c % 254)}`;
}

function listen(near: Near, link: () => StreamLink | undefined): Bun.TCPSocketListener {
  const socket: Bun.SocketHandler = {
    open(client) {
      if (!near.accept(client)) client.terminate();
    },
    data(client, bytes) {
      if (near.is(client)) link()?.send(bytes);
    },
    drain: () => near.flush(),
    // The client's own end, whatever brought it about.
    close(client) {
      if (near.is(client)) link()?.hangUp();
    },
    error: () => undefined,
  };
  return Bun.listen({ hostname: someLoopback(), port: 0, socket });
}

/** Connects to the real server and waits for a client; or why there is no connection. */
export async function openRelay(
  clock: Clock,
  connector: Connector,
  { answerBytesMax, ...request }: RelayRequest,
): Promise<Relay | Failure> {
  const near = new Near();
  const ready = Promise.withResolvers<StreamLink>();
  let takenBytes = 0;
  const ended = converse(clock, connector, {
    ...request,
    tls: undefined,
    request: new Uint8Array(),
    onReady: ready.resolve,
    onData(bytes) {
      takenBytes += bytes.length;
      if (takenBytes > answerBytesMax) return true;
      near.send(bytes);
      return false;
    },
  });
  const link = await Promise.race([ready.promise, ended]);
  if (typeof link === "string") return { reason: "closed", detail: "closed before an answer" };
  if ("reason" in link) return link;
  let current: StreamLink | undefined = link;
  let listener: Bun.TCPSocketListener;
  try {
    listener = listen(near, () => current);
  } catch (error) {
    link.hangUp();
    return { reason: "no-resources", detail: printable(errorText(error)) };
  }
  void ended.then((end) => (end === "closed" ? near.end() : near.terminate()));
  return {
    hostname: listener.hostname,
    port: listener.port,
    ended,
    isCut: () => takenBytes > answerBytesMax,
    sayLast(bytes) {
      current = undefined;
      // By RST: the side that closes first would keep a TIME_WAIT entry for a minute.
      near.terminate();
      link.send(bytes);
    },
    close() {
      link.hangUp();
      near.terminate();
      listener.stop(true);
    },
  };
}
