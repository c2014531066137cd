import { expect, test } from "bun:test";

import { createSourceHashing } from "../../../src/scheduler/sh.ts";
import { flowFrom, pickCounts, servers } from "./fixture.ts";
import type { TestServer } from "./fixture.ts";

function schedulerOf(list: TestServer[]): (client: number) => string | undefined {
  const scheduler = createSourceHashing();
  scheduler.update(list);
  return (client) => scheduler.pick(flowFrom(client, client * 7), [])?.key;
}

test("sh gives these clients these servers, in every version of this program", () => {
  const pick = schedulerOf(servers({ a: 1, b: 1, c: 1 }));
  const order = Array.from({ length: 16 }, (_, client) => pick(client)).join("");
  expect(order).toBe("acacacbcbcbababa");
});

test("sh gives the same client the same server, whatever its destination and port", () => {
  const scheduler = createSourceHashing();
  scheduler.update(servers({ a: 1, b: 2, c: 3 }));
  const expected = scheduler.pick(flowFrom(9), [])!;
  for (let destination = 0; destination < 50; destination++) {
    const flow = { ...flowFrom(9, destination), sourcePort: 1024 + destination };
    expect(scheduler.pick(flow, [])).toBe(expected);
  }
});

test("sh does not depend on the order of the configuration", () => {
  const one = schedulerOf(servers({ a: 1, b: 2, c: 3 }));
  const other = schedulerOf(servers({ c: 3, a: 1, b: 2 }));
  for (let client = 0; client < 256; client++) expect(other(client)).toBe(one(client));
});

test("sh respects weights", () => {
  const scheduler = createSourceHashing();
  scheduler.update(servers({ a: 4, b: 2, c: 1, d: 1 }));
  const counts = pickCounts(scheduler, 25_600);
  // Successive addresses fall evenly into 256 buckets; a bucket more or less is 100 clients.
  expect(Math.abs(counts["a"]! - 12_800)).toBeLessThan(200);
  expect(Math.abs(counts["b"]! - 6400)).toBeLessThan(200);
  expect(Math.abs(counts["c"]! - 3200)).toBeLessThan(200);
  expect(Math.abs(counts["d"]! - 3200)).toBeLessThan(200);
});

test("sh moves only the clients of an overloaded server, and to all others", () => {
  const list = servers({ a: 1, b: 1, c: 1, d: 1 });
  const pick = schedulerOf(list);
  const before = Array.from({ length: 256 }, (_, client) => pick(client));
  list[0]!.isOverloaded = true;
  const movedTo = new Set<string | undefined>();
  for (const [client, key] of before.entries()) {
    if (key === "a") movedTo.add(pick(client));
    else expect(pick(client)).toBe(key);
  }
  expect(movedTo.size).toBeGreaterThan(0);
  expect(movedTo.has("a")).toBe(false);
  list[0]!.isOverloaded = false;
  expect(Array.from({ length: 256 }, (_, client) => pick(client))).toEqual(before);
});
