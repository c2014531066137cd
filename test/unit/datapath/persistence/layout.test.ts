import { expect, test } from "bun:test";

import {
  capacityMax,
  createPersistenceBuffer,
  viewPersistenceBuffer,
} from "../../../../src/datapath/persistence/layout.ts";

test.each([
  { capacity: 1, sets: 1, bytes: 64 + 8 + 320 },
  { capacity: 8, sets: 1, bytes: 64 + 8 + 320 },
  { capacity: 9, sets: 2, bytes: 64 + 8 + 640 },
  { capacity: 65_536, sets: 8192, bytes: 64 + 32_768 + 2_621_440 },
])("createPersistenceBuffer($capacity) has $sets sets in $bytes bytes", (row) => {
  const buffer = createPersistenceBuffer(row.capacity);
  expect(buffer.byteLength).toBe(row.bytes);
  expect(viewPersistenceBuffer(buffer).setCount).toBe(row.sets);
});

test.each([0, -1, 1.5, Number.NaN, capacityMax + 1])(
  "createPersistenceBuffer refuses a capacity of %p",
  (capacity) => {
    expect(() => createPersistenceBuffer(capacity)).toThrow("out of range");
  },
);

test("createPersistenceBuffer takes another seed each time", () => {
  const seeds = Array.from(
    { length: 4 },
    () => viewPersistenceBuffer(createPersistenceBuffer(8)).seed,
  );
  expect(new Set(seeds).size).toBeGreaterThan(1);
});

test("viewPersistenceBuffer refuses a block that is something else", () => {
  expect(() => viewPersistenceBuffer(new SharedArrayBuffer(4096))).toThrow("not the block");
});
