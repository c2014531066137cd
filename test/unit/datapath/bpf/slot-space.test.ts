import { describe, expect, test } from "bun:test";

import { SlotSpace } from "../../../../src/datapath/bpf/slot-space.ts";

describe("SlotSpace", () => {
  test("gives the first gap that is large enough", () => {
    const space = new SlotSpace(10);
    expect(space.take(3)).toEqual({ start: 0, length: 3 });
    const second = space.take(3)!;
    expect(space.take(3)).toEqual({ start: 6, length: 3 });
    space.release(second);
    space.settle();
    expect(space.take(4)).toBeUndefined();
    expect(space.take(2)).toEqual({ start: 3, length: 2 });
  });

  test("what is given back is free only after settle()", () => {
    const space = new SlotSpace(4);
    const first = space.take(4)!;
    space.release(first);
    expect(space.take(1)).toBeUndefined();
    expect(space.usedSlots).toBe(4);
    space.settle();
    expect(space.usedSlots).toBe(0);
    expect(space.take(4)).toEqual(first);
  });

  test("keeps away from what an earlier process has taken", () => {
    const space = new SlotSpace(10);
    space.adopt({ start: 2, length: 5 });
    expect(space.take(3)).toEqual({ start: 7, length: 3 });
    expect(space.take(2)).toEqual({ start: 0, length: 2 });
  });

  test("an empty table needs no room", () => {
    const space = new SlotSpace(0);
    expect(space.take(0)).toEqual({ start: 0, length: 0 });
    space.release({ start: 0, length: 0 });
    space.settle();
    expect(space.usedSlots).toBe(0);
  });
});
