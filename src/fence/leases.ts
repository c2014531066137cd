/**
 * The leases of the fence, as memory shared with the kernel.
 *
 * ```text
 * instance i, 32 bytes: end_ns u64 | closings u32 | opened u32 | flags u32 | 0 u32 | drain_ns u64
 * ```
 * `struct lease` of fence.bpf.c. `end_ns` is CLOCK_MONOTONIC. An instance is open before its end,
 * and while `closings` equals `opened`. Before `drain_ns`, under the same condition, it answers no
 * question for the address but still serves what comes. Who writes: the real-time thread of the
 * director both ends, `opened` and the flag of a handover; the bpf engine the flag of a real
 * server; the guard counts up `closings`, and so does the thread when it closes. An
 * owner that opens hands in the count that it saw *before* it decided to: if the guard has closed
 * meanwhile, the two differ and nothing opens, however late the owner writes. Each word is stored
 * at once, so the program never sees half of one.
 *
 * @module
 */

import { mapShared } from "../../ffi/memory.ts";
import type { SharedMapping } from "../../ffi/memory.ts";
import { invariant } from "../errors/index.ts";

/** Instances that one director may have; INSTANCES_MAX of fence.bpf.c. */
export const instancesMax = 256;

const leaseBytes = 32;
/** Two pages: {@link instancesMax} leases. */
const mappingBytes = instancesMax * leaseBytes;
const endsPerLease = leaseBytes / 8;
/** Place of `drain_ns`, in words of 64 bits. */
const drainEnd = 3;
const wordsPerLease = leaseBytes / 4;
/** Words of a lease, of 32 bits. */
const word = { closings: 2, opened: 3, flags: 4 } as const;

/** This node is a real server of the same addresses too; LEASE_REAL_SERVER of fence.bpf.c. */
export const leaseFlagRealServer = 1;
/** There are entries in `handovers`; LEASE_FORWARD of fence.bpf.c. */
export const leaseFlagForward = 2;

/** What a director does with leases, whoever keeps them. */
export type Leases = Pick<
  LeaseTable,
  "close" | "closings" | "isClosed" | "open" | "renew" | "unmap"
>;

/** The leases, seen from one thread. A store takes some 40 ns. */
export class LeaseTable {
  readonly #mapping: SharedMapping;
  readonly #ends: BigUint64Array;
  readonly #words: Int32Array;

  /** @param map Descriptor of the map `leases`; may be closed afterwards. */
  constructor(map: number) {
    this.#mapping = mapShared(map, mappingBytes);
    this.#ends = new BigUint64Array(this.#mapping.bytes);
    this.#words = new Int32Array(this.#mapping.bytes);
  }

  /** Lets packets of an instance pass until `endNs`, unless it is closed. */
  renew(instance: number, endNs: bigint): void {
    Atomics.store(this.#ends, instance * endsPerLease, endNs);
  }

  /** Ends the lease now. */
  end(instance: number): void {
    Atomics.store(this.#ends, instance * endsPerLease, 0n);
  }

  /** End of a lease, ns of CLOCK_MONOTONIC; 0: none. */
  endOf(instance: number): bigint {
    return Atomics.load(this.#ends, instance * endsPerLease);
  }

  /** Nothing passes, whatever the lease says, until {@link open}. */
  close(instance: number): void {
    Atomics.add(this.#words, instance * wordsPerLease + word.closings, 1);
    this.end(instance);
    Atomics.store(this.#ends, instance * endsPerLease + drainEnd, 0n);
  }

  /**
   * Hands the addresses over: no question for them is answered from here on, and what comes for
   * them nevertheless is served until `endNs`. A lease that is closed or has ended stays so.
   */
  drain(instance: number, endNs: bigint, nowNs: bigint): void {
    const runs = !this.isClosed(instance) && this.endOf(instance) > nowNs;
    // First the one, then the other: in between both hold, and there is no gap.
    Atomics.store(this.#ends, instance * endsPerLease + drainEnd, runs ? endNs : 0n);
    this.end(instance);
  }

  /** How often it was closed, ever; for {@link open}. */
  closings(instance: number): number {
    return Atomics.load(this.#words, instance * wordsPerLease + word.closings);
  }

  /**
   * Lifts {@link close}, for an owner that has won the addresses.
   *
   * @param closings What {@link closings} said before the owner decided: one that came later
   * stands.
   */
  open(instance: number, closings: number): void {
    invariant(this.endOf(instance) === 0n, "a lease is opened only when it has ended");
    Atomics.store(this.#words, instance * wordsPerLease + word.opened, closings);
    Atomics.store(this.#ends, instance * endsPerLease + drainEnd, 0n);
  }

  /** True if it was closed since it was opened. */
  isClosed(instance: number): boolean {
    const { closings, opened } = word;
    const at = instance * wordsPerLease;
    return Atomics.load(this.#words, at + closings) !== Atomics.load(this.#words, at + opened);
  }

  /** Sets or clears one flag, {@link leaseFlagRealServer} or {@link leaseFlagForward}. */
  setFlag(instance: number, flag: number, isSet: boolean): void {
    const at = instance * wordsPerLease + word.flags;
    if (isSet) Atomics.or(this.#words, at, flag);
    else Atomics.and(this.#words, at, ~flag);
  }

  /** True if a flag is set. */
  hasFlag(instance: number, flag: number): boolean {
    return (Atomics.load(this.#words, instance * wordsPerLease + word.flags) & flag) !== 0;
  }

  /** Closes every instance. */
  closeAll(): void {
    for (let instance = 0; instance < instancesMax; instance++) this.close(instance);
  }

  /** Gives the memory back; the leases stay as they are. */
  unmap(): void {
    this.#mapping.unmap();
  }
}
