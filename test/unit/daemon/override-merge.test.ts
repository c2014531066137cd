import { describe, expect, test } from "bun:test";

import * as fc from "fast-check";

import { mergeOverrides } from "../../../src/daemon/override-merge.ts";
import type { RevisedOverrides } from "../../../src/daemon/override-merge.ts";
import { formatOverrides } from "../../../src/daemon/overrides.ts";
import type { ServerOverride } from "../../../src/daemon/overrides.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 300);

function said(at: string, changes: Partial<ServerOverride> = {}): ServerOverride {
  return { admin: "draining", kill: false, weight: undefined, by: "uid 0", at, ...changes };
}

function setOf(revision: number, entries: Readonly<Record<string, ServerOverride>>) {
  return { revision, overrides: new Map(Object.entries(entries)) };
}

const a = "web\n192.0.2.1:80";
const b = "web\n192.0.2.2:80";

describe("mergeOverrides()", () => {
  test("the set that was changed last holds as a whole, also what was taken back", () => {
    const older = setOf(3, { [a]: said("2026-01-02T00:00:00Z") });
    const newer = setOf(4, {});
    expect(mergeOverrides(older, newer)).toBe(newer);
    expect(mergeOverrides(newer, older)).toBe(newer);
  });

  test("the same set is no change, in whatever order it is", () => {
    const own = setOf(3, { [a]: said("1"), [b]: said("2") });
    expect(mergeOverrides(own, setOf(3, { [b]: said("2"), [a]: said("1") }))).toBe(own);
  });

  test("changed on both: both, and of one server what was said later", () => {
    const own = setOf(3, { [a]: said("2"), [b]: said("1") });
    const other = setOf(3, { [b]: said("3", { weight: 5 }) });
    const merged = mergeOverrides(own, other);
    expect(merged.revision).toBe(4);
    expect(Object.fromEntries(merged.overrides)).toEqual({
      [a]: said("2"),
      [b]: said("3", { weight: 5 }),
    });
  });

  const override = fc.record({
    admin: fc.constantFrom("enabled" as const, "draining" as const, "disabled" as const),
    kill: fc.boolean(),
    weight: fc.option(fc.nat(9), { nil: undefined }),
    by: fc.constantFrom("uid 0", "uid 1"),
    at: fc.constantFrom("1", "2", "3"),
  });
  const revised: fc.Arbitrary<RevisedOverrides> = fc
    .tuple(fc.nat(2), fc.dictionary(fc.constantFrom(a, b, "dns\n[::1]:53"), override))
    .map(([revision, entries]) => setOf(revision, entries));

  test("both find the same, and stay with it", () => {
    fc.assert(
      fc.property(revised, revised, (one, other) => {
        const [here, there] = [mergeOverrides(one, other), mergeOverrides(other, one)];
        expect(here.revision).toBe(there.revision);
        const text = ({ overrides }: RevisedOverrides): string[] =>
          formatOverrides(overrides).split(/,?\n/).toSorted();
        expect(text(here)).toEqual(text(there));
        expect(mergeOverrides(here, there)).toBe(here);
      }),
      { seed, numRuns },
    );
  });
});
