/**
 * The director's side of the fence that its guard keeps: what is wanted, and how far that is so.
 *
 * Who opens or closes an instance waits for the guard's answer, some tenths of a millisecond:
 * announcements must get out after an opening, and nothing may be said to others before a closing.
 * A renewal is not waited for. One that the guard does not confirm until the lease before has ended
 * counts as never made, because the kernel closes by itself then. Belongs to the real-time thread.
 *
 * @module
 */

import { instancesMax } from "../fence/index.ts";
import type { Fence, FenceDevice, Leases } from "../fence/index.ts";
import type { GuardAnswer } from "./guard-answer.ts";
import { encodeFence, encodeLease } from "./guard-message.ts";
import type { GuardPipe } from "./guard-pipe.ts";

/** Longest wait for the answer to an opening, ms; without one it counts as closed. */
const openMaxMs = 50;

/** The pipe, as far as it is used here. */
export type GuardChannel = Pick<GuardPipe, "hint" | "isOpen" | "order" | "receive" | "wait">;

/** Ends of one lease, ms: as the guard has confirmed, as it was asked, as it will have been. */
interface GuardedLease {
  isOpen: boolean;
  isOpening: boolean;
  confirmedMs: number;
  askedMs: number;
  askedSequence: number;
  nextMs: number;
  nextSequence: number;
}

/** Leases of a fence that the guard keeps. */
export class GuardLeases implements Leases {
  readonly #fence: GuardFence;
  readonly #now: () => number;
  readonly #leases: readonly GuardedLease[];
  /** Guards that were lost: each has left everything closed. */
  #losses = 0;

  constructor(fence: GuardFence, now: () => number) {
    this.#fence = fence;
    this.#now = now;
    this.#leases = Array.from({ length: instancesMax }, () => ({
      isOpen: false,
      isOpening: false,
      confirmedMs: 0,
      askedMs: 0,
      askedSequence: 0,
      nextMs: 0,
      nextSequence: 0,
    }));
  }

  closings(): number {
    return this.#losses;
  }

  open(instance: number, closings: number): void {
    const lease = this.#leases[instance]!;
    lease.isOpen = closings === this.#losses;
    lease.isOpening = lease.isOpen;
  }

  renew(instance: number, endNs: bigint): void {
    const lease = this.#leases[instance]!;
    if (!lease.isOpen) return;
    const endMs = Number(endNs) / 1e6;
    const sequence = this.#fence.ask(instance, endMs);
    if (sequence === 0) return;
    if (lease.askedSequence === 0) {
      lease.askedMs = endMs;
      lease.askedSequence = sequence;
    } else {
      lease.nextMs = endMs;
      lease.nextSequence = sequence;
    }
    if (!lease.isOpening) return;
    lease.isOpening = false;
    this.#fence.wait(() => lease.confirmedMs >= endMs, this.#now() + openMaxMs);
  }

  close(instance: number): void {
    const lease = this.#leases[instance]!;
    const lastMs = Math.max(lease.confirmedMs, lease.askedMs, lease.nextMs);
    forget(lease);
    if (lastMs <= this.#now()) return;
    const sequence = this.#fence.insist(instance);
    // Without an answer the kernel closes it when the lease ends.
    this.#fence.wait(() => this.#fence.isConfirmed(sequence), lastMs);
    while (!this.#fence.isConfirmed(sequence) && this.#now() < lastMs) {
      Bun.sleepSync(Math.max(1, lastMs - this.#now()));
    }
  }

  isClosed(instance: number): boolean {
    const { isOpen, confirmedMs } = this.#leases[instance]!;
    return !isOpen || confirmedMs <= this.#now();
  }

  /** Nothing is mapped. */
  unmap(): void {
    for (const lease of this.#leases) forget(lease);
  }

  /** The guard has confirmed everything up to an order. */
  confirm(upTo: number): void {
    for (const lease of this.#leases) {
      while (lease.askedSequence !== 0 && lease.askedSequence <= upTo) {
        lease.confirmedMs = lease.askedMs;
        lease.askedMs = lease.nextMs;
        lease.askedSequence = lease.nextSequence;
        lease.nextMs = 0;
        lease.nextSequence = 0;
      }
    }
  }

  /** The guard is gone; what it had opened ends by itself, and is not renewed. */
  lose(): void {
    this.#losses += 1;
    for (const lease of this.#leases) lease.isOpen = false;
  }
}

function forget(lease: GuardedLease): void {
  lease.isOpen = false;
  lease.isOpening = false;
  lease.confirmedMs = 0;
  lease.askedMs = 0;
  lease.askedSequence = 0;
  lease.nextMs = 0;
  lease.nextSequence = 0;
}

/** A fence of nf_tables, by way of the guard. */
export class GuardFence implements Pick<Fence, "attach" | "detach" | "kind" | "setAddresses"> {
  readonly kind = "nft";
  readonly leases: GuardLeases;
  readonly #channel: GuardChannel;
  readonly #now: () => number;
  readonly #devices = new Map<number, string>();
  #instances: { readonly id: number; readonly addresses: string[] }[] = [];
  #sequence = 0;
  #confirmed = 0;
  /** The last order of a whole fence; 0: what is wanted has not been ordered yet. */
  #ordered = 0;
  #isInForce = false;
  #problem = "";
  #repairs = 0;
  #wasOpen: boolean;

  constructor(channel: GuardChannel, now: () => number) {
    this.#channel = channel;
    this.#now = now;
    this.#wasOpen = channel.isOpen;
    this.leases = new GuardLeases(this, now);
  }

  /** Why it is not in force as wanted; empty if it is. */
  get problem(): string {
    if (!this.#channel.isOpen) return "the guard, which keeps it, has ended";
    if (this.#problem !== "") return this.#problem;
    return this.#isInForce ? "" : "the guard has not answered yet";
  }

  setAddresses(addresses: ReadonlyMap<string, number>): void {
    const byInstance = new Map<number, string[]>();
    for (const [address, id] of addresses) {
      const list = byInstance.get(id) ?? [];
      list.push(address);
      byInstance.set(id, list);
    }
    this.#instances = [...byInstance].map(([id, list]) => ({ id, addresses: list }));
    this.#ordered = 0;
  }

  attach({ index, name }: FenceDevice): void {
    if (this.#devices.get(index) === name) return;
    this.#devices.set(index, name);
    this.#ordered = 0;
  }

  detach(device: number): void {
    if (this.#devices.delete(device)) this.#ordered = 0;
  }

  /** Forgets devices that are no more. */
  keepOnly(devices: ReadonlySet<number>): void {
    for (const device of this.#devices.keys()) if (!devices.has(device)) this.detach(device);
  }

  /**
   * Orders what is wanted, if that has not been done or failed.
   *
   * @param waitMs Longest wait for the guard's answer.
   */
  settle(waitMs: number): void {
    if ((this.#ordered !== 0 && this.#problem === "") || !this.#channel.isOpen) return;
    const devices = [...this.#devices].map(([index, name]) => ({ index, name }));
    this.#sequence += 1;
    this.#ordered = this.#sequence;
    this.#isInForce = false;
    this.#problem = "";
    const sequence = this.#ordered;
    this.#channel.order(encodeFence({ sequence, devices, instances: this.#instances }));
    this.wait(() => this.#isInForce || this.#problem !== "", this.#now() + waitMs);
  }

  /** Takes the guard's answers, and sees that it has died or was started anew. */
  receive(): void {
    this.#channel.receive((answer) => this.#take(answer));
    const { isOpen } = this.#channel;
    if (this.#wasOpen && !isOpen) this.leases.lose();
    this.#wasOpen = isOpen;
  }

  /** Another guard is there: it knows nothing. */
  begin(): void {
    this.leases.lose();
    this.#wasOpen = this.#channel.isOpen;
    this.#ordered = 0;
    this.#isInForce = false;
    this.#problem = "";
  }

  /** How often it was put back since the last call. */
  takeRepairs(): number {
    const repairs = this.#repairs;
    this.#repairs = 0;
    return repairs;
  }

  /** Asks for a lease. @returns Number of the order; 0 if it could not be said. */
  ask(slot: number, endMs: number): number {
    this.#sequence += 1;
    const sequence = this.#sequence;
    return this.#channel.hint(encodeLease({ slot, sequence, endMs })) ? sequence : 0;
  }

  /** Orders that a slot is closed. @returns Number of the order. */
  insist(slot: number): number {
    this.#sequence += 1;
    this.#channel.order(encodeLease({ slot, sequence: this.#sequence, endMs: 0 }));
    return this.#sequence;
  }

  isConfirmed(sequence: number): boolean {
    return this.#confirmed >= sequence;
  }

  /** Waits for the guard, while there is one. */
  wait(isOver: () => boolean, untilMs: number): void {
    for (;;) {
      this.receive();
      const leftMs = untilMs - this.#now();
      if (isOver() || leftMs <= 0 || !this.#channel.isOpen) return;
      this.#channel.wait(leftMs);
    }
  }

  #take(answer: GuardAnswer): void {
    if (answer.type === "repaired") {
      this.#repairs += 1;
      return;
    }
    if (answer.type === "problem") {
      // Of an order that another has followed: the answer to that one is under way.
      if (answer.sequence >= this.#ordered) this.#problem = answer.text;
      return;
    }
    this.#confirmed = Math.max(this.#confirmed, answer.sequence);
    this.leases.confirm(this.#confirmed);
    if (answer.sequence === this.#ordered) this.#isInForce = true;
  }
}
