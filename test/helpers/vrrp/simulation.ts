/**
 * Two or more virtual routers on a simulated network, each with a clock, a process that can be
 * killed and frozen, and a kernel that keeps the lease when the process is gone.
 *
 * Packets are lost, late, out of order and doubled as `network` says; partitions are set by hand.
 * A node drains its queue before it ticks, as the real-time thread does, and it may be frozen
 * between two actions of one event. Everything follows from the seed.
 *
 * @module
 */

import {
  action,
  blockOf,
  createRouter,
  deriveTiming,
  dueAtMs,
  priorityOf,
  routerState,
  transition,
} from "../../../src/vrrp/index.ts";
import type { Router, RouterEvent, RouterOptions } from "../../../src/vrrp/index.ts";
import { createNetwork } from "./network.ts";
import type { Network } from "./network.ts";
import { createRandom } from "./random.ts";
import type { Random } from "./random.ts";
import { SimulatedKernel } from "./simulated-kernel.ts";
import { Timeline } from "./timeline.ts";

type Message =
  | { readonly kind: "advertisement"; readonly priority: number; readonly intervalMs: number }
  | { readonly kind: "peer"; readonly sequence: number; readonly event: RouterEvent };

interface Arrived {
  readonly from: number;
  readonly message: Message;
}

/** One director. `kernel` outlives its process. */
export interface SimulatedNode {
  readonly index: number;
  readonly address: Uint8Array;
  router: Router;
  isAlive: boolean;
  isFrozen: boolean;
  hasCarrier: boolean;
  /** Freeze after so many actions of the next event; -1: not. */
  freezeAfter: number;
  freezeForMs: number;
  readonly kernel: SimulatedKernel;
  /** Causes of becoming active and of leaving, in order. */
  readonly log: { readonly atMs: number; readonly state: number; readonly cause: number }[];
}

interface Inner extends SimulatedNode {
  readonly queue: Arrived[];
  /** What `kernel.closings` was at the start of this wake-up. */
  closingsSeen: number;
  pending: { readonly kind: number; readonly value: number }[];
  readonly clockOffsetMs: number;
  readonly clockRate: number;
  readonly peerSequence: number[];
  sequence: number;
  announcedState: number;
  boot: number;
  wakeId: number;
}

/** How the nodes differ from the default, 20 ms / 300 ms with a peer channel. */
export type NodeOptions = Partial<Omit<RouterOptions, "address">>;

/** Latest wake-up of a node after its timer or a packet, in ms. */
const wakeLatenessMsMax = 2;
/** How long connections may finish after a handover, in ms: beyond dead time and lease. */
export const drainMs = 500;
/** Time from the death of a process to the resignation by its guard, in ms. */
const guardMs = { min: 1, max: 5 };

/** The world. Drive it by faults and {@link Simulation.run}; read the findings. */
export class Simulation extends Timeline {
  readonly random: Random;
  readonly nodes: Inner[];
  readonly network: Network;
  /** First time at which two nodes answered, with what led there; undefined if never. */
  doubleOwner: string | undefined;
  /** At the end of some action nobody served, since {@link resetUnserved}. */
  hasBeenUnserved = false;
  /** Longest time without anybody answering since {@link resetGap}. */
  gapMsMax = 0;
  #coveredUntilMs = 0;

  constructor(seed: number, options: readonly NodeOptions[], network: Partial<Network> = {}) {
    super();
    this.random = createRandom(seed);
    this.network = createNetwork(options.length, network);
    this.nodes = options.map((one, index) => this.#createNode(index, one));
    // One row a sender; the peer channel's columns follow those of the LAN.
    const row = (): number[] => Array.from({ length: 2 * options.length }, () => 0);
    this.#losses = options.map(row);
    this.#arrivals = options.map(row);
  }

  /** Packets lost in a row, and when the last one arrives. */
  readonly #losses: number[][];
  readonly #arrivals: number[][];

  #createNode(index: number, options: NodeOptions): Inner {
    const address = Uint8Array.of(10, 77, 0, index + 1);
    const timing = deriveTiming({ version: 3, advertiseIntervalMs: 20, downAfterMs: 300 });
    const router = createRouter({
      version: 3,
      priority: 150 - 50 * index,
      timing,
      preempt: false,
      preemptDelayMs: 0,
      startDelayMs: 0,
      hasPeer: true,
      witness: "prefer",
      interfaces: [{ hasAddresses: true }],
      isGrouped: false,
      ...options,
      address,
    });
    return {
      index,
      address,
      router,
      isAlive: false,
      isFrozen: false,
      hasCarrier: true,
      freezeAfter: -1,
      freezeForMs: 0,
      kernel: new SimulatedKernel(),
      closingsSeen: 0,
      log: [],
      queue: [],
      pending: [],
      clockOffsetMs: this.random.between(0, 1e7),
      clockRate: 1 + this.random.between(-100e-6, 100e-6),
      peerSequence: [],
      sequence: 0,
      announcedState: 0,
      boot: 0,
      wakeId: 0,
    };
  }

  #local(node: Inner): number {
    return node.clockOffsetMs + this.nowMs * node.clockRate;
  }

  #global(node: Inner, localMs: number): number {
    return (localMs - node.clockOffsetMs) / node.clockRate;
  }

  /** Starts the process of a node: everything is closed first, nothing is known. */
  start(index: number): void {
    const node = this.nodes[index]!;
    if (node.isAlive) return;
    node.router = createRouter(node.router.options);
    node.router.drainMs = drainMs;
    node.isAlive = true;
    node.isFrozen = false;
    node.boot++;
    node.queue.length = 0;
    node.pending = [];
    node.freezeAfter = -1;
    node.peerSequence.length = 0;
    node.kernel.restart();
    node.closingsSeen = node.kernel.closings;
    this.#apply(node, { type: "carrier", index: 0, isUp: node.hasCarrier });
    this.#apply(node, { type: "startup" });
    const { boot } = node;
    const beat = (): void => {
      if (!node.isAlive || node.boot !== boot) return;
      if (!node.isFrozen) this.#tellPeers(node);
      this.at(this.nowMs + node.router.options.timing.sendIntervalMs, beat);
    };
    if (node.router.options.hasPeer) beat();
    this.#wake(node);
  }

  /** SIGKILL of the process; its guard, if alive, closes the fence and resigns. */
  kill(index: number, isGuardAlive: boolean): void {
    const node = this.nodes[index]!;
    if (!node.isAlive) return;
    node.isAlive = false;
    node.isFrozen = false;
    node.queue.length = 0;
    if (!isGuardAlive) return;
    const { boot } = node;
    this.at(this.nowMs + this.random.between(guardMs.min, guardMs.max), () => {
      if (node.isAlive || node.boot !== boot) return;
      this.#guard(node);
    });
  }

  /** The guard closes the fence of a living process by mistake. */
  alarmGuard(index: number): void {
    const node = this.nodes[index]!;
    if (!node.isAlive) return;
    this.#guard(node);
  }

  /** What the guard does; it resigns only for a node that was active. */
  #guard(node: Inner): void {
    const wasActive = node.kernel.isOpen && node.kernel.endMs > 0;
    this.#close(node, true);
    if (wasActive) this.#sendAdvertisement(node, 0);
  }

  /** SIGSTOP for so long, now or after some actions of the next event. */
  freeze(index: number, forMs: number, afterActions = 0): void {
    const node = this.nodes[index]!;
    if (!node.isAlive || node.isFrozen || node.freezeAfter >= 0) return;
    node.freezeForMs = forMs;
    if (afterActions > 0) node.freezeAfter = afterActions;
    else this.#freezeNow(node);
  }

  #freezeNow(node: Inner): void {
    node.isFrozen = true;
    node.freezeAfter = -1;
    const { boot } = node;
    this.at(this.nowMs + node.freezeForMs, () => {
      if (!node.isAlive || node.boot !== boot) return;
      node.isFrozen = false;
      this.#serve(node);
    });
  }

  /** Carrier of the only interface. */
  setCarrier(index: number, isUp: boolean): void {
    const node = this.nodes[index]!;
    node.hasCarrier = isUp;
    this.event(index, { type: "carrier", index: 0, isUp });
  }

  /** Hands an event to a node that runs; a frozen or dead one never gets it. */
  event(index: number, event: RouterEvent): void {
    const node = this.nodes[index]!;
    if (!node.isAlive || node.isFrozen) return;
    node.closingsSeen = node.kernel.closings;
    this.#apply(node, event);
    this.#serve(node);
  }

  /** True if the node's kernel lets answers through. */
  isAnswering(index: number): boolean {
    const node = this.nodes[index]!;
    return node.kernel.isAnswering(this.#local(node));
  }

  /** True if the node's kernel lets through what comes for the addresses. */
  isServing(index: number): boolean {
    const node = this.nodes[index]!;
    return node.kernel.isServing(this.#local(node));
  }

  /** How long a node still drains, ms; not above 0: it does not. */
  drainLeftMs(index: number): number {
    const node = this.nodes[index]!;
    return node.kernel.drainLeftMs(this.#local(node));
  }

  /** Nodes that serve now: the one that answers, and those that drain. */
  get serving(): number[] {
    return this.nodes.map(({ index }) => index).filter((index) => this.isServing(index));
  }

  /** Nodes that answer now. */
  get answering(): number[] {
    return this.nodes.map(({ index }) => index).filter((index) => this.isAnswering(index));
  }

  /** Living nodes in state Active now. */
  get active(): number[] {
    return this.nodes
      .filter((node) => node.isAlive && node.router.state === routerState.active)
      .map(({ index }) => index);
  }

  /** Longest gap so far, one that still lasts included. */
  get gapMs(): number {
    return Math.max(this.gapMsMax, this.nowMs - this.#coveredUntilMs);
  }

  /** Forgets gaps. */
  resetGap(): void {
    this.gapMsMax = 0;
    this.#coveredUntilMs = Math.max(this.#coveredUntilMs, this.nowMs);
  }

  /** Forgets that nobody served. */
  resetUnserved(): void {
    this.hasBeenUnserved = false;
  }

  #close(node: Inner, byGuard: boolean): void {
    this.#change(() => node.kernel.close(byGuard));
  }

  /** Somebody may answer for less time than before. */
  #change(change: () => void): void {
    const wasCovered = this.#coveredUntilMs > this.nowMs;
    change();
    if (wasCovered) this.#coveredUntilMs = this.#coverage();
  }

  #coverage(): number {
    const ends = this.answering.map((index) => {
      const node = this.nodes[index]!;
      return this.#global(node, node.kernel.endMs);
    });
    return Math.max(this.nowMs, ...ends);
  }

  #note(): void {
    const { answering } = this;
    if (answering.length > 1) this.doubleOwner ??= this.describe();
    if (answering.length === 0) return;
    this.gapMsMax = Math.max(this.gapMsMax, this.nowMs - this.#coveredUntilMs);
    this.#coveredUntilMs = Math.max(this.#coveredUntilMs, this.#coverage());
  }

  /** State of the world in words, for a failure. */
  describe(): string {
    const nodes = this.nodes.map((node) => {
      const { index, isAlive, isFrozen, kernel, router, log } = node;
      const left = (kernel.endMs - this.#local(node)).toFixed(1);
      const changes = log
        .slice(-4)
        .map((one) => `${one.atMs.toFixed(1)}:${one.state}/${one.cause}`);
      return `node ${index} alive ${isAlive} frozen ${isFrozen} state ${router.state} open ${
        kernel.isOpen
      } lease ${left} [${changes.join(" ")}]`;
    });
    return `at ${this.nowMs.toFixed(2)} ms: ${nodes.join("; ")}`;
  }

  #apply(node: Inner, event: RouterEvent): void {
    const before = node.router.state;
    const { count, kinds, values } = transition(node.router, event, this.#local(node));
    for (let index = 0; index < count; index++) {
      node.pending.push({ kind: kinds[index]!, value: values[index]! });
    }
    if (node.router.state !== before) {
      node.log.push({ atMs: this.nowMs, state: node.router.state, cause: node.router.lastCause });
    }
    this.#execute(node);
  }

  #execute(node: Inner): void {
    while (node.pending.length > 0 && !node.isFrozen) {
      const { kind, value } = node.pending.shift()!;
      this.#act(node, kind, value);
      if (this.serving.length === 0) this.hasBeenUnserved = true;
      if (node.freezeAfter > 0 && --node.freezeAfter === 0) this.#freezeNow(node);
    }
    this.#note();
  }

  #act(node: Inner, kind: number, value: number): void {
    const { kernel } = node;
    if (kind === action.advertise || kind === action.concede) this.#sendAdvertisement(node, value);
    else if (kind === action.beginLease) kernel.begin(node.closingsSeen, value);
    else if (kind === action.drainLease) {
      this.#change(() => kernel.drain(value, this.#local(node)));
    } else if (kind === action.renewLease) kernel.endMs = value;
    else if (kind === action.endLease) this.#close(node, false);
    else if (kind === action.addAddresses) kernel.hasAddresses = true;
    else if (kind === action.removeAddresses) kernel.hasAddresses = false;
    else if (kind === action.tellPeer) this.#tellPeers(node);
  }

  #sendAdvertisement(node: Inner, priority: number): void {
    if (!node.hasCarrier) return;
    const intervalMs = node.router.options.timing.wireIntervalMs;
    this.#send(node, { kind: "advertisement", priority, intervalMs });
  }

  #tellPeers(node: Inner): void {
    const { router } = node;
    const event: RouterEvent = {
      type: "peer",
      state: router.state,
      priority: priorityOf(router),
      address: node.address,
      isEligible: blockOf(router) === 0,
      isWitnessReached: router.isWitnessReached,
      claim: router.claim,
      override: router.override,
      announcements: router.announcements,
      isDraining: router.drainUntilMs > router.nowMs,
    };
    const sequence = node.boot * 1e9 + node.sequence++;
    this.#send(node, { kind: "peer", sequence, event });
  }

  #send(from: Inner, message: Message): void {
    const cut = message.kind === "peer" ? this.network.cutPeer : this.network.cutLan;
    for (const to of this.nodes) {
      if (to === from || cut[from.index]![to.index]!) continue;
      if (message.kind === "advertisement" && !to.hasCarrier) continue;
      if (this.#isLost(from.index, to.index, message.kind === "peer")) continue;
      const copies = this.random.chance(this.network.duplicate) ? 2 : 1;
      for (let copy = 0; copy < copies; copy++) this.#deliver(from.index, to, message);
    }
  }

  #isLost(from: number, to: number, isPeer: boolean): boolean {
    const losses = this.#losses[from]!;
    const column = isPeer ? this.nodes.length + to : to;
    const isLost = this.random.chance(this.network.loss);
    const isAllowed = losses[column]! < this.network.lossBurstMax;
    losses[column] = isLost && isAllowed ? losses[column]! + 1 : 0;
    return isLost && isAllowed;
  }

  #deliver(from: number, to: Inner, message: Message): void {
    const { delayMinMs, delayMaxMs, isOrdered } = this.network;
    const path = this.#arrivals[from]!;
    const column = message.kind === "peer" ? this.nodes.length + to.index : to.index;
    const earliestMs = isOrdered ? path[column]! : 0;
    const drawnMs = this.nowMs + this.random.between(delayMinMs, delayMaxMs);
    const atMs = Math.max(drawnMs, earliestMs);
    path[column] = atMs;
    this.at(atMs, () => {
      if (!to.isAlive) return;
      to.queue.push({ from, message });
      if (!to.isFrozen) this.#serve(to);
    });
  }

  /** One wake-up: what was left over, the guard's word, all queues, then the timers. */
  #serve(node: Inner): void {
    this.#execute(node);
    if (node.isFrozen) return;
    // What netlink said meanwhile waited in its queue.
    const isUp = node.hasCarrier;
    if ((node.router.carriers[0] === 1) !== isUp)
      this.#apply(node, { type: "carrier", index: 0, isUp });
    if (node.isFrozen) return;
    node.closingsSeen = node.kernel.closings;
    const { state, drainUntilMs } = node.router;
    if ((state === routerState.active || drainUntilMs > 0) && !node.kernel.isOpen) {
      this.#apply(node, { type: "guard-closed" });
      if (node.isFrozen) return;
    }
    for (let next = node.queue.shift(); next !== undefined; next = node.queue.shift()) {
      this.#hear(node, next);
      if (node.isFrozen) return;
    }
    this.#apply(node, { type: "tick" });
    this.#wake(node);
  }

  #hear(node: Inner, { from, message }: Arrived): void {
    const { address } = this.nodes[from]!;
    if (message.kind === "advertisement") {
      const { priority, intervalMs } = message;
      this.#apply(node, { type: "heard", from: address, to: node.address, priority, intervalMs });
    } else if (message.sequence > (node.peerSequence[from] ?? -1)) {
      node.peerSequence[from] = message.sequence;
      this.#apply(node, message.event);
    }
  }

  #wake(node: Inner): void {
    const dueMs = dueAtMs(node.router);
    const id = ++node.wakeId;
    if (dueMs === Infinity) return;
    const atMs = Math.max(this.nowMs, this.#global(node, dueMs));
    this.at(atMs + this.random.between(0, wakeLatenessMsMax), () => {
      if (node.isAlive && !node.isFrozen && node.wakeId === id) this.#serve(node);
    });
  }
}
