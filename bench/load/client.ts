/**
 * Load client: TCP connections to one director from several addresses of loopback, as a process of
 * its own, so that its descriptors and its memory are not those of what is measured.
 *
 * `bun bench/load/client.ts '{"mode":"hold",…}'`. It speaks JSON lines: progress and results on
 * stdout, commands (`sample`, `close`) on stdin.
 *
 * - `hold` opens connections and keeps them idle; `sample` sends a request on some of them.
 * - `churn` opens, asks, reads and closes; one in {@link abortEvery} is reset halfway, one in
 *   {@link silentEvery} is closed without a word.
 *
 * Each source address brings its own range of ephemeral ports: one has about 28,000, of which a
 * second of load uses up a good part.
 *
 * @module
 */
import { EPOLLIN, EPOLLOUT } from "../../ffi/constants/epoll.ts";
import {
  AF_INET,
  IP_BIND_ADDRESS_NO_PORT,
  IPPROTO_IP,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  SO_ERROR,
  SO_LINGER,
  SOCK_STREAM,
  SOL_SOCKET,
} from "../../ffi/constants/socket.ts";
import { Poller } from "../../ffi/epoll.ts";
import { EAGAIN, EINPROGRESS } from "../../ffi/errno.ts";
import { addressOf, errno, libc } from "../../ffi/libc.ts";
import { raiseDescriptorLimit } from "../../ffi/resource.ts";
import { encodeSockaddr } from "../../ffi/sockaddr.ts";
import { closeDescriptor, getOption, openSocket, setOption, tryBind } from "../../ffi/socket.ts";

/** What a client is told on its command line. */
export interface ClientPlan {
  readonly mode: "hold" | "churn";
  /** Port on 127.0.0.1 to connect to. */
  readonly port: number;
  /** Connections in all. */
  readonly connections: number;
  /** Connections being opened (hold) or in use (churn) at one time. */
  readonly concurrency: number;
  /** Source addresses 127.0.1.1, 127.0.1.2, … in turn. */
  readonly sources: number;
  /** Path asked for. */
  readonly path: string;
}

/** One line of a client's output. */
export interface ClientReport {
  readonly event: "progress" | "open" | "sampled" | "done";
  /** Connections opened and, in churn, ended. */
  readonly connections: number;
  /** Answers that began with status 200. */
  readonly answered: number;
  /** Connections reset or closed by this side on purpose. */
  readonly aborted: number;
  /** Connections refused, reset or answered with anything else. */
  readonly failed: number;
}

/** Every so many connections one is reset while its answer is due. */
const abortEvery = 97;
/** Every so many connections one is closed without having sent anything. */
const silentEvery = 89;
/** A sample of idle connections that must still answer. */
const sampleCount = 200;
/** Answers are looked at only at their beginning. */
const answerBytes = 16 * 1024;
const reportEvery = 1000;
const eventsMax = 512;
/** Longest wait for progress; afterwards what is open counts as failed. */
const stallMs = 20_000;

type State = "connecting" | "waiting" | "idle";

class Client {
  readonly #plan: ClientPlan;
  readonly #poller = new Poller(eventsMax);
  readonly #states = new Map<number, State>();
  readonly #buffer = new Uint8Array(answerBytes);
  readonly #bufferAddress = addressOf(this.#buffer);
  readonly #request: Uint8Array;
  readonly #destination: Uint8Array;
  #started = 0;
  #ended = 0;
  #answered = 0;
  #aborted = 0;
  #failed = 0;

  constructor(plan: ClientPlan) {
    this.#plan = plan;
    const persistence = plan.mode === "churn" ? "close" : "keep-alive";
    this.#request = Buffer.from(
      `GET ${plan.path} HTTP/1.1\r\nHost: bench\r\nConnection: ${persistence}\r\n\r\n`,
    );
    this.#destination = encodeSockaddr(new Uint8Array([127, 0, 0, 1]), plan.port);
  }

  #report(event: ClientReport["event"]): void {
    const connections = this.#plan.mode === "hold" ? this.#countIdle() : this.#ended;
    const report: ClientReport = {
      event,
      connections,
      answered: this.#answered,
      aborted: this.#aborted,
      failed: this.#failed,
    };
    process.stdout.write(`${JSON.stringify(report)}\n`);
  }

  #countIdle(): number {
    return [...this.#states.values()].filter((state) => state === "idle").length;
  }

  #start(): void {
    const index = this.#started;
    this.#started += 1;
    const fd = openSocket(AF_INET, SOCK_STREAM);
    setOption(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    const source = new Uint8Array([127, 0, 1, 1 + (index % this.#plan.sources)]);
    tryBind(fd, encodeSockaddr(source, 0), "source address");
    const result = libc.connect(fd, addressOf(this.#destination), this.#destination.length);
    if (result === -1 && errno() !== EINPROGRESS) {
      closeDescriptor(fd);
      this.#failed += 1;
      this.#ended += 1;
      return;
    }
    this.#states.set(fd, "connecting");
    // The number of the connection comes back with its events, and says what becomes of it.
    this.#poller.add(fd, EPOLLOUT, index);
  }

  #close(fd: number): void {
    this.#states.delete(fd);
    closeDescriptor(fd);
    this.#ended += 1;
    if (this.#plan.mode === "churn" && this.#ended % reportEvery === 0) this.#report("progress");
  }

  #fail(fd: number): void {
    this.#failed += 1;
    this.#close(fd);
  }

  /** Ends a connection by RST: lingering for 0 s (socket(7)). */
  #reset(fd: number): void {
    const linger = new Int32Array([1, 0]);
    libc.setsockopt(fd, SOL_SOCKET, SO_LINGER, addressOf(linger), 8);
    this.#aborted += 1;
    this.#close(fd);
  }

  #send(fd: number, index: number): void {
    const sent = libc.send(fd, addressOf(this.#request), this.#request.length, MSG_NOSIGNAL);
    if (sent !== this.#request.length) return this.#fail(fd);
    this.#states.set(fd, "waiting");
    this.#poller.modify(fd, EPOLLIN, index);
  }

  #onConnected(fd: number, index: number): void {
    if (getOption(fd, SOL_SOCKET, SO_ERROR) !== 0) return this.#fail(fd);
    if (this.#plan.mode === "hold") {
      this.#states.set(fd, "idle");
      this.#poller.modify(fd, EPOLLIN, index);
      return;
    }
    if (index % silentEvery === silentEvery - 1) {
      this.#aborted += 1;
      return this.#close(fd);
    }
    this.#send(fd, index);
    if (this.#states.has(fd) && index % abortEvery === abortEvery - 1) this.#reset(fd);
  }

  #onReadable(fd: number): void {
    const count = libc.recv(fd, this.#bufferAddress, answerBytes, MSG_DONTWAIT);
    if (count === -1 && errno() === EAGAIN) return;
    const isWaiting = this.#states.get(fd) === "waiting";
    const isGood = count > 12 && Buffer.from(this.#buffer.subarray(9, 12)).toString() === "200";
    if (!isWaiting || !isGood) return this.#fail(fd);
    this.#answered += 1;
    if (this.#plan.mode === "hold") this.#states.set(fd, "idle");
    else this.#close(fd);
  }

  /** Handles what is ready; false if nothing was. */
  #turn(timeoutMs: number): boolean {
    const count = this.#poller.wait(timeoutMs);
    for (let index = 0; index < count; index++) {
      const fd = this.#poller.descriptor(index);
      const state = this.#states.get(fd);
      if (state === "connecting") this.#onConnected(fd, this.#poller.generation(index));
      else if (state !== undefined) this.#onReadable(fd);
    }
    return count > 0;
  }

  /** Opens connections and runs until `isDone`, or until nothing has happened for a while. */
  #runUntil(isDone: () => boolean, inUse: () => number): void {
    let lastMs = performance.now();
    while (!isDone()) {
      while (this.#started < this.#plan.connections && inUse() < this.#plan.concurrency) {
        this.#start();
      }
      if (this.#turn(100)) lastMs = performance.now();
      if (performance.now() - lastMs < stallMs) continue;
      for (const [fd, state] of this.#states) if (state !== "idle") this.#fail(fd);
    }
  }

  /** Opens, asks, reads and closes until all connections are done. */
  churn(): void {
    const { connections } = this.#plan;
    this.#runUntil(
      () => this.#ended >= connections,
      () => this.#states.size,
    );
    this.#report("done");
  }

  /** Opens all connections. */
  open(): void {
    const { connections } = this.#plan;
    let idle = 0;
    const count = (): number => (idle = this.#countIdle());
    this.#runUntil(
      () => count() + this.#failed >= connections,
      () => this.#states.size - idle,
    );
    this.#report("open");
  }

  /** Asks on some of the idle connections, spread over all of them. */
  sample(): void {
    const idle = [...this.#states].filter(([, state]) => state === "idle").map(([fd]) => fd);
    const step = Math.max(1, Math.floor(idle.length / sampleCount));
    const chosen = idle.filter((_, index) => index % step === 0).slice(0, sampleCount);
    for (const fd of chosen) this.#send(fd, 0);
    const isDone = (): boolean => chosen.every((fd) => this.#states.get(fd) !== "waiting");
    this.#runUntil(isDone, () => this.#plan.concurrency);
    this.#report("sampled");
  }

  /** Closes what is open. */
  close(): void {
    for (const fd of this.#states.keys()) closeDescriptor(fd);
    this.#states.clear();
    this.#report("done");
  }
}

async function main(): Promise<void> {
  raiseDescriptorLimit();
  const client = new Client(JSON.parse(process.argv[2]!) as ClientPlan);
  if (process.argv[2]!.includes('"churn"')) {
    client.churn();
    return;
  }
  client.open();
  for await (const line of console) {
    if (line === "sample") client.sample();
    if (line === "close") break;
  }
  client.close();
}

if (import.meta.main) await main();
