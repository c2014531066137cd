/**
 * One virtual router at work: what happens to it goes into the state machine, and the actions that
 * come back are carried out in their order.
 *
 * The order is what keeps the promise: the lease begins and is renewed only after an advertisement
 * was sent, and ends before priority 0 is. Belongs to the real-time thread.
 *
 * @module
 */

import { SyscallError } from "../../ffi/errno.ts";
import type { LeaseTable } from "../fence/index.ts";
import { parseAddress } from "../net/address.ts";
import type { AddressBytes } from "../net/address.ts";
import { NetlinkError } from "../netlink/index.ts";
import type { Link } from "../netlink/route/index.ts";
import {
  action,
  announceAtMs,
  beginAnnouncing,
  causeNames,
  createAnnounceSchedule,
  createRouter,
  deriveTiming,
  dueAtMs,
  routerState,
  stateNames,
  stopAnnouncing,
  takeAnnouncement,
} from "../vrrp/index.ts";
import type { AnnounceSchedule, Router, RouterEvent, Timing } from "../vrrp/index.ts";
import { AdvertPort } from "./advert-port.ts";
import type { HeardAdvert } from "./advert-port.ts";
import type { Announcer } from "./announcer.ts";
import type { HostNetwork } from "./host-network.ts";
import { InstanceStatus } from "./instance-status.ts";
import type { InstancePlan, PlannedAddress } from "./plan.ts";
import type { RealtimeEvent } from "./protocol.ts";

/** Who added an address (IFA_PROTO), so that what is left behind can be told: VRRP's number. */
export const addressProtocol = 112;

/** What an instance works with: parts of the same thread. */
export interface InstanceParts {
  readonly network: HostNetwork;
  readonly announcer: Announcer;
  /** Undefined: nothing enforces the lease. */
  readonly leases: LeaseTable | undefined;
  /** All virtual addresses of this director: no packet of it comes from one of them. */
  readonly virtual: ReadonlySet<string>;
  readonly status: Float64Array;
  readonly tell: (event: RealtimeEvent) => void;
  /** Hands an event to the state machine, alone or with the group, and has the actions done. */
  readonly dispatch: (instance: Instance, event: RouterEvent, nowMs: number) => void;
  /** Watches a socket for this instance. */
  readonly watch: (fd: number, instance: Instance) => void;
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
  readonly #parts: InstanceParts;
  readonly #timing: Timing;
  readonly #ports: (AdvertPort | undefined)[];
  readonly #schedule: AnnounceSchedule;
  readonly #status: InstanceStatus;
  readonly #heard: RouterEvent & { readonly type: "heard" };
  #holds = false;
  /** How often the fence was closed, as seen before the event at hand was decided. */
  #closings = 0;

  constructor(plan: InstancePlan, parts: InstanceParts) {
    this.plan = plan;
    this.#parts = parts;
    this.#timing = deriveTiming(plan);
    this.#ports = plan.interfaces.map(() => undefined);
    this.#schedule = createAnnounceSchedule(plan.announces ? plan.addresses.length : 0);
    const first = parts.network.link(plan.interfaces[0]!);
    this.router = createRouter({
      version: plan.version,
      priority: plan.priority,
      address: (first === undefined ? undefined : this.#ownAddress(first)) ?? nothingKnown,
      timing: this.#timing,
      preempt: plan.preempt,
      preemptDelayMs: plan.preemptDelayMs,
      startDelayMs: plan.startDelayMs,
      hasPeer: false,
      witness: "prefer",
      interfaces: plan.interfaces.map((name) => ({
        hasAddresses: plan.addresses.some((address) => address.interface === name),
      })),
      isGrouped: plan.group !== undefined,
    });
    this.#status = new InstanceStatus(parts.status, plan.slot);
    const empty = nothingKnown;
    this.#heard = { type: "heard", from: empty, to: empty, priority: 0, intervalMs: 0 };
  }

  /** When {@link tick} is due at the latest, ms. */
  get nextAtMs(): number {
    return Math.min(dueAtMs(this.router), announceAtMs(this.#schedule));
  }

  /** How often it wakes up for its advertisements, ms. */
  get sendIntervalMs(): number {
    return this.#timing.sendIntervalMs;
  }

  /** Addresses may be on the host. */
  get holdsAddresses(): boolean {
    return this.#holds;
  }

  /** Links or addresses have changed: ports are opened and closed, what is missing is told. */
  refresh(nowMs: number): void {
    for (const [index, name] of this.plan.interfaces.entries()) {
      const wasUp = this.router.carriers[index] === 1;
      const isUp = this.#refreshPort(index, this.#parts.network.link(name));
      if (isUp !== wasUp) this.#dispatch({ type: "carrier", index, isUp }, nowMs);
    }
    if (this.router.state === routerState.active && this.#missing().length > 0) {
      this.#dispatch({ type: "address-lost" }, nowMs);
    }
  }

  /** Before anything of a wake-up is decided: what the guard does from here on stands. */
  observe(): void {
    this.#closings = this.#parts.leases?.closings(this.plan.slot) ?? 0;
  }

  /** Takes what other directors said. */
  receive(nowMs: number): void {
    for (const port of this.#ports) {
      port?.receive((heard) => this.#hear(heard, port.own, nowMs));
    }
  }

  /** What is due now: an advertisement, a takeover, announcements. */
  tick(nowMs: number): void {
    if (this.router.state === routerState.active && this.#isClosedByGuard()) {
      this.#dispatch({ type: "guard-closed" }, nowMs);
    }
    // Also when nothing is due: a resignation is acted upon here, behind all that was heard.
    this.#dispatch(tick, nowMs);
    for (;;) {
      const index = takeAnnouncement(this.#schedule, nowMs);
      if (index === -1) break;
      this.#announce(this.plan.addresses[index]!);
    }
  }

  /** Carries out the actions of the last event. */
  execute(nowMs: number): void {
    const { count, kinds, values } = this.router.actions;
    let hasSent = true;
    for (let index = 0; index < count; index++) {
      const kind = kinds[index]!;
      const value = values[index]!;
      if (kind === action.advertise) hasSent = this.#advertise(value) || value === 0;
      else if (hasSent || !isLease(kind)) this.#carryOut(kind, value, nowMs);
    }
    this.#status.publish(this.router);
    if (!hasSent) this.#dispatch({ type: "send-failed" }, nowMs);
  }

  /** The lease, ms. */
  get leaseMs(): number {
    return this.#timing.leaseMs;
  }

  /** What the guard sends in this node's place. */
  resignations(): Resignation[] {
    return this.#ports.flatMap((port, index) => {
      const device = this.plan.interfaces[index]!;
      const packets = port?.preview(0) ?? [];
      return packets.map((packet) => ({ ...packet, device, index: port!.index, own: port!.own }));
    });
  }

  /** Closes the sockets; the router must have been shut down. */
  close(): void {
    for (const [index, port] of this.#ports.entries()) {
      if (port !== undefined) this.#closePort(index, port);
    }
    this.#status.clear();
  }

  #dispatch(event: RouterEvent, nowMs: number): void {
    this.#parts.dispatch(this, event, nowMs);
  }

  #carryOut(kind: number, value: number, nowMs: number): void {
    const { leases } = this.#parts;
    const { slot } = this.plan;
    switch (kind) {
      case action.beginLease:
        leases?.open(slot, this.#closings);
        leases?.renew(slot, nanoseconds(value));
        return;
      case action.renewLease:
        leases?.renew(slot, nanoseconds(value));
        return;
      case action.endLease:
        leases?.close(slot);
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
        this.#report(kind, value);
    }
  }

  #report(kind: number, value: number): void {
    const instance = this.plan.name;
    if (kind === action.notify) {
      const cause = causeNames[this.router.lastCause]!;
      this.#status.countTransition();
      this.#parts.tell({ type: "state", instance, state: stateNames[value]!, cause });
    } else if (kind === action.log) {
      this.#parts.tell({ type: "cause", instance, cause: causeNames[value]! });
    }
  }

  #advertise(priority: number): boolean {
    let hasSent = false;
    for (const [index, port] of this.#ports.entries()) {
      if (this.router.carriers[index] !== 1 || port === undefined) continue;
      if (port.send(priority)) hasSent = true;
    }
    if (hasSent) this.#status.countSent();
    return hasSent;
  }

  #hear({ result, advertisement, from }: HeardAdvert, own: AddressBytes, nowMs: number): void {
    this.#status.countResult(result);
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

  #ownAddress({ index }: Link): AddressBytes | undefined {
    const { family, peers } = this.plan;
    const isLinkLocal = family === 6 && (peers === undefined || peers[0]!.startsWith("fe80:"));
    const { network, virtual } = this.#parts;
    const text = network.primaryAddress(index, { family, isLinkLocal, virtual });
    return text === undefined ? undefined : parseAddress(text);
  }

  /** @returns True if the router can speak on this interface. */
  #refreshPort(index: number, link: Link | undefined): boolean {
    const port = this.#ports[index];
    const own = link === undefined ? undefined : this.#ownAddress(link);
    const isUsable = link !== undefined && own !== undefined && link.isUp && link.hasCarrier;
    const isSame = isUsable && port?.index === link.index && isEqual(port.own, own);
    if (isSame) return true;
    if (port !== undefined) this.#closePort(index, port);
    return isUsable && this.#openPort(index, { device: link.name, index: link.index, own });
  }

  #openPort(
    index: number,
    place: { readonly device: string; readonly index: number; readonly own: AddressBytes },
  ): boolean {
    try {
      const { wireIntervalMs } = this.#timing;
      const port = new AdvertPort(this.plan, { ...place, wireIntervalMs });
      this.#ports[index] = port;
      this.#parts.watch(port.receiver, this);
      return true;
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      const text = `Cannot speak for ${this.plan.name} on ${place.device}: ${error.message}`;
      this.#parts.tell({ type: "trouble", text });
      return false;
    }
  }

  #closePort(index: number, port: AdvertPort): void {
    this.#parts.unwatch(port.receiver);
    port.close();
    this.#ports[index] = undefined;
  }

  #missing(): PlannedAddress[] {
    const { network } = this.#parts;
    return this.plan.addresses.filter((planned) => {
      const link = network.link(planned.interface);
      return link !== undefined && !network.hasAddress(link.index, planned.address);
    });
  }

  #addAddresses(): void {
    this.#holds = true;
    for (const planned of this.#missing()) this.#change("add", planned);
    this.#status.setHeld(this.plan.addresses.length);
  }

  #removeAddresses(): void {
    for (const planned of this.plan.addresses) this.#change("remove", planned);
    this.#holds = false;
    this.#status.setHeld(0);
  }

  #change(what: "add" | "remove", planned: PlannedAddress): void {
    const { network, tell } = this.#parts;
    const link = network.link(planned.interface);
    if (link === undefined) return;
    const { address, prefixBits, label } = planned;
    const place = { index: link.index, address, prefixBits, noDad: true };
    try {
      if (what === "remove") network.routes.deleteAddress(place);
      else {
        // IPv6: never chosen as the source of this node's own connections.
        const source = this.plan.family === 6 ? { preferredSeconds: 0 } : {};
        const labelled = label === undefined ? {} : { label };
        const protocol = addressProtocol;
        network.routes.addAddress({ ...place, ...source, ...labelled, protocol });
      }
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
      tell({ type: "trouble", text: error.message });
    }
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

function isEqual(one: AddressBytes, other: AddressBytes): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

function nanoseconds(ms: number): bigint {
  return BigInt(Math.round(ms * 1e6));
}
