/**
 * The loop of the real-time thread: election, advertisements, lease, addresses and announcements of
 * all virtual routers of this director.
 *
 * Each wake-up first takes everything that waits in the sockets, and only then looks at the clock
 * and renews or sends: who was stopped for a while hears what happened meanwhile before it acts.
 * Nothing here waits for the main thread, and a reload there does not disturb it.
 *
 * @module
 */

import { readFileSync } from "node:fs";

import { monotonicMs } from "../../ffi/clock.ts";
import { EPOLLIN } from "../../ffi/constants/epoll.ts";
import { drainEventfd, Poller } from "../../ffi/epoll.ts";
import { lockProgram, nameThread, preferThread } from "../../ffi/realtime.ts";
import { closeDescriptor } from "../../ffi/socket.ts";
import { Timer } from "../../ffi/timer.ts";
import { invariant } from "../errors/index.ts";
import { MailboxReader } from "../thread/index.ts";
import { groupTransition, routerState, transition } from "../vrrp/index.ts";
import type { RouterEvent } from "../vrrp/index.ts";
import { Announcer } from "./announcer.ts";
import { awaitConfirmation, BatonReader, confirmBaton, sendBaton } from "./baton.ts";
import type { ReceivedBaton } from "./baton.ts";
import { FenceKeeper } from "./fence-keeper.ts";
import { GuardPipe } from "./guard-pipe.ts";
import { HostNetwork } from "./host-network.ts";
import { formGroups } from "./instance-groups.ts";
import { Instance } from "./instance.ts";
import { processWord, statusWords } from "./layout.ts";
import { handoverEvent, isAboutProcesses, isHandover } from "./order.ts";
import type { ProcessOrder } from "./order.ts";
import { PeerLink } from "./peer-link.ts";
import { slotsByAddress, virtualAddresses } from "./plan-addresses.ts";
import { identityOf } from "./plan.ts";
import type { InstancePlan, PeerPlan } from "./plan.ts";
import type { RealtimeEvent, RealtimeOrder, RealtimeStart } from "./protocol.ts";

type NumberedOrder = RealtimeOrder & { readonly sequence: number };

/** Above ordinary threads, below the guard and the kernel's own. */
const schedulingPriority = 10;
/** Events of one wake-up. */
const eventsMax = 64;
/** Longest sleep without anything to do, ms: the beat that the main thread looks at. */
const sleepMaxMs = 100;
/**
 * The end of the guard, which has real-time priority and locked memory, takes a processor for some
 * 20 ms, and taking the fence off locks the kernel's network configuration. Neither may be in the
 * way of a director in another namespace of this host, which adds the addresses at this moment.
 */
const handoverPauseMs = 50;
const sendFailed: RouterEvent = { type: "send-failed" };
/** Data of an epoll registration that is no receiving socket. */
const ownGeneration = 0;

/** The thread. */
export class RealtimeLoop {
  readonly #start: RealtimeStart;
  readonly #tell: (event: RealtimeEvent) => void;
  readonly #status: Float64Array;
  readonly #reader: MailboxReader<NumberedOrder>;
  readonly #poller = new Poller(eventsMax);
  readonly #timer = new Timer();
  readonly #network = new HostNetwork();
  readonly #announcer = new Announcer();
  readonly #guard: GuardPipe;
  readonly #peer: PeerLink;
  readonly #fence: FenceKeeper;
  #instances: Instance[] = [];
  #virtual = new Set<string>();
  #groups = formGroups<Instance>([]);
  /** What the guard was told is not true any more. */
  #isGuardStale = false;
  /** Everything that the peer has was copied to this director, or there is nothing to copy. */
  #isComplete = true;
  #isOver = false;
  /** What another process still runs, until its baton comes. */
  #awaited:
    { readonly plans: readonly InstancePlan[]; readonly peer: PeerPlan | undefined } | undefined;
  readonly #baton = new BatonReader();
  #isHandedOver = false;

  constructor(start: RealtimeStart, tell: (event: RealtimeEvent) => void) {
    this.#start = start;
    this.#tell = tell;
    this.#status = statusWords(start.status);
    this.#reader = new MailboxReader(start.mailbox);
    const watch = (fd: number) => this.#poller.add(fd, EPOLLIN, ownGeneration);
    const unwatch = (fd: number) => this.#poller.remove(fd);
    this.#guard = new GuardPipe(start.guardFd, { watch, unwatch });
    this.#peer = new PeerLink({
      status: this.#status,
      tell,
      instances: () => this.#instances,
      watch,
      unwatch,
      now: monotonicMs,
    });
    nameThread("vrrp");
    const isAlone = start.batonFd === -1;
    let threadClass = isAlone ? preferThread(schedulingPriority) : undefined;
    lockProgram(readFileSync("/proc/self/maps", "latin1"));
    this.#fence = new FenceKeeper({ start, guard: this.#guard, status: this.#status, tell });
    // To load programs takes a while, in which the thread at work must not wait for this one.
    threadClass ??= preferThread(schedulingPriority);
    for (const fd of [start.wakeFd, this.#timer.fd, this.#network.fd]) {
      this.#poller.add(fd, EPOLLIN, ownGeneration);
    }
    tell({ type: "started", threadClass, fence: this.#fence.state() });
  }

  /** Runs until it is told to exit. */
  run(): void {
    while (!this.#isOver) {
      const dueMs = this.#sleep();
      drainEventfd(this.#start.wakeFd);
      this.#timer.take();
      for (const instance of this.#instances) instance.observe();
      this.#fence.receive();
      const hasChanged = this.#network.follow();
      const nowMs = monotonicMs();
      for (const instance of this.#instances) instance.receive(nowMs);
      this.#peer.receive(nowMs);
      if (hasChanged) this.#refresh(nowMs);
      this.#work(monotonicMs());
      this.#measure(dueMs);
      this.#takeOrders();
    }
    if (this.#isHandedOver) this.#closeAll();
    else this.#close();
  }

  /** @returns When something was due, ms; Infinity if only sockets were waited for. */
  #sleep(): number {
    const nowMs = monotonicMs();
    let dueMs = this.#peer.nextAtMs;
    for (const instance of this.#instances) dueMs = Math.min(dueMs, instance.nextAtMs);
    if (this.#awaited !== undefined) dueMs = Infinity;
    this.#timer.set(Math.min(dueMs, nowMs + sleepMaxMs));
    this.#poller.wait(-1);
    return dueMs;
  }

  #work(nowMs: number): void {
    if (this.#awaited !== undefined) return this.#await(nowMs);
    for (const instance of this.#instances) instance.tick(nowMs);
    this.#peer.flush(nowMs);
    if (this.#isGuardStale) this.#informGuard();
    for (const instance of this.#instances) this.#guard.renew(instance);
    this.#guard.beat();
    this.#status[processWord.hasGuard] = this.#guard.isOpen ? 1 : 0;
    this.#lookAtFence(nowMs);
  }

  #lookAtFence(nowMs: number): void {
    if (!this.#fence.look(nowMs)) return;
    for (const instance of this.#instances) instance.checkFence(nowMs);
  }

  #measure(dueMs: number): void {
    const nowMs = monotonicMs();
    const words = this.#status;
    words[processWord.beatAtMs] = nowMs;
    words[processWord.wakeups]! += 1;
    const latenessMs = nowMs - dueMs;
    if (latenessMs <= 0) return;
    words[processWord.latenessMaxMs] = Math.max(words[processWord.latenessMaxMs]!, latenessMs);
    const shortest = Math.min(...this.#instances.map(({ sendIntervalMs }) => sendIntervalMs));
    if (latenessMs > shortest / 2) words[processWord.lateWakeups]! += 1;
  }

  #dispatch(instance: Instance, event: RouterEvent, nowMs: number): void {
    const group = this.#groups.get(instance.plan.group ?? "");
    if (group === undefined) {
      transition(instance.router, event, nowMs);
      if (!this.#execute(instance, nowMs)) this.#dispatch(instance, sendFailed, nowMs);
      return;
    }
    groupTransition(group.routers, group.members.indexOf(instance), { event, nowMs });
    let silent: Instance | undefined;
    for (const member of group.members) if (!this.#execute(member, nowMs)) silent ??= member;
    if (silent !== undefined) this.#dispatch(silent, sendFailed, nowMs);
  }

  #execute(instance: Instance, nowMs: number): boolean {
    const { router } = instance;
    if (router.state !== instance.stateTold) this.#isGuardStale = true;
    return instance.execute(nowMs);
  }

  #refresh(nowMs: number): void {
    if (this.#awaited === undefined) this.#fence.follow(this.#network.links(), nowMs);
    for (const instance of this.#instances) instance.refresh(nowMs);
    this.#informGuard();
  }

  #takeOrders(): void {
    for (let order = this.#reader.read(); order !== undefined; order = this.#reader.read()) {
      this.#carryOut(order);
      this.#peer.flush(monotonicMs());
      this.#tell({ type: "done", sequence: order.sequence });
    }
  }

  #carryOut(order: RealtimeOrder): void {
    const nowMs = monotonicMs();
    if (isHandover(order)) return this.#command(...handoverEvent(order), nowMs);
    if (isAboutProcesses(order)) return this.#followProcess(order, nowMs);
    switch (order.type) {
      case "apply":
        this.#peer.apply(order.peer, nowMs);
        this.#apply(order.plans, nowMs);
        return;
      case "fitness":
        this.#judge(order, nowMs);
        return;
      case "drained":
      case "witness":
      case "witness-proof":
        this.#tellInstance(order.instance, order, nowMs);
        return;
      case "complete":
        this.#setComplete(order.isComplete, nowMs);
        return;
      case "tables":
        this.#peer.setTables(order);
        return;
      case "mend":
        this.#fence.orderMend();
        this.#lookAtFence(nowMs);
        return;
    }
  }

  /** What becomes of processes: the guard, another director, this one. */
  #followProcess(order: ProcessOrder, nowMs: number): void {
    switch (order.type) {
      case "guard":
        this.#guard.open(order.fd);
        this.#fence.beginGuard();
        this.#informGuard();
        return;
      case "prepare":
        this.#prepare(order, nowMs);
        return;
      case "yield":
        this.#yield(order.batonFd);
        return;
      case "exit":
        this.#isOver = true;
    }
  }

  #prepare(
    { plans, peer }: Extract<RealtimeOrder, { readonly type: "prepare" }>,
    nowMs: number,
  ): void {
    this.#awaited = { plans, peer };
    this.#poller.add(this.#start.batonFd, EPOLLIN, ownGeneration);
    this.#virtual = virtualAddresses(plans);
    this.#instances = plans.map((plan) => this.#create(plan));
    this.#groups = formGroups(this.#instances);
    for (const instance of this.#instances) instance.prepare(nowMs);
  }

  /** Another process is at work: looks whether it has handed over. */
  #await(nowMs: number): void {
    this.#guard.beat();
    const news = this.#baton.read(this.#start.batonFd);
    if (news.type === "none") return;
    const { plans, peer } = this.#awaited!;
    this.#awaited = undefined;
    if (news.type === "baton") this.#adopt(news.baton, peer, nowMs);
    else {
      // It died before: everything begins anew.
      this.#fence.begin();
      for (const instance of this.#instances) instance.close();
      this.#instances = [];
      this.#peer.apply(peer, nowMs);
      this.#apply(plans, nowMs);
    }
    this.#poller.remove(this.#start.batonFd);
    closeDescriptor(this.#start.batonFd);
  }

  /** Goes on where another process was: first the advertisements, then all the rest. */
  #adopt(baton: ReceivedBaton, peer: PeerPlan | undefined, nowMs: number): void {
    const byName = new Map(baton.instances.map((one) => [one.name, one]));
    this.#isComplete = baton.peer?.isComplete ?? true;
    this.#peer.adopt(peer, { carried: baton.peer, fd: baton.descriptors[0] }, nowMs);
    for (const instance of this.#instances) {
      const carried = byName.get(instance.plan.name);
      if (carried !== undefined) instance.adopt(carried, nowMs);
    }
    const gapMs = Math.max(0, ...this.#instances.map((one) => one.silenceMs(monotonicMs())));
    for (const instance of this.#instances) instance.tick(monotonicMs());
    invariant(confirmBaton(this.#start.batonFd), "who hands over waits for the answer");
    this.#fence.setAddresses(slotsByAddress(this.#instances.map(({ plan }) => plan)));
    this.#fence.adopt();
    this.#fence.follow(this.#network.links(), nowMs);
    for (const instance of this.#instances) instance.correct(monotonicMs());
    this.#informGuard();
    const active = this.#instances.filter(({ router }) => router.state === routerState.active);
    this.#tell({ type: "adopted", gapMs, active: active.map(({ plan }) => plan.name) });
  }

  /** Hands everything over, and goes on if nobody takes it. */
  #yield(batonFd: number): void {
    for (const instance of this.#instances) instance.hurry();
    this.#work(monotonicMs());
    const { descriptor } = this.#peer;
    const instances = this.#instances.map((instance) => instance.carry());
    const baton = { instances, peer: this.#peer.carry() };
    const isSent = sendBaton(batonFd, baton, descriptor === undefined ? [] : [descriptor]);
    const isTaken = isSent && awaitConfirmation(batonFd, () => this.#guard.beat());
    closeDescriptor(batonFd);
    this.#isHandedOver = isTaken;
    this.#isOver ||= isTaken;
    this.#tell({ type: "yielded", isTaken });
  }

  #judge(order: Extract<RealtimeOrder, { readonly type: "fitness" }>, nowMs: number): void {
    this.#find(order.instance)?.judge(order, nowMs);
  }

  #tellInstance(name: string, event: RouterEvent, nowMs: number): void {
    const instance = this.#find(name);
    if (instance !== undefined) this.#dispatch(instance, event, nowMs);
  }

  #find(name: string): Instance | undefined {
    return this.#instances.find(({ plan }) => plan.name === name);
  }

  #setComplete(isComplete: boolean, nowMs: number): void {
    this.#isComplete = isComplete;
    this.#peer.setComplete(isComplete);
    for (const instance of this.#instances) this.#tellComplete(instance, nowMs);
  }

  #tellComplete(instance: Instance, nowMs: number): void {
    this.#dispatch(instance, { type: "complete", isComplete: this.#isComplete }, nowMs);
  }

  #command(name: string | undefined, event: RouterEvent, nowMs: number): void {
    const heads = new Set<string>();
    for (const instance of this.#instances) {
      const { plan } = instance;
      if (name !== undefined && plan.name !== name) continue;
      // What is said of one member concerns the whole group, once.
      if (plan.group !== undefined && heads.has(plan.group)) continue;
      if (plan.group !== undefined) heads.add(plan.group);
      this.#dispatch(instance, event, nowMs);
    }
  }

  /** Virtual routers that did not change go on; the others end, and begin anew. */
  #apply(plans: readonly InstancePlan[], nowMs: number): void {
    const wanted = new Map(plans.map((plan) => [plan.name, identityOf(plan)]));
    const isKept = ({ plan }: Instance): boolean => wanted.get(plan.name) === identityOf(plan);
    for (const instance of this.#instances) {
      if (!isKept(instance)) this.#end(instance, nowMs);
    }
    const kept = this.#instances.filter(isKept);
    for (const plan of plans) kept.find((one) => one.plan.name === plan.name)?.adjust(plan);
    this.#virtual = virtualAddresses(plans);
    // Closed before the address can be anywhere.
    this.#fence.setAddresses(slotsByAddress(plans));
    this.#fence.follow(this.#network.links(), nowMs);
    const names = new Set(kept.map(({ plan }) => plan.name));
    const begun = plans.filter(({ name }) => !names.has(name)).map((plan) => this.#create(plan));
    this.#instances = [...kept, ...begun];
    this.#groups = formGroups(this.#instances);
    for (const instance of begun) this.#removeLeftovers(instance);
    for (const instance of begun) {
      instance.refresh(nowMs);
      this.#dispatch(instance, { type: "startup" }, nowMs);
      this.#tellComplete(instance, nowMs);
    }
    this.#informGuard();
  }

  #create(plan: InstancePlan): Instance {
    return new Instance(plan, {
      network: this.#network,
      announcer: this.#announcer,
      leases: this.#fence.leases,
      isFenced: (name) => this.#fence.isOn(name),
      handover: this.#fence.handover,
      virtual: this.#virtual,
      status: this.#status,
      tell: this.#tell,
      tellPeer: () => this.#peer.tellPeer(),
      dispatch: (instance, event, nowMs) => this.#dispatch(instance, event, nowMs),
      watch: (fd) => {
        this.#poller.add(fd, EPOLLIN, ownGeneration);
      },
      unwatch: (fd) => {
        this.#poller.remove(fd);
      },
    });
  }

  /** What an earlier process that was killed has left on the host. */
  #removeLeftovers(instance: Instance): void {
    for (const { interface: name, address, prefixBits } of instance.plan.addresses) {
      const link = this.#network.link(name);
      if (link === undefined || !this.#network.hasAddress(link.index, address)) continue;
      this.#network.routes.deleteAddress({ index: link.index, address, prefixBits });
      this.#tell({ type: "trouble", text: `Removed ${address} from ${name}: it was left behind` });
    }
    this.#network.follow();
  }

  #end(instance: Instance, nowMs: number): void {
    this.#dispatch(instance, { type: "shutdown" }, nowMs);
    instance.close();
  }

  #informGuard(): void {
    // It would clean up after a director that is at work.
    if (this.#awaited !== undefined) return;
    this.#isGuardStale = false;
    const { leasesPin } = this.#fence;
    this.#guard.inform(this.#instances, { network: this.#network, leasesPin });
  }

  #close(): void {
    const nowMs = monotonicMs();
    const wasActive = this.#instances.some(({ router }) => router.state === routerState.active);
    for (const instance of this.#instances) this.#end(instance, nowMs);
    this.#peer.close(nowMs);
    if (wasActive) Bun.sleepSync(handoverPauseMs);
    this.#guard.close();
    this.#fence.remove();
    this.#closeSockets();
  }

  /** Leaves everything in force: another process goes on with it. */
  #closeAll(): void {
    this.#guard.close();
    for (const instance of this.#instances) instance.close();
    this.#peer.leave();
    this.#fence.close();
    this.#closeSockets();
  }

  #closeSockets(): void {
    this.#announcer.close();
    this.#network.close();
    this.#timer.close();
    this.#poller.close();
  }
}
