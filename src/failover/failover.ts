/**
 * The main thread's side of failover: starts the real-time thread and the guard, hands plans and
 * commands down, and reads the status block.
 *
 * @module
 */

import { monotonicMs } from "../../ffi/clock.ts";
import { openEventfd, signalEventfd } from "../../ffi/epoll.ts";
import { openPipe } from "../../ffi/pipe.ts";
import { closeDescriptor } from "../../ffi/socket.ts";
import { hostBpfKernel, openBpfFileSystem, possibleProcessors } from "../bpf/index.ts";
import { errorText, invariant } from "../errors/index.ts";
import { fencePinsName, instancesMax } from "../fence/index.ts";
import { createMailbox, MailboxWriter } from "../thread/index.ts";
import { FenceWatch } from "./fence-watch.ts";
import { describeFailover, requireSameFailover } from "./handed.ts";
import type { HandedFailover } from "./handed.ts";
import { createStatusBlock, processWord, statusWords } from "./layout.ts";
import { readPeer } from "./peer-status.ts";
import type { PeerChannelView } from "./peer-status.ts";
import type { InstancePlan, PeerPlan, TableDigest } from "./plan.ts";
import type { Fitness, RealtimeEvent, RealtimeOrder, RealtimeStart } from "./protocol.ts";
import { readInstance } from "./status.ts";
import type { InstanceView } from "./status.ts";

/** A plan before it has a slot. */
export type UnplacedPlan = Omit<InstancePlan, "slot" | "hasPeer">;

/** What {@link Failover} needs. */
export interface FailoverOptions {
  readonly runtimeDirectory: string;
  /** Starts this program as the guard, with its end of the pipe as standard input. */
  readonly guardCommand: readonly string[];
  readonly listener: (event: RealtimeEvent) => void;
  /** Gets lines of the guard, and what went wrong with it. */
  readonly warn: (text: string) => void;
  /** The thread died by an exception: a bug, the program ends and its guard cleans up. */
  readonly onCrash: (error: Error) => void;
  /** Socket over which another process will hand its virtual routers over; the thread owns it. */
  readonly batonFd?: number | undefined;
}

/** A guard that dies is started again, but not faster than this. */
const guardPauseMs = 1000;

/** State of the real-time thread. */
export interface RealtimeView {
  /** Time since its last wake-up, ms. */
  readonly beatAgeMs: number;
  readonly wakeups: number;
  readonly lateWakeups: number;
  readonly latenessMaxMs: number;
  readonly fenceRepairs: number;
  readonly hasGuard: boolean;
}

/** Failover of this director. */
export class Failover {
  readonly #options: FailoverOptions;
  readonly #writer: MailboxWriter;
  readonly #wakeFd = openEventfd();
  readonly #status: Float64Array;
  readonly #worker: Worker;
  readonly #fenceWatch = new FenceWatch({
    programs: (device, hook) => hostBpfKernel.programs(device, hook),
    mend: () => this.#send({ type: "mend" }),
  });
  readonly #exited = Promise.withResolvers<void>();
  readonly #waiting = new Map<number, () => void>();
  readonly #slots = new Map<string, number>();
  #plans: readonly InstancePlan[] = [];
  #guard: Bun.Subprocess | undefined;
  #sequence = 0;
  #isEnding = false;
  #peer: PeerPlan | undefined;
  readonly #fencePins: string | undefined;
  #onYielded: ((isTaken: boolean) => void) | undefined;

  constructor(options: FailoverOptions) {
    this.#options = options;
    const mailbox = createMailbox();
    const status = createStatusBlock();
    this.#writer = new MailboxWriter(mailbox);
    this.#status = statusWords(status);
    this.#worker = new Worker(new URL("./realtime-worker.ts", import.meta.url).href, {
      smol: true,
      name: "vrrp",
    });
    this.#worker.onmessage = (event: MessageEvent<RealtimeEvent>) => this.#receive(event.data);
    this.#worker.onerror = (event) => {
      options.onCrash(new Error(`The real-time thread died: ${event.message}`));
    };
    this.#worker.addEventListener("close", () => {
      if (!this.#isEnding) options.onCrash(new Error("The real-time thread ended by itself"));
      this.#exited.resolve();
    });
    this.#fencePins = this.#findPins();
    const start: RealtimeStart = {
      mailbox,
      status,
      wakeFd: this.#wakeFd,
      fencePins: this.#fencePins,
      guardFd: this.#startGuard(),
      processors: possibleProcessors(),
      batonFd: options.batonFd ?? -1,
    };
    this.#worker.postMessage(start);
  }

  /**
   * Takes these virtual routers and this peer for the wanted ones; settles when that is so. They
   * begin anew when a peer comes or goes.
   */
  async apply(plans: readonly UnplacedPlan[], peer?: PeerPlan): Promise<void> {
    const names = new Set(plans.map(({ name }) => name));
    for (const name of this.#slots.keys()) if (!names.has(name)) this.#slots.delete(name);
    const hasPeer = peer !== undefined;
    this.#peer = peer;
    this.#plans = plans.map((plan) => ({ ...plan, slot: this.#slotOf(plan.name), hasPeer }));
    await this.#send({ type: "apply", plans: this.#plans, peer });
  }

  /** What another process must know to go on with the virtual routers. */
  describe(): HandedFailover {
    const [plans, peer, fencePins] = [this.#plans, this.#peer, this.#fencePins];
    return describeFailover({ plans, peer, fencePins });
  }

  /**
   * Opens everything for virtual routers that another process runs; they follow over the baton.
   *
   * @throws {ApplianceError} `UPGRADE_REFUSED` if they are others than those handed over.
   */
  async prepare(
    plans: readonly UnplacedPlan[],
    peer: PeerPlan | undefined,
    handed: HandedFailover,
  ): Promise<void> {
    for (const { name, slot } of handed.plans) this.#slots.set(name, slot);
    const hasPeer = peer !== undefined;
    this.#peer = peer;
    this.#plans = plans.map((plan) => ({ ...plan, slot: this.#slotOf(plan.name), hasPeer }));
    const fencePins = this.#fencePins;
    requireSameFailover(handed, { plans: this.#plans, peer, fencePins });
    await this.#send({ type: "prepare", plans: this.#plans, peer });
  }

  /**
   * Hands all virtual routers to another process: addresses and leases stay as they are.
   *
   * @param batonFd Socket to the thread of that process; belongs to this thread from here on.
   * @returns False if nobody took them: this thread goes on. Else it has ended.
   */
  async yield(batonFd: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#onYielded = resolve;
    this.#isEnding = true;
    void this.#send({ type: "yield", batonFd });
    if (!(await promise)) {
      this.#isEnding = false;
      return false;
    }
    await this.#exited.promise;
    await this.#guard?.exited;
    closeDescriptor(this.#wakeFd);
    return true;
  }

  /** Says how fit this node is to serve the addresses of an instance. */
  async setFitness(instance: string, { isFit, liveServers }: Fitness): Promise<void> {
    await this.#send({ type: "fitness", instance, isFit, liveServers });
  }

  /** Says whether a ping witness of an instance answers. */
  async setWitness(instance: string, isReached: boolean): Promise<void> {
    await this.#send({ type: "witness", instance, isReached });
  }

  /** A ping witness answered that was asked for the event `ask-witness` of this round. */
  async proveWitness(instance: string, round: number): Promise<void> {
    await this.#send({ type: "witness-proof", instance, round });
  }

  /** Says whether everything that the peer has was copied here. At first it counts as that. */
  async setComplete(isComplete: boolean): Promise<void> {
    await this.#send({ type: "complete", isComplete });
  }

  /** Says what the mh tables of the services are. At first they are not known. */
  async setTables({ hash, count }: TableDigest): Promise<void> {
    await this.#send({ type: "tables", hash, count });
  }

  /** Hands the addresses over, of one instance or of all. */
  async standby(instance: string | undefined): Promise<void> {
    await this.#send({ type: "standby", ...(instance === undefined ? {} : { instance }) });
  }

  /** Takes the addresses, of one instance or of all. */
  async takeover(instance: string | undefined, force: boolean): Promise<void> {
    const which = instance === undefined ? {} : { instance };
    await this.#send({ type: "takeover", force, ...which });
  }

  /** Hands everything over, for good: {@link close} follows once connections have finished. */
  async leave(): Promise<void> {
    await this.#send({ type: "leave" });
  }

  /** No connection is left of those that an instance had when it handed its addresses over. */
  async endDrain(instance: string): Promise<void> {
    await this.#send({ type: "drained", instance });
  }

  /** Every instance, as it is now. */
  view(): InstanceView[] {
    return this.#plans.map((plan) => readInstance(this.#status, plan, monotonicMs()));
  }

  /** The peer channel, as it is now; undefined without a peer. */
  peer(): PeerChannelView | undefined {
    return readPeer(this.#status, monotonicMs());
  }

  /** The thread, as it is now. */
  realtime(): RealtimeView {
    const word = (index: number): number => this.#status[index]!;
    return {
      beatAgeMs: monotonicMs() - word(processWord.beatAtMs),
      wakeups: word(processWord.wakeups),
      lateWakeups: word(processWord.lateWakeups),
      latenessMaxMs: word(processWord.latenessMaxMs),
      fenceRepairs: word(processWord.fenceRepairs),
      hasGuard: word(processWord.hasGuard) === 1,
    };
  }

  /** Resigns everywhere, takes the addresses off, and ends thread and guard. */
  async close(): Promise<void> {
    this.#isEnding = true;
    this.#fenceWatch.close();
    void this.#send({ type: "exit" });
    await this.#exited.promise;
    await this.#guard?.exited;
    closeDescriptor(this.#wakeFd);
  }

  #slotOf(name: string): number {
    const known = this.#slots.get(name);
    if (known !== undefined) return known;
    const used = new Set(this.#slots.values());
    let slot = 0;
    while (used.has(slot)) slot++;
    invariant(slot < instancesMax, "the configuration bounds the instances");
    this.#slots.set(name, slot);
    return slot;
  }

  #findPins(): string | undefined {
    try {
      return openBpfFileSystem(fencePinsName, this.#options.runtimeDirectory);
    } catch (error) {
      this.#options.warn(`No bpf file system: ${errorText(error)}`);
      return undefined;
    }
  }

  /** @returns The director's end of its pipe, for the thread; -1 if it cannot be started. */
  #startGuard(): number {
    const { guardCommand, warn } = this.#options;
    const [ownEnd, guardEnd] = openPipe();
    try {
      const guard = Bun.spawn([...guardCommand], {
        stdin: guardEnd,
        // Nothing that steers the runtime: a guard must not end with its director.
        env: {},
        stdout: "ignore",
        stderr: "pipe",
        onExit: () => this.#onGuardExit(),
      });
      this.#guard = guard;
      void this.#listen(guard.stderr);
      return ownEnd;
    } catch (error) {
      closeDescriptor(ownEnd);
      warn(`Cannot start the guard: ${errorText(error)}`);
      return -1;
    } finally {
      closeDescriptor(guardEnd);
    }
  }

  async #listen(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      for (const line of decoder.decode(chunk).split("\n")) {
        if (line !== "") this.#options.warn(line);
      }
    }
  }

  #onGuardExit(): void {
    if (this.#isEnding) return;
    this.#options.warn("The guard ended: it is started again");
    setTimeout(() => {
      if (!this.#isEnding) void this.#send({ type: "guard", fd: this.#startGuard() });
    }, guardPauseMs);
  }

  #receive(event: RealtimeEvent): void {
    if (event.type === "fence-hooks") this.#fenceWatch.follow(event.hooks);
    if (event.type === "yielded") this.#onYielded?.(event.isTaken);
    if (event.type !== "done") {
      this.#options.listener(event);
      return;
    }
    this.#waiting.get(event.sequence)?.();
    this.#waiting.delete(event.sequence);
    if (!this.#writer.flush()) signalEventfd(this.#wakeFd);
  }

  #send(order: RealtimeOrder): Promise<void> {
    this.#sequence += 1;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.set(this.#sequence, resolve);
    this.#writer.write({ ...order, sequence: this.#sequence });
    signalEventfd(this.#wakeFd);
    return promise;
  }
}
