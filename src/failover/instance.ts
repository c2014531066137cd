/**
 * One virtual router at work: what happens to it goes into the state machine, and the actions that
 * come back are carried out in their order.
 *
 * The order is what keeps the promise: the lease begins and is renewed only after an advertisement
 * was sent, and ends before priority 0 is. Belongs to the real-time thread.
 *
 * @module
 */

import { monotonicMs } from "../../ffi/clock.ts";
import type { Leases } from "../fence/index.ts";
import type { AddressBytes } from "../net/address.ts";
import { nameTag } from "../peer/index.ts";
import {
  action,
  announceAtMs,
  beginAnnouncing,
  carryRouter,
  causeNames,
  createAnnounceSchedule,
  createRouter,
  deriveTiming,
  dueAtMs,
  restoreRouter,
  routerState,
  stateNames,
  stopAnnouncing,
  takeAnnouncement,
} from "../vrrp/index.ts";
import type { AnnounceSchedule, PeerEvent, Router, RouterEvent, Timing } from "../vrrp/index.ts";
import type { HeardAdvert } from "./advert-port.ts";
import { AdvertPorts } from "./advert-ports.ts";
import { AdvertSigner } from "./advert-signer.ts";
import type { Announcer } from "./announcer.ts";
import type { CarriedInstance } from "./baton.ts";
import { ClaimWatch } from "./claim-watch.ts";
import { HeldAddresses } from "./held-addresses.ts";
import type { HostNetwork } from "./host-network.ts";
import { InstanceStatus } from "./instance-status.ts";
import type { KernelHandover } from "./kernel-handover.ts";
import type { InstancePlan, PlannedAddress } from "./plan.ts";
import type { Fitness, RealtimeEvent } from "./protocol.ts";

/** What an instance works with: parts of the same thread. */
export interface InstanceParts {
  readonly network: HostNetwork;
  readonly announcer: Announcer;
  /** Undefined: nothing enforces the lease. */
  readonly leases: Leases | undefined;
  /** True if nothing is answered on an interface without a lease. */
  readonly isFenced: (name: string) => boolean;
  readonly handover: KernelHandover;
  /** All virtual addresses of this director: no packet of it comes from one of them. */
  readonly virtual: ReadonlySet<string>;
  readonly status: Float64Array;
  readonly tell: (event: RealtimeEvent) => void;
  /** Hands an event to the state machine, alone or with the group, and has the actions done. */
  readonly dispatch: (instance: Instance, event: RouterEvent, nowMs: number) => void;
  /** What the peer should know has changed. */
  readonly tellPeer: () => void;
  /** Watches a socket for this instance. */
  readonly watch: (fd: number) => void;
  readonly unwatch: (fd: number) => void;
}

/** A packet that resigns. */
export interface Resignation {
  readonly device: string;
  readonly index: number;
  readonly own: AddressBytes;
  readonly to: AddressBytes;
  readonly message: Uint8Array;
}

const nothingKnown: AddressBytes = new Uint8Array(4);
const tick: RouterEvent = { type: "tick" };

/** A virtual router of this director. */
export class Instance {
  readonly plan: InstancePlan;
  readonly router: Router;
  /** Its name on the peer channel. */
  readonly tag: number;
  readonly #parts: InstanceParts;
  readonly #timing: Timing;
  readonly #ports: AdvertPorts;
  readonly #schedule: AnnounceSchedule;
  readonly #addresses: HeldAddresses;
  readonly #status: InstanceStatus;
  readonly #claims: ClaimWatch;
  readonly #signer: AdvertSigner | undefined;
  readonly #heard: RouterEvent & { readonly type: "heard" };
  /** As the main thread judges the rest: services and scripts. */
  #isFit = true;
  #liveServers = 0;
  /** Carriers as this process has found them, while another one is at work. */
  readonly #carriers: Uint8Array;
  /** The actions at hand change the state, which says its cause itself. */
  #hasChanged = false;
  /** State whose actions were carried out last. */
  stateTold = -1;
  #drainMs = 0;
  /** How often the fence was closed, as seen before the event at hand was decided. */
  #closings = 0;

  constructor(plan: InstancePlan, parts: InstanceParts) {
    this.plan = plan;
    this.tag = nameTag(plan.name);
    this.#parts = parts;
    this.#timing = deriveTiming(plan);
    this.#schedule = createAnnounceSchedule(plan.announces ? plan.addresses.length : 0);
    const { wireIntervalMs } = this.#timing;
    this.#signer = plan.keys && new AdvertSigner(plan.keys, wireIntervalMs, plan.family);
    const { network, virtual, watch, unwatch } = parts;
    const complain = (text: string): void => parts.tell({ type: "trouble", text });
    const signer = this.#signer;
    const common = { network, complain, watch, unwatch };
    this.#ports = new AdvertPorts(plan, { ...common, virtual, wireIntervalMs, signer });
    this.router = createRouter({
      version: plan.version,
      priority: plan.priority,
      address: this.#ports.firstAddress() ?? nothingKnown,
      timing: this.#timing,
      preempt: plan.preempt,
      preemptDelayMs: plan.preemptDelayMs,
      startDelayMs: plan.startDelayMs,
      hasPeer: plan.hasPeer,
      witness: plan.witness,
      interfaces: plan.interfaces.map((name) => ({
        hasAddresses: plan.addresses.some((address) => address.interface === name),
      })),
      isGrouped: plan.group !== undefined,
    });
    this.adjust(plan);
    this.#carriers = new Uint8Array(plan.interfaces.length);
    this.#status = new InstanceStatus(parts.status, plan.slot);
    this.#addresses = new HeldAddresses(plan, network, complain);
    this.#claims = new ClaimWatch(plan, this.#timing.deadTimeMs, {
      ...common,
      announcer: parts.announcer,
      router: this.router,
      dispatch: (event, nowMs) => this.#dispatch(event, nowMs),
      tell: parts.tell,
    });
    const empty = nothingKnown;
    this.#heard = { type: "heard", from: empty, to: empty, priority: 0, intervalMs: 0 };
  }

  /** When {@link tick} is due at the latest, ms. */
  get nextAtMs(): number {
    const ownAtMs = Math.min(dueAtMs(this.router), announceAtMs(this.#schedule));
    return Math.min(ownAtMs, this.#claims.nextAtMs);
  }

  /** How often it wakes up for its advertisements, ms. */
  get sendIntervalMs(): number {
    return this.#timing.sendIntervalMs;
  }

  /** Silence after which another director counts as gone, ms. */
  get deadTimeMs(): number {
    return this.#timing.deadTimeMs;
  }

  /** Links or addresses have changed: ports are opened and closed, what is missing is told. */
  refresh(nowMs: number): void {
    for (const index of this.plan.interfaces.keys()) {
      const wasUp = this.router.carriers[index] === 1;
      const isUp = this.#ports.refresh(index);
      if (isUp !== wasUp) this.#dispatch({ type: "carrier", index, isUp }, nowMs);
    }
    this.checkFence(nowMs);
    this.#claims.refresh(nowMs);
    // An interface that was missing at the start.
    if (this.router.address === nothingKnown) {
      this.router.address = this.#ports.firstAddress() ?? nothingKnown;
    }
    this.judge({ isFit: this.#isFit, liveServers: this.#liveServers }, nowMs);
    if (this.router.state === routerState.active && this.#addresses.missing().length > 0) {
      this.#dispatch({ type: "address-lost" }, nowMs);
    }
  }

  /** The fence may be on other interfaces than before. */
  checkFence(nowMs: number): void {
    const { addresses } = this.plan;
    const isWhole = addresses.every((one) => this.#parts.isFenced(one.interface));
    if (isWhole !== this.router.isFenced) this.#dispatch({ type: "fence", isWhole }, nowMs);
  }

  /** Takes how fit this node is but for the interfaces that are only tracked. */
  judge({ isFit, liveServers }: Fitness, nowMs: number): void {
    this.#isFit = isFit;
    this.#liveServers = liveServers;
    const isWhole = isFit && this.#hasTrackedCarriers();
    const { router } = this;
    if (isWhole === router.isFit && liveServers === router.liveServers) return;
    this.#dispatch({ type: "fitness", isFit: isWhole, liveServers }, nowMs);
  }

  /** Before anything of a wake-up is decided: what the guard does from here on stands. */
  observe(): void {
    const { leases, handover } = this.#parts;
    this.#closings = leases?.closings(this.plan.slot) ?? 0;
    // Without the kernel's help the host would go on answering for the addresses.
    this.router.drainMs = handover.canDrain(this.plan.slot) ? this.#drainMs : 0;
  }

  /** Takes what other directors said. */
  receive(nowMs: number): void {
    this.#claims.receive(nowMs);
    for (const port of this.#ports.open) {
      port?.receive(nowMs, (heard) => this.#hear(heard, port.own, nowMs));
    }
  }

  /** Takes what the peer said of its part in this virtual router. */
  hearPeer(event: PeerEvent, nowMs: number): void {
    this.#dispatch(event, nowMs);
  }

  /** What is due now: an advertisement, a takeover, announcements. */
  tick(nowMs: number): void {
    const { router } = this;
    const isServing = router.state === routerState.active || router.drainUntilMs > 0;
    if (isServing && this.#isClosedByGuard()) {
      this.#dispatch({ type: "guard-closed" }, nowMs);
    }
    // Also when nothing is due: a resignation is acted upon here, behind all that was heard.
    this.#dispatch(tick, nowMs);
    this.#claims.tick(nowMs);
    for (;;) {
      const index = takeAnnouncement(this.#schedule, nowMs);
      if (index === -1) break;
      this.#announce(this.plan.addresses[index]!);
    }
  }

  /**
   * Carries out the actions of the last event.
   *
   * @returns False if an advertisement could be sent on no interface: the caller reports that as an
   *   event of its own, once every router of the group has carried out its actions.
   */
  execute(nowMs: number): boolean {
    const { count, kinds, values } = this.router.actions;
    let hasSent = true;
    this.#hasChanged = false;
    for (let index = 0; index < count; index++) {
      const kind = kinds[index]!;
      const value = values[index]!;
      if (kind === action.advertise) hasSent = this.#advertise(value) || value === 0;
      else if (hasSent || !isLease(kind)) this.#carryOut(kind, value, nowMs);
    }
    this.#status.publish(this.router);
    this.stateTold = this.router.state;
    return hasSent;
  }

  /** The lease, ms. */
  get leaseMs(): number {
    return this.#timing.leaseMs;
  }

  /** What the guard sends in this node's place. */
  resignations(): Resignation[] {
    return this.#ports.open.flatMap((port, index) => {
      const device = this.plan.interfaces[index]!;
      const packets = port?.preview(0) ?? [];
      return packets.map((packet) => ({ ...packet, device, index: port!.index, own: port!.own }));
    });
  }

  /** Ends of {@link resignations} with new stamps, if an advertisement was signed since. */
  signResignations(take: (packet: number, trailer: Uint8Array) => void): void {
    if (this.#signer?.takeSigned() !== true || this.router.state !== routerState.active) return;
    let packet = 0;
    for (const port of this.#ports.open)
      port?.signResignations((trailer) => take(packet++, trailer));
    this.#signer.takeSigned();
  }

  /** Takes what may differ in plans of one identity. */
  adjust({ keys, drainMs }: InstancePlan): void {
    this.#signer?.setKeys(keys ?? []);
    this.#drainMs = drainMs;
  }

  /** Opens what it needs to go on where another process is, and does nothing with it yet. */
  prepare(nowMs: number): void {
    this.#claims.meet();
    this.refresh(nowMs);
  }

  /** What it is now, for another process to go on with. */
  carry(): CarriedInstance {
    return {
      name: this.plan.name,
      state: carryRouter(this.router),
      signer: this.#signer?.carry(),
    };
  }

  /** Goes on where another process was; {@link correct} follows. */
  adopt({ state, signer }: CarriedInstance, nowMs: number): void {
    const { router } = this;
    this.#carriers.set(router.carriers);
    restoreRouter(router, state);
    if (signer !== undefined) this.#signer?.adopt(signer);
    if (router.hasForeignHolder) this.#claims.expectHolder(nowMs);
    if (router.state === routerState.active) {
      this.#status.setHeld(this.plan.addresses.length);
      beginAnnouncing(this.#schedule, nowMs);
      // At once: whatever time the change of hands has taken.
      router.advertiseAtMs = Math.min(router.advertiseAtMs, nowMs);
    }
    this.#status.publish(router);
    this.stateTold = router.state;
  }

  /** Since the last advertisement, ms; 0 while it is not active. */
  silenceMs(nowMs: number): number {
    const { state, leaseEndMs } = this.router;
    return state === routerState.active ? nowMs - (leaseEndMs - this.leaseMs) : 0;
  }

  /** After all were adopted: tells what this process has found to be different. */
  correct(nowMs: number): void {
    for (const [index, carrier] of this.#carriers.entries()) {
      if (carrier === this.router.carriers[index]) continue;
      this.#dispatch({ type: "carrier", index, isUp: carrier === 1 }, nowMs);
    }
    this.judge({ isFit: this.#isFit, liveServers: this.#liveServers }, nowMs);
  }

  /** Sends what is due in any case, so that whoever goes on has the most time. */
  hurry(): void {
    this.router.advertiseAtMs = -Infinity;
  }

  /** Closes the sockets; the router must have been shut down. */
  close(): void {
    this.#ports.close();
    this.#claims.close();
    this.#status.clear();
  }

  #dispatch(event: RouterEvent, nowMs: number): void {
    this.#parts.dispatch(this, event, nowMs);
  }

  #carryOut(kind: number, value: number, nowMs: number): void {
    switch (kind) {
      case action.concede:
        this.#send(value);
        return;
      case action.addAddresses:
        this.#addAddresses();
        return;
      case action.removeAddresses:
        this.#removeAddresses();
        return;
      case action.announce:
        beginAnnouncing(this.#schedule, nowMs);
        return;
      case action.stopAnnouncing:
        stopAnnouncing(this.#schedule);
        return;
      default:
        if (!this.#fence(kind, value)) this.#report(kind, value);
    }
  }

  /** What the kernel lets through. @returns False if the action is another one. */
  #fence(kind: number, value: number): boolean {
    const { leases, handover } = this.#parts;
    const { slot } = this.plan;
    switch (kind) {
      case action.beginLease:
        this.#claims.beginTakeover(this.router.nowMs);
        leases?.open(slot, this.#closings);
        leases?.renew(slot, nanoseconds(value));
        return true;
      case action.renewLease:
        leases?.renew(slot, nanoseconds(value));
        return true;
      case action.endLease:
        leases?.close(slot);
        return true;
      case action.drainLease:
        handover.drain(slot, nanoseconds(value), nanoseconds(monotonicMs()));
        return true;
      case action.forward:
        handover.forward(slot, this.#ports.others(), nanoseconds(value));
        return true;
      default:
        return false;
    }
  }

  #report(kind: number, value: number): void {
    if (kind === action.tellPeer) return this.#parts.tellPeer();
    const instance = this.plan.name;
    if (kind === action.notify) {
      this.#hasChanged = true;
      const cause = causeNames[this.router.lastCause]!;
      this.#status.countTransition();
      this.#parts.tell({ type: "state", instance, state: stateNames[value]!, cause });
    } else if (kind === action.log && !this.#hasChanged) {
      this.#parts.tell({ type: "cause", instance, cause: causeNames[value]! });
    } else if (kind === action.askWitness) {
      this.#parts.tell({ type: "ask-witness", instance, round: value });
    }
  }

  #advertise(priority: number): boolean {
    // Stopped since the time of the event: another may be active by now, and would give way.
    if (priority > 0 && monotonicMs() >= this.router.leaseEndMs) return false;
    return this.#send(priority);
  }

  #send(priority: number): boolean {
    let hasSent = false;
    for (const [index, port] of this.#ports.open.entries()) {
      if (this.router.carriers[index] !== 1 || port === undefined) continue;
      if (port.send(priority)) hasSent = true;
    }
    if (hasSent) this.#status.countSent();
    return hasSent;
  }

  #hear({ result, advertisement, from }: HeardAdvert, own: AddressBytes, nowMs: number): void {
    this.#status.countResult(result);
    if (result === "clock-alarm") this.#dispatch({ type: "clock-alarm" }, nowMs);
    if (result !== "accepted") return;
    this.#heard.from = from;
    this.#heard.to = own;
    this.#heard.priority = advertisement.priority;
    this.#heard.intervalMs = advertisement.intervalMs;
    this.#dispatch(this.#heard, nowMs);
  }

  #isClosedByGuard(): boolean {
    return this.#parts.leases?.isClosed(this.plan.slot) === true;
  }

  #hasTrackedCarriers(): boolean {
    return this.plan.tracked.every((name) => this.#parts.network.hasCarrier(name));
  }

  #addAddresses(): void {
    this.#addresses.add();
    this.#status.setHeld(this.plan.addresses.length);
  }

  #removeAddresses(): void {
    this.#addresses.remove();
    this.#status.setHeld(0);
  }

  #announce(planned: PlannedAddress): void {
    const { network, announcer } = this.#parts;
    const link = network.link(planned.interface);
    if (link !== undefined) announcer.announce(planned.address, link);
  }
}

function isLease(kind: number): boolean {
  return kind === action.beginLease || kind === action.renewLease;
}

function nanoseconds(ms: number): bigint {
  return BigInt(Math.round(ms * 1e6));
}
