/**
 * The leases of the fence, as memory shared with the kernel.
 *
 * ```text
 * instance i, 16 bytes:  end_ns u64 | closed u32 | flags u32      (struct lease of fence.bpf.c)
 * ```
 * `end_ns` is CLOCK_MONOTONIC. Who writes: the real-time thread of the director `end_ns`, `flags`
 * and, at a takeover, `closed`; the guard sets `closed`. Each word is stored at once, so the program
 * never sees half of one, and `closed` beats whatever `end_ns` says.
 *
 * @module
 */

import { mapShared } from "../../ffi/memory.ts";
import type { SharedMapping } from "../../ffi/memory.ts";
import { invariant } from "../errors/index.ts";

/** Instances that one director may have; INSTANCES_MAX of fence.bpf.c. */
export const instancesMax = 256;

const leaseBytes = 16;
/** One page: {@link instancesMax} leases. */
const mappingBytes = instancesMax * leaseBytes;

/** This node is a real server of the same addresses too; LEASE_REAL_SERVER of fence.bpf.c. */
export const leaseFlagRealServer = 1;

/** The leases, seen from one thread. A store takes some 40 ns. */
export class LeaseTable {
  readonly #mapping: SharedMapping;
  readonly #ends: BigUint64Array;
  readonly #words: Uint32Array;

  /** @param map Descriptor of the map `leases`; may be closed afterwards. */
  constructor(map: number) {
    this.#mapping = mapShared(map, mappingBytes);
    this.#ends = new BigUint64Array(this.#mapping.bytes);
    this.#words = new Uint32Array(this.#mapping.bytes);
  }

  /** Lets packets of an instance pass until `endNs`, unless it is closed. */
  renew(instance: number, endNs: bigint): void {
    Atomics.store(this.#ends, instance * 2, endNs);
  }

  /** Ends the lease now. */
  end(instance: number): void {
    Atomics.store(this.#ends, instance * 2, 0n);
  }

  /** End of a lease, ns of CLOCK_MONOTONIC; 0: none. */
  endOf(instance: number): bigint {
    return Atomics.load(this.#ends, instance * 2);
  }

  /** Nothing passes, whatever the lease says, until {@link reopen}. */
  close(instance: number): void {
    Atomics.store(this.#words, instance * 4 + 2, 1);
    this.end(instance);
  }

  /** Lifts {@link close}; only for a takeover, with the lease ended. */
  reopen(instance: number): void {
    invariant(this.endOf(instance) === 0n, "a lease is reopened only when it has ended");
    Atomics.store(this.#words, instance * 4 + 2, 0);
  }

  isClosed(instance: number): boolean {
    return Atomics.load(this.#words, instance * 4 + 2) !== 0;
  }

  /** See {@link leaseFlagRealServer}. */
  setFlags(instance: number, flags: number): void {
    Atomics.store(this.#words, instance * 4 + 3, flags);
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
