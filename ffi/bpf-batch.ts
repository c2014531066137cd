/**
 * bpf(2): many entries of a hash map by one call (BPF_MAP_LOOKUP_BATCH and BPF_MAP_UPDATE_BATCH,
 * Linux 5.6).
 *
 * @module
 */

import { callBpf, newBpfAttribute, requireBpf } from "./bpf.ts";
import { BPF_MAP_LOOKUP_BATCH, BPF_MAP_UPDATE_BATCH } from "./constants/bpf.ts";
import { ENOENT } from "./errno.ts";
import { addressOf, errno } from "./libc.ts";

/** Which map, and how much of it at once. */
export interface BpfBatchSpec {
  readonly map: number;
  readonly keyBytes: number;
  readonly valueBytes: number;
  /** Entries a call; must be more than one bucket of the map can hold. */
  readonly entries: number;
}

/** A walk through a map. Entries that come or go meanwhile may be missed. */
export class BpfBatch {
  /** The keys of the last call, one behind the other. */
  readonly keys: Uint8Array;
  /** Their values. */
  readonly values: Uint8Array;
  readonly #entries: number;
  readonly #attribute = newBpfAttribute();
  /** Where the kernel goes on; the first call has none. */
  readonly #cursor = new Uint32Array(2);
  #isOver = false;

  constructor({ map, keyBytes, valueBytes, entries }: BpfBatchSpec) {
    this.keys = new Uint8Array(keyBytes * entries);
    this.values = new Uint8Array(valueBytes * entries);
    this.#entries = entries;
    const attribute = this.#attribute;
    attribute.setBigUint64(8, BigInt(addressOf(this.#cursor)), true);
    attribute.setBigUint64(16, BigInt(addressOf(this.keys)), true);
    attribute.setBigUint64(24, BigInt(addressOf(this.values)), true);
    attribute.setUint32(36, map, true);
  }

  /**
   * Reads on. @returns How many entries {@link keys} and {@link values} hold now; 0 at the end.
   *
   * @throws {SyscallError} `EINVAL` where the kernel cannot; `ENOSPC` if `entries` is too small.
   */
  next(): number {
    if (this.#isOver) return 0;
    const attribute = this.#attribute;
    attribute.setUint32(32, this.#entries, true);
    if (callBpf(BPF_MAP_LOOKUP_BATCH, attribute) === -1) {
      if (errno() !== ENOENT) requireBpf(-1, "read a map");
      this.#isOver = true;
    }
    attribute.setBigUint64(0, BigInt(addressOf(this.#cursor)), true);
    return attribute.getUint32(32, true);
  }
}

/** Entries to be written. */
export interface BpfEntries {
  /** Keys, one behind the other. */
  readonly keys: Uint8Array;
  /** Their values. */
  readonly values: Uint8Array;
  /** How many of them count. */
  readonly count: number;
}

/**
 * Writes entries, new ones and those that are there.
 *
 * @throws {SyscallError} `E2BIG` if the map is full, `EINVAL` where the kernel cannot.
 */
export function updateBpfEntries(map: number, entries: BpfEntries): void {
  if (entries.count === 0) return;
  const attribute = newBpfAttribute();
  attribute.setBigUint64(16, BigInt(addressOf(entries.keys)), true);
  attribute.setBigUint64(24, BigInt(addressOf(entries.values)), true);
  attribute.setUint32(32, entries.count, true);
  attribute.setUint32(36, map, true);
  requireBpf(callBpf(BPF_MAP_UPDATE_BATCH, attribute), "write a map");
}
