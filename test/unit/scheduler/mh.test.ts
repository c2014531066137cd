import { expect, test } from "bun:test";

import { createMaglevHashing } from "../../../src/scheduler/mh.ts";
import { flowFrom, manyServers, pickCounts } from "./fixture.ts";
import type { TestServer } from "./fixture.ts";

function picksOf(list: TestServer[]): () => (string | undefined)[] {
  const scheduler = createMaglevHashing();
  scheduler.update(list);
  return () =>
    Array.from({ length: 2000 }, (_, client) => scheduler.pick(flowFrom(client), [])?.key);
}

test("mh gives the same client the same server, whatever its destination and port", () => {
  const scheduler = createMaglevHashing();
  scheduler.update(manyServers(5, () => 1));
  const expected = scheduler.pick(flowFrom(9), [])!;
  for (let destination = 0; destination < 50; destination++) {
    const flow = { ...flowFrom(9, destination), sourcePort: 1024 + destination };
    expect(scheduler.pick(flow, [])).toBe(expected);
  }
});

test("mh spreads clients by weight", () => {
  const scheduler = createMaglevHashing();
  scheduler.update(manyServers(3, (index) => 1 + index));
  const counts = Object.values(pickCounts(scheduler, 60_000)).toSorted((a, b) => a - b);
  expect(counts.length).toBe(3);
  for (const [index, expected] of [10_000, 20_000, 30_000].entries()) {
    expect(Math.abs(counts[index]! - expected)).toBeLessThan(600);
  }
});

test("mh moves only the clients of an overloaded server, to many others, and back", () => {
  const list = manyServers(8, () => 1);
  const picks = picksOf(list);
  const before = picks();
  list[3]!.isOverloaded = true;
  const during = picks();
  const movedTo = new Set(during.filter((_, client) => before[client] === list[3]!.key));
  expect(movedTo.size).toBe(7);
  expect(movedTo.has(list[3]!.key)).toBe(false);
  for (const [client, key] of before.entries()) {
    if (key !== list[3]!.key) expect(during[client]).toBe(key);
  }
  list[3]!.isOverloaded = false;
  expect(picks()).toEqual(before);
});

test("mh finds the one of 1,000 servers that can take a connection", () => {
  const list = manyServers(1000, () => 1);
  const scheduler = createMaglevHashing();
  scheduler.update(list);
  for (const entry of list) entry.isOverloaded = true;
  list[777]!.isOverloaded = false;
  for (let client = 0; client < 50; client++) {
    expect(scheduler.pick(flowFrom(client), [])).toBe(list[777]);
  }
});
