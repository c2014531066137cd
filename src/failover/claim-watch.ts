/**
 * Others that have, or claim, a virtual address of one instance.
 *
 * ARP and neighbour advertisements of others are heard on every interface that the addresses are
 * for. At start all addresses are asked for, before the first promotion; whoever answers then is a
 * holder that nobody had told of. It is asked for again until it answers no more. At a takeover
 * they are asked for once, beside it: an answer only alarms. Belongs to the real-time thread.
 *
 * @module
 */

import { SyscallError } from "../../ffi/errno.ts";
import { familyOf } from "../net/address.ts";
import type { Link } from "../netlink/route/index.ts";
import { routerState } from "../vrrp/index.ts";
import type { Router, RouterEvent } from "../vrrp/index.ts";
import type { Announcer } from "./announcer.ts";
import { AskSchedule } from "./ask-schedule.ts";
import { ClaimPort } from "./claim-port.ts";
import type { ClaimPlace } from "./claim-port.ts";
import type { HostNetwork } from "./host-network.ts";
import type { InstancePlan, PlannedAddress } from "./plan.ts";
import type { ClaimedAddress, RealtimeEvent } from "./protocol.ts";

/** What a watch works with: parts of the same thread. */
export interface ClaimWatchParts {
  readonly network: HostNetwork;
  readonly announcer: Announcer;
  readonly router: Router;
  readonly dispatch: (event: RouterEvent, nowMs: number) => void;
  readonly tell: (event: RealtimeEvent) => void;
  /** Gets what could not be done. */
  readonly complain: (text: string) => void;
  readonly watch: (fd: number) => void;
  readonly unwatch: (fd: number) => void;
}

/** Claims of one kind are acted upon this often, and do not wake the thread in between. */
const quietMs = 200;
/** They are told of this often. */
const tellGapMs = 10_000;
/** After a takeover the last owner gets this time to go before it is asked for. */
const takeoverAskMs = 100;

const seen: RouterEvent = { type: "address-seen" };
const found: RouterEvent = { type: "holder-found" };
const gone: RouterEvent = { type: "holder-gone" };

/** Owns its sockets. */
export class ClaimWatch {
  readonly #plan: InstancePlan;
  readonly #parts: ClaimWatchParts;
  readonly #asks: AskSchedule;
  readonly #ports = new Map<string, ClaimPort>();
  /** Until when claims do not wake the thread; Infinity: they do. */
  #quietUntilMs = Infinity;
  #toldAtMs = -Infinity;
  /** The last claim of another node. */
  #claim: ClaimedAddress | undefined;
  #hasClaim = false;
  readonly #deadTimeMs: number;
  #startedAtMs = -Infinity;
  /** When a holder is told of; Infinity: there is none, or it has been. */
  #tellAtMs = Infinity;
  #isHolderTold = false;
  /** It knows how the addresses are held: it had them, or heard who has. */
  #hasMet = false;

  /** @param deadTimeMs Of the instance: the questions at start are asked within it. */
  constructor(plan: InstancePlan, deadTimeMs: number, parts: ClaimWatchParts) {
    this.#plan = plan;
    this.#parts = parts;
    this.#deadTimeMs = deadTimeMs;
    this.#asks = new AskSchedule(plan.addresses.length, deadTimeMs);
  }

  /** When {@link tick} is due at the latest, ms. */
  get nextAtMs(): number {
    return Math.min(this.#asks.nextAtMs, this.#quietUntilMs, this.#tellAtMs);
  }

  /** How the addresses are held is known from elsewhere: nobody is asked at start. */
  meet(): void {
    this.#hasMet = true;
  }

  /** Somebody else was found to have an address: it is asked for until it has gone. */
  expectHolder(nowMs: number): void {
    this.#asks.noteAnswer(nowMs);
  }

  /** Links have changed. */
  refresh(nowMs: number): void {
    const places = placesOf(this.#plan, (name) => this.#parts.network.link(name));
    for (const [key, port] of this.#ports) {
      if (!places.has(key)) this.#close(key, port);
    }
    let hasOpened = false;
    for (const [key, place] of places) {
      if (!this.#ports.has(key) && this.#open(key, place)) hasOpened = true;
    }
    // A holder stops it at start only: later somebody may answer for one that has died.
    if (!hasOpened || this.#hasMet) return;
    this.#startedAtMs = nowMs;
    this.#asks.beginStart(nowMs);
  }

  /** Takes what others claimed; before advertisements, which say more. */
  receive(nowMs: number): void {
    this.#hasClaim = false;
    for (const port of this.#ports.values()) {
      port.receive((claim) => {
        if (this.#isOwn(claim.mac)) return;
        this.#claim = claim;
        this.#hasClaim = true;
      });
    }
    if (this.#hasClaim) this.#judge(this.#claim!, nowMs);
  }

  /** This director has taken the addresses over. */
  beginTakeover(nowMs: number): void {
    this.#asks.beginTakeover(nowMs + takeoverAskMs);
  }

  /** Asks what is due, and listens again. */
  tick(nowMs: number): void {
    if (nowMs >= this.#quietUntilMs) {
      this.#quietUntilMs = Infinity;
      for (const { fd } of this.#ports.values()) this.#parts.watch(fd);
    }
    const { router } = this.#parts;
    this.#hasMet ||= router.state === routerState.active || router.heardFromLength > 0;
    if (this.#asks.isStart && this.#hasMet) this.#asks.stop();
    if (this.#asks.hasFallenSilent(nowMs) && router.hasForeignHolder) {
      if (this.#isHolderTold) this.#tellHolder(false);
      this.#parts.dispatch(gone, nowMs);
    }
    this.#tellOfHolder(nowMs);
    for (;;) {
      const index = this.#asks.take(nowMs, router.hasForeignHolder);
      if (index === -1) return;
      this.#ask(this.#plan.addresses[index]!);
    }
  }

  close(): void {
    for (const [key, port] of this.#ports) this.#close(key, port);
  }

  #judge(claim: ClaimedAddress, nowMs: number): void {
    if (nowMs < this.#quietUntilMs && this.#quietUntilMs !== Infinity) return;
    this.#quietUntilMs = nowMs + quietMs;
    for (const { fd } of this.#ports.values()) this.#parts.unwatch(fd);
    const { router, dispatch } = this.#parts;
    const isStart = this.#asks.isStart && router.state === routerState.backup;
    if (isStart || router.hasForeignHolder) {
      const isNews = !router.hasForeignHolder;
      this.#asks.noteAnswer(nowMs);
      dispatch(found, nowMs);
      // Its next advertisement may say that it is the active director.
      const heardByMs = this.#startedAtMs + this.#deadTimeMs;
      if (isNews && router.hasForeignHolder) this.#tellAtMs = Math.max(nowMs, heardByMs);
      return;
    }
    const before = router.conflicts;
    dispatch(seen, nowMs);
    if (router.conflicts === before || nowMs - this.#toldAtMs < tellGapMs) return;
    this.#toldAtMs = nowMs;
    this.#parts.tell({ type: "conflict", instance: this.#plan.name, ...claim });
  }

  #tellOfHolder(nowMs: number): void {
    if (!this.#parts.router.hasForeignHolder) {
      this.#tellAtMs = Infinity;
      this.#isHolderTold = false;
    } else if (nowMs >= this.#tellAtMs) {
      this.#tellAtMs = Infinity;
      this.#isHolderTold = true;
      this.#tellHolder(true);
    }
  }

  #tellHolder(isThere: boolean): void {
    const { address, mac } = this.#claim!;
    this.#parts.tell({ type: "holder", instance: this.#plan.name, address, mac, isThere });
  }

  #isOwn(mac: string): boolean {
    for (const link of this.#parts.network.links()) if (link.mac === mac) return mac !== "";
    return false;
  }

  #ask({ interface: name, address }: PlannedAddress): void {
    const link = this.#parts.network.link(name);
    if (link !== undefined) this.#parts.announcer.ask(address, link);
  }

  /** @returns True if it is open. */
  #open(key: string, place: ClaimPlace): boolean {
    try {
      const port = new ClaimPort(place);
      this.#ports.set(key, port);
      if (this.#quietUntilMs === Infinity) this.#parts.watch(port.fd);
      return true;
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      this.#parts.complain(`Cannot hear claims on ${place.device}: ${error.message}`);
      return false;
    }
  }

  #close(key: string, port: ClaimPort): void {
    if (this.#quietUntilMs === Infinity) this.#parts.unwatch(port.fd);
    port.close();
    this.#ports.delete(key);
  }
}

/** Sockets that the plan needs now, by interface and family. */
function placesOf(
  { addresses }: InstancePlan,
  linkOf: (name: string) => Link | undefined,
): ReadonlyMap<string, ClaimPlace> {
  const places = new Map<string, ClaimPlace & { readonly addresses: string[] }>();
  for (const { interface: device, address } of addresses) {
    const link = linkOf(device);
    if (link === undefined || !link.isUp || !link.hasCarrier || link.isWithoutArp) continue;
    const family = familyOf(address);
    const key = `${link.index} ${family}`;
    const place = places.get(key);
    if (place === undefined) {
      places.set(key, { device, index: link.index, family, addresses: [address] });
    } else place.addresses.push(address);
  }
  return places;
}
