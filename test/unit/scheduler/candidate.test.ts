import { expect, test } from "bun:test";

import { byKey, canTake, carryNumbers, sortedByKey } from "../../../src/scheduler/candidate.ts";
import { server, servers } from "./fixture.ts";

test.each([
  { title: "weight above 0", state: { weight: 1 }, expected: true },
  { title: "highest weight", state: { weight: 65_535 }, expected: true },
  { title: "quiescent", state: { weight: 0 }, expected: false },
  { title: "overloaded", state: { isOverloaded: true }, expected: false },
])("canTake says $expected for $title", ({ state, expected }) => {
  expect(canTake(server("a", 1, state), [])).toBe(expected);
});

test("canTake refuses what was tried, by identity", () => {
  const [a, b, twin] = [server("a", 1), server("b", 1), server("a", 1)];
  expect(canTake(a, [b, a])).toBe(false);
  expect(canTake(a, [b])).toBe(true);
  expect(canTake(twin, [b, a])).toBe(true);
});

test("sortedByKey orders by code units, not by locale, into a new array", () => {
  const list = ["b:80", "10.0.0.9:80", "a:80", "B:80", "10.0.0.10:80"].map((key) => ({ key }));
  expect(sortedByKey(list).map(({ key }) => key)).toEqual([
    "10.0.0.10:80",
    "10.0.0.9:80",
    "B:80",
    "a:80",
    "b:80",
  ]);
  expect(list[0]!.key).toBe("b:80");
});

test("byKey finds the object", () => {
  const list = servers({ a: 1, b: 2 });
  expect(byKey(list).get("b")).toBe(list[1]);
  expect(byKey(list).get("c")).toBeUndefined();
});

test("carryNumbers matches by key and gives newcomers their start", () => {
  const from = { candidates: servers({ a: 1, b: 1, c: 1 }), numbers: Float64Array.of(1, 2, 3) };
  const carried = carryNumbers(from, servers({ c: 1, d: 1, a: 1 }), 9);
  expect([...carried]).toEqual([3, 9, 1]);
});
