import { describe, expect, test } from "bun:test";

import { difference, PeerComparison } from "../../../src/failover/peer-comparison.ts";

const unknown = Uint32Array.of(0, 0);
const one = Uint32Array.of(1, 2);
const two = Uint32Array.of(1, 3);

describe("PeerComparison", () => {
  test("tells a difference once, when it has lasted for 5 s", () => {
    const comparison = new PeerComparison();
    expect(comparison.difference).toBe(difference.unknown);
    expect(comparison.look(one, two, 1000)).toBeUndefined();
    expect(comparison.difference).toBe(difference.different);
    expect(comparison.look(one, two, 5999)).toBeUndefined();
    expect(comparison.look(one, two, 6000)).toBe(false);
    expect(comparison.look(one, two, 7000)).toBeUndefined();
  });

  test("tells at once that they are the same again, if a difference was told", () => {
    const comparison = new PeerComparison();
    comparison.look(one, two, 0);
    comparison.look(one, two, 5000);
    expect(comparison.look(one, one, 5001)).toBe(true);
    expect(comparison.difference).toBe(difference.same);
    expect(comparison.look(one, one, 5002)).toBeUndefined();
  });

  test("tells nothing of a reload on one director after the other", () => {
    const comparison = new PeerComparison();
    expect(comparison.look(one, one, 0)).toBeUndefined();
    expect(comparison.look(two, one, 1000)).toBeUndefined();
    expect(comparison.look(two, two, 5000)).toBeUndefined();
    // The next difference has its own time.
    expect(comparison.look(one, two, 6500)).toBeUndefined();
    expect(comparison.look(one, two, 11_499)).toBeUndefined();
  });

  test.each([
    [unknown, one],
    [one, unknown],
  ])("does not compare %p with %p", (own, other) => {
    const comparison = new PeerComparison();
    expect(comparison.look(own, other, 0)).toBeUndefined();
    expect(comparison.look(own, other, 60_000)).toBeUndefined();
    expect(comparison.difference).toBe(difference.unknown);
  });

  test("forgets another peer", () => {
    const comparison = new PeerComparison();
    comparison.look(one, two, 0);
    comparison.forget();
    expect(comparison.difference).toBe(difference.unknown);
    expect(comparison.look(one, two, 6000)).toBeUndefined();
  });
});
