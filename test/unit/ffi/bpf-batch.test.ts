import { describe, expect, test } from "bun:test";

import { BpfBatch, updateBpfEntries } from "../../../ffi/bpf-batch.ts";
import { createBpfMap, lookupBpfMap, updateBpfMap } from "../../../ffi/bpf.ts";
import { BPF_MAP_TYPE_HASH } from "../../../ffi/constants/bpf.ts";
import { closeDescriptor } from "../../../ffi/socket.ts";
import { requireBpf } from "../../helpers/require-bpf.ts";

const needs = requireBpf();

describe.skipIf(needs.skip)(`BpfBatch ${needs.reason}`.trim(), () => {
  test.each([0, 1, 500])("reads a map of %d entries, each once", (count) => {
    const spec = { type: BPF_MAP_TYPE_HASH, keyBytes: 4, valueBytes: 8, entriesMax: 1000 };
    const map = createBpfMap(spec);
    try {
      for (let key = 0; key < count; key++) {
        const value = new Uint8Array(BigUint64Array.of(BigInt(key) * 3n).buffer);
        updateBpfMap(map, new Uint8Array(Uint32Array.of(key).buffer), value);
      }
      const batch = new BpfBatch({ map, keyBytes: 4, valueBytes: 8, entries: 128 });
      const found = new Map<number, bigint>();
      for (let read = batch.next(); read > 0; read = batch.next()) {
        const keys = new Uint32Array(batch.keys.buffer, 0, read);
        const values = new BigUint64Array(batch.values.buffer, 0, read);
        for (const [at, key] of keys.entries()) {
          expect(found.has(key)).toBe(false);
          found.set(key, values[at]!);
        }
      }
      expect(found.size).toBe(count);
      for (const [key, value] of found) expect(value).toBe(BigInt(key) * 3n);
      expect(batch.next()).toBe(0);
    } finally {
      closeDescriptor(map);
    }
  });
});

describe.skipIf(needs.skip)(`updateBpfEntries() ${needs.reason}`.trim(), () => {
  const spec = { type: BPF_MAP_TYPE_HASH, keyBytes: 4, valueBytes: 8, entriesMax: 4 };

  function entriesOf(keys: readonly number[], value: bigint) {
    const values = BigUint64Array.from(keys, () => value);
    return {
      keys: new Uint8Array(Uint32Array.from(keys).buffer),
      values: new Uint8Array(values.buffer),
      count: keys.length,
    };
  }

  test("writes entries, new ones and those that are there", () => {
    const map = createBpfMap(spec);
    try {
      updateBpfEntries(map, entriesOf([], 0n));
      updateBpfEntries(map, entriesOf([1, 2], 5n));
      updateBpfEntries(map, entriesOf([2, 3], 7n));
      const value = new BigUint64Array(1);
      const read = (key: number): bigint => {
        const bytes = new Uint8Array(Uint32Array.of(key).buffer);
        expect(lookupBpfMap(map, bytes, new Uint8Array(value.buffer))).toBe(true);
        return value[0]!;
      };
      expect([1, 2, 3].map(read)).toEqual([5n, 7n, 7n]);
    } finally {
      closeDescriptor(map);
    }
  });

  test("a full map is an error", () => {
    const map = createBpfMap(spec);
    try {
      expect(() => updateBpfEntries(map, entriesOf([1, 2, 3, 4, 5], 1n))).toThrow(
        expect.objectContaining({ syscall: "bpf" }),
      );
    } finally {
      closeDescriptor(map);
    }
  });
});
