/**
 * One map of the kernel and what this process knows to stand in it, so that only differences are
 * written. Owned by one engine.
 *
 * @module
 */

import type { BpfKernel } from "../../bpf/index.ts";

/** Which map, and how long its keys and values are. */
export interface MapMirrorOptions {
  readonly kernel: BpfKernel;
  readonly map: number;
  readonly bytes: { readonly key: number; readonly value: number };
}

/** A map with a copy of its entries. */
export class MapMirror {
  readonly #options: MapMirrorOptions;
  /** Hex texts of value by key. */
  readonly #known = new Map<string, string>();

  constructor(options: MapMirrorOptions) {
    this.#options = options;
  }

  /**
   * Reads what an earlier process left.
   *
   * @param entriesMax Bounds the walk: somebody else may write at the same time.
   */
  read(entriesMax: number): (readonly [key: Uint8Array, value: Uint8Array])[] {
    const { kernel, map, bytes } = this.#options;
    const entries: (readonly [Uint8Array, Uint8Array])[] = [];
    let key = kernel.nextKey(map, undefined, bytes.key);
    for (; key !== undefined && entries.length < entriesMax;) {
      const value = new Uint8Array(bytes.value);
      if (kernel.lookup(map, key, value)) {
        this.#known.set(key.toHex(), value.toHex());
        entries.push([key, value]);
      }
      key = kernel.nextKey(map, key, bytes.key);
    }
    return entries;
  }

  /** Writes an entry unless it stands there already. @throws {SyscallError} `E2BIG`: full. */
  set(key: Uint8Array, value: Uint8Array): void {
    const [keyText, valueText] = [key.toHex(), value.toHex()];
    if (this.#known.get(keyText) === valueText) return;
    this.#options.kernel.update(this.#options.map, key, value);
    this.#known.set(keyText, valueText);
  }

  /** Removes the entries whose key, in hex, is not among `keys`. */
  retain(keys: ReadonlySet<string>): void {
    for (const keyText of this.#known.keys()) {
      if (keys.has(keyText)) continue;
      this.#options.kernel.remove(this.#options.map, Uint8Array.fromHex(keyText));
      this.#known.delete(keyText);
    }
  }
}
