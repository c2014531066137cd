/**
 * The peer channel at work: says what this director's virtual routers are, and hands what the peer
 * says of its own to them.
 *
 * A message goes out each send interval and at once when something has changed, but only after all
 * actions of a wake-up were carried out: the peer must not hear of a resignation before the fence
 * is closed. Belongs to the real-time thread; nothing here allocates per message.
 *
 * @module
 */

import { SyscallError } from "../../ffi/errno.ts";
import { addressOf } from "../../ffi/libc.ts";
import type { Pointer } from "../../ffi/libc.ts";
import { parseAddress } from "../net/address.ts";
import type { AddressBytes } from "../net/address.ts";
import { PeerMac, PeerSession, rankAddress, recordsMax } from "../peer/index.ts";
import type { PeerMessage, PeerRecord } from "../peer/index.ts";
import { blockOf, cause, isAnswering, priorityOf } from "../vrrp/index.ts";
import type { PeerEvent } from "../vrrp/index.ts";
import type { CarriedPeer } from "./baton.ts";
import type { Instance } from "./instance.ts";
import { PeerComparison } from "./peer-comparison.ts";
import { PeerPort } from "./peer-port.ts";
import { PeerStatusWriter } from "./peer-status.ts";
import type { PeerPlan, TableDigest } from "./plan.ts";
import type { RealtimeEvent } from "./protocol.ts";

/** A port that another program holds is asked for again after this time, ms. */
const openPauseMs = 1000;
/** A peer that is not heard at all is told after this time, ms. */
const firstPatienceMs = 5000;
/** A message may go out this share of an interval early, with what goes out anyway. */
const earlyShare = 0.25;

/** What the channel works with: parts of the same thread. */
export interface PeerLinkParts {
  readonly status: Float64Array;
  readonly tell: (event: RealtimeEvent) => void;
  readonly instances: () => readonly Instance[];
  readonly watch: (fd: number) => void;
  readonly unwatch: (fd: number) => void;
  /** The clock itself, ms. Without it no message is taken for out of date. */
  readonly now?: () => number;
}

/** One director's end of the channel; without a plan it does nothing. */
export class PeerLink {
  readonly #parts: PeerLinkParts;
  readonly #status: PeerStatusWriter;
  readonly #session = new PeerSession((words) => crypto.getRandomValues(words));
  readonly #bytesAddress: Pointer = addressOf(this.#session.bytes);
  readonly #configuration = new PeerComparison();
  readonly #tables = new PeerComparison();
  readonly #event: PeerEvent;
  readonly #take: PeerPort["receive"] extends (take: infer T) => void ? T : never;
  #plan: PeerPlan | undefined;
  #peer: AddressBytes = new Uint8Array(4);
  #mac: PeerMac | undefined;
  #port: PeerPort | undefined;
  #openAtMs = 0;
  #hasTrouble = false;
  #sendAtMs = 0;
  #isStale = false;
  #nowMs = 0;
  #heardAtMs = -Infinity;
  /** What was told last; undefined: nothing yet. */
  #toldReachable: boolean | undefined;
  /** Until then a peer that was never heard may still be starting. */
  #patientUntilMs = 0;

  constructor(parts: PeerLinkParts) {
    this.#parts = parts;
    this.#status = new PeerStatusWriter(parts.status);
    this.#take = (bytes, length, isFromPeer) => this.#judge(bytes, length, isFromPeer);
    const address = this.#peer;
    this.#event = {
      type: "peer",
      state: 0,
      priority: 0,
      address,
      isEligible: false,
      isWitnessReached: true,
      claim: 0,
      override: 0,
      announcements: 0,
      isDraining: false,
    };
  }

  /** When {@link flush} is due at the latest, ms. */
  get nextAtMs(): number {
    if (this.#plan === undefined || this.#parts.instances().length === 0) return Infinity;
    return this.#port === undefined ? this.#openAtMs : this.#sendAtMs;
  }

  /** Takes the plan for the wanted one; undefined: no peer. */
  apply(plan: PeerPlan | undefined, nowMs: number): void {
    const before = this.#plan;
    this.#plan = plan;
    if (plan === undefined || plan.address !== before?.address || plan.port !== before.port) {
      this.#closePort();
      this.#session.forget();
      this.#configuration.forget();
      this.#tables.forget();
      this.#heardAtMs = -Infinity;
      this.#toldReachable = undefined;
      this.#patientUntilMs = nowMs + firstPatienceMs;
    }
    this.#status.setConfigured(plan !== undefined);
    if (plan === undefined) return;
    this.#peer = parseAddress(plan.address)!;
    this.#mac = new PeerMac(
      plan.keys.map(({ id, secret }) => ({ id, secret: Uint8Array.fromHex(secret) })),
    );
    putDigest(this.#session.outgoing.digest, plan.digest);
    if (this.#port === undefined) this.#openPort(nowMs);
    this.#isStale = true;
  }

  /** What another process needs to go on with; undefined without a peer. */
  carry(): CarriedPeer | undefined {
    if (this.#plan === undefined) return undefined;
    const { isComplete } = this.#session.outgoing;
    const session = this.#session.carry();
    return { session, isComplete, heardAtMs: Math.max(-1, this.#heardAtMs) };
  }

  /** Socket of the channel; undefined while it is not open. */
  get descriptor(): number | undefined {
    return this.#port?.fd;
  }

  /** Goes on where another process was, with its socket. */
  adopt(
    plan: PeerPlan | undefined,
    { carried, fd }: { readonly carried: CarriedPeer | undefined; readonly fd: number | undefined },
    nowMs: number,
  ): void {
    if (plan !== undefined && fd !== undefined) {
      this.#port = new PeerPort(parseAddress(plan.address)!, plan.port, fd);
      this.#parts.watch(fd);
    }
    this.#plan = plan;
    this.apply(plan, nowMs);
    if (carried === undefined || plan === undefined) return;
    this.#session.adopt(carried.session);
    this.#session.outgoing.isComplete = carried.isComplete;
    this.#heardAtMs = carried.heardAtMs < 0 ? -Infinity : carried.heardAtMs;
    this.#toldReachable = carried.heardAtMs < 0 ? undefined : true;
    this.#patientUntilMs = nowMs + firstPatienceMs;
  }

  /** Closes its socket without a word: another process goes on with it. */
  leave(): void {
    this.#closePort();
  }

  /** Says whether everything that the peer has was copied here. */
  setComplete(isComplete: boolean): void {
    this.#session.outgoing.isComplete = isComplete;
    this.#isStale = true;
  }

  /** Says what the mh tables of the services are: they choose real servers on both directors. */
  setTables({ hash, count }: TableDigest): void {
    const { outgoing } = this.#session;
    putDigest(outgoing.tableHash, hash);
    outgoing.tableEntries = count;
  }

  /** Takes what the peer said. */
  receive(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#port?.receive(this.#take);
  }

  /** Something changed that the peer should know at once. */
  tellPeer(): void {
    this.#isStale = true;
  }

  /** Sends if something changed or it is time to; to be called when all actions are carried out. */
  flush(nowMs: number): void {
    if (this.#plan === undefined) return;
    if (this.#port === undefined && nowMs >= this.#openAtMs) this.#openPort(nowMs);
    this.#watchPeer(nowMs);
    const intervalMs = this.#intervalMs();
    if (!this.#isStale && nowMs < this.#sendAtMs - intervalMs * earlyShare) return;
    this.#isStale = false;
    this.#sendAtMs = nowMs + intervalMs;
    this.#send(nowMs);
  }

  /** Says a last word and closes the socket. */
  close(nowMs: number): void {
    if (this.#plan !== undefined) this.#send(nowMs);
    this.#closePort();
  }

  #intervalMs(): number {
    let shortest = Infinity;
    for (const { sendIntervalMs } of this.#parts.instances()) {
      shortest = Math.min(shortest, sendIntervalMs);
    }
    return shortest;
  }

  /** Silence after which no virtual router believes what the peer said last. */
  #silenceMs(): number {
    let longest = 0;
    for (const { deadTimeMs } of this.#parts.instances()) longest = Math.max(longest, deadTimeMs);
    return longest;
  }

  #send(nowMs: number): void {
    const [port, mac] = [this.#port, this.#mac];
    if (port === undefined || mac === undefined) return;
    const instances = this.#parts.instances();
    const { outgoing } = this.#session;
    for (let first = 0; first < instances.length; first += recordsMax) {
      outgoing.count = Math.min(recordsMax, instances.length - first);
      for (let index = 0; index < outgoing.count; index++) {
        describe(outgoing.records[index]!, instances[first + index]!, nowMs);
      }
      const length = this.#session.seal(mac, nowMs);
      // Stopped since: this is out of date, and the wake-up that follows at once knows better.
      const { now = () => nowMs } = this.#parts;
      if (now() - nowMs > this.#intervalMs()) return this.tellPeer();
      this.#status.countSent(port.send(this.#bytesAddress, length));
    }
  }

  #judge(bytes: Uint8Array, length: number, isFromPeer: boolean): void {
    const [mac, nowMs] = [this.#mac!, this.#nowMs];
    const result = isFromPeer ? this.#session.open(bytes, length, { mac, nowMs }) : "stranger";
    this.#status.countResult(result);
    if (result !== "accepted") return;
    this.#heardAtMs = nowMs;
    const { incoming } = this.#session;
    for (let index = 0; index < incoming.count; index++) {
      const record = incoming.records[index]!;
      const instance = findInstance(this.#parts.instances(), record, index);
      if (instance === undefined) this.#status.countUnmatched();
      else this.#hear(instance, record, nowMs);
    }
    this.#compare(incoming, nowMs);
  }

  #hear(instance: Instance, record: PeerRecord, nowMs: number): void {
    const event = this.#event;
    event.state = record.state;
    event.priority = record.priority;
    event.address = rankAddress(record);
    event.isEligible = record.isEligible;
    event.isWitnessReached = record.isWitnessReached;
    event.claim = record.claim;
    event.override = record.override;
    event.announcements = record.announcements;
    event.isDraining = record.isDraining;
    instance.hearPeer(event, nowMs);
  }

  #compare(incoming: PeerMessage, nowMs: number): void {
    const { digest, tableHash } = this.#session.outgoing;
    const configuration = this.#configuration.look(digest, incoming.digest, nowMs);
    this.#tellComparison("configuration", configuration);
    this.#tellComparison("tables", this.#tables.look(tableHash, incoming.tableHash, nowMs));
  }

  #tellComparison(what: "configuration" | "tables", isSame: boolean | undefined): void {
    if (isSame !== undefined) this.#parts.tell({ type: "peer-comparison", what, isSame });
  }

  #watchPeer(nowMs: number): void {
    const isReachable = nowMs - this.#heardAtMs <= this.#silenceMs();
    this.#status.publish(this.#session, {
      heardAtMs: this.#heardAtMs,
      isReachable,
      configuration: this.#configuration.difference,
      tables: this.#tables.difference,
      dropped: this.#port?.dropped() ?? 0,
    });
    if (isReachable === this.#toldReachable) return;
    const isEarly = this.#toldReachable === undefined && nowMs < this.#patientUntilMs;
    if (!isReachable && isEarly) return;
    this.#toldReachable = isReachable;
    this.#parts.tell({ type: "peer", isReachable });
  }

  #openPort(nowMs: number): void {
    const { port } = this.#plan!;
    try {
      this.#port = new PeerPort(this.#peer, port);
      this.#parts.watch(this.#port.fd);
      this.#hasTrouble = false;
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      this.#openAtMs = nowMs + openPauseMs;
      if (this.#hasTrouble) return;
      this.#hasTrouble = true;
      this.#parts.tell({ type: "trouble", text: `Cannot speak to the peer: ${error.message}` });
    }
  }

  #closePort(): void {
    if (this.#port === undefined) return;
    this.#parts.unwatch(this.#port.fd);
    this.#port.close();
    this.#port = undefined;
  }
}

/** Writes 8 bytes in hexadecimal into an id. */
function putDigest(id: Uint32Array, hex: string): void {
  const view = new DataView(Uint8Array.fromHex(hex).buffer);
  id[0] = view.getUint32(0);
  id[1] = view.getUint32(4);
}

/** Fills a record with what an instance is now. */
function describe(record: PeerRecord, instance: Instance, nowMs: number): void {
  const { plan, router, tag } = instance;
  record.name = tag;
  record.vrid = plan.vrid;
  record.family = plan.family;
  record.state = router.state;
  record.priority = priorityOf(router);
  record.claim = router.claim;
  record.override = router.override;
  record.isEligible = blockOf(router) === cause.none;
  record.isWitnessReached = router.isWitnessReached;
  record.announcements = router.announcements;
  record.isDraining = router.drainUntilMs > nowMs;
  record.leaseMs = isAnswering(router, nowMs) ? router.leaseEndMs - nowMs : 0;
  const { address } = router;
  for (let index = 0; index < address.length; index++) record.address[index] = address[index]!;
}

function isOf(instance: Instance, { vrid, family }: PeerRecord): boolean {
  return instance.plan.vrid === vrid && instance.plan.family === family;
}

/**
 * The instance that a record is about: of the same name, or, where names differ, the only one of
 * its VRID and family. Two directors of one pair list them in one order as a rule: `likely` is
 * looked at first.
 */
function findInstance(
  instances: readonly Instance[],
  record: PeerRecord,
  likely: number,
): Instance | undefined {
  const first = instances[likely];
  if (first !== undefined && first.tag === record.name && isOf(first, record)) return first;
  let only: Instance | undefined;
  let count = 0;
  for (const instance of instances) {
    if (!isOf(instance, record)) continue;
    if (instance.tag === record.name) return instance;
    only = instance;
    count += 1;
  }
  return count === 1 ? only : undefined;
}
