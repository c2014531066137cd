import { expect, test } from "bun:test";

import { createLocalityLeastConnection, shouldLeave } from "../../../src/scheduler/lblc.ts";
import { localityExpiryMs } from "../../../src/scheduler/locality.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { flowFrom, server, servers } from "./fixture.ts";

test.each([
  { title: "not above its weight", active: 4, other: 0, expected: false },
  { title: "above its weight, another below half", active: 5, other: 1, expected: true },
  { title: "above its weight, the other at half", active: 5, other: 2, expected: false },
])("shouldLeave: $title: $expected", ({ active, other, expected }) => {
  const busy = server("busy", 4, { activeConnections: active });
  const list = [busy, server("other", 4, { activeConnections: other })];
  expect(shouldLeave(busy, list, [])).toBe(expected);
});

test("shouldLeave does not count on a server that cannot take a connection", () => {
  const busy = server("busy", 4, { activeConnections: 5 });
  const idle = server("idle", 4);
  expect(shouldLeave(busy, [busy, idle], [idle])).toBe(false);
  idle.isOverloaded = true;
  expect(shouldLeave(busy, [busy, idle], [])).toBe(false);
});

test("lblc keeps a destination on its server, and spreads destinations as wlc", () => {
  const scheduler = createLocalityLeastConnection();
  scheduler.update(servers({ a: 2, b: 1 }));
  const first = Array.from({ length: 6 }, (_, i) => scheduler.pick(flowFrom(1, i), [])?.key);
  const again = Array.from({ length: 6 }, (_, i) => scheduler.pick(flowFrom(2, i), [])?.key);
  expect(first.join("")).toBe("abaaba");
  expect(again).toEqual(first);
});

test("lblc moves a destination away from an overloaded server, for good", () => {
  const scheduler = createLocalityLeastConnection();
  const [a, b] = [server("a", 4), server("b", 4)];
  scheduler.update([a, b]);
  expect(scheduler.pick(flowFrom(), [])).toBe(a);
  a.activeConnections = 5;
  expect(scheduler.pick(flowFrom(), [])).toBe(b);
  a.activeConnections = 0;
  b.activeConnections = 3;
  expect(scheduler.pick(flowFrom(), [])).toBe(b);
});

test("lblc moves a destination whose server cannot take it", () => {
  const scheduler = createLocalityLeastConnection();
  const [a, b] = [server("a", 4), server("b", 4)];
  scheduler.update([a, b]);
  expect(scheduler.pick(flowFrom(), [])).toBe(a);
  expect(scheduler.pick(flowFrom(), [a])).toBe(b);
  expect(scheduler.pick(flowFrom(), [])).toBe(b);
  b.weight = 0;
  expect(scheduler.pick(flowFrom(), [])).toBe(a);
});

test("lblc keeps destinations over an update, except those of a removed server", () => {
  const scheduler = createLocalityLeastConnection();
  scheduler.update(servers({ a: 1, b: 1 }));
  expect([1, 2].map((i) => scheduler.pick(flowFrom(1, i), [])?.key).join("")).toBe("ab");
  const renewed = servers({ c: 1, b: 1 });
  scheduler.update(renewed);
  renewed[1]!.activeConnections = 1;
  expect([1, 2].map((i) => scheduler.pick(flowFrom(1, i), [])?.key).join("")).toBe("cb");
});

test("lblc forgets a destination after a day without use", () => {
  const clock = createFakeClock();
  const scheduler = createLocalityLeastConnection(clock);
  const [a, b] = [server("a", 4), server("b", 4)];
  scheduler.update([a, b]);
  expect(scheduler.pick(flowFrom(), [])).toBe(a);
  a.activeConnections = 1;
  clock.advance(localityExpiryMs);
  expect(scheduler.pick(flowFrom(), [])).toBe(a);
  clock.advance(localityExpiryMs + 1);
  expect(scheduler.pick(flowFrom(), [])).toBe(b);
});
