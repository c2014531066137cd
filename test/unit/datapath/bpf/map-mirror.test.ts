import { describe, expect, test } from "bun:test";

import { MapMirror } from "../../../../src/datapath/bpf/map-mirror.ts";
import { FakeBpfKernel } from "../../bpf/fake-kernel.ts";

const bytes = { key: 1, value: 2 };

/** A kernel with one map that counts what is written. */
function createMap() {
  const kernel = new FakeBpfKernel();
  const map = kernel.createMap();
  let updates = 0;
  const update = kernel.update.bind(kernel);
  kernel.update = (...args) => {
    updates += 1;
    update(...args);
  };
  const content = (): string[] => [...kernel.entries.get(map)!].map(([k, v]) => k + v.toHex());
  return { kernel, map, content, updates: () => updates };
}

describe("MapMirror", () => {
  test("writes only what differs", () => {
    const { kernel, map, content, updates } = createMap();
    const mirror = new MapMirror({ kernel, map, bytes });
    mirror.set(Uint8Array.of(1), Uint8Array.of(2, 3));
    mirror.set(Uint8Array.of(1), Uint8Array.of(2, 3));
    expect(updates()).toBe(1);
    mirror.set(Uint8Array.of(1), Uint8Array.of(2, 4));
    expect(content()).toEqual(["010204"]);
  });

  test("retain() removes the others", () => {
    const { kernel, map, content } = createMap();
    const mirror = new MapMirror({ kernel, map, bytes });
    for (const key of [1, 2, 3]) mirror.set(Uint8Array.of(key), Uint8Array.of(0, 0));
    mirror.retain(new Set(["02"]));
    expect(content()).toEqual(["020000"]);
  });

  test("read() knows what an earlier process has written", () => {
    const { kernel, map, content, updates } = createMap();
    new MapMirror({ kernel, map, bytes }).set(Uint8Array.of(1), Uint8Array.of(2, 3));
    const mirror = new MapMirror({ kernel, map, bytes });
    expect(mirror.read(10)).toEqual([[Uint8Array.of(1), Uint8Array.of(2, 3)]]);
    mirror.set(Uint8Array.of(1), Uint8Array.of(2, 3));
    expect(updates()).toBe(1);
    mirror.retain(new Set());
    expect(content()).toEqual([]);
  });

  test("read() ends at its bound", () => {
    const { kernel, map } = createMap();
    const first = new MapMirror({ kernel, map, bytes });
    for (const key of [1, 2, 3]) first.set(Uint8Array.of(key), Uint8Array.of(0, 0));
    expect(new MapMirror({ kernel, map, bytes }).read(2)).toHaveLength(2);
  });
});
