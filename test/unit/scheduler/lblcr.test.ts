import { expect, test } from "bun:test";

import { createReplicatedLocality, replicasMax } from "../../../src/scheduler/lblcr.ts";
import { localityExpiryMs } from "../../../src/scheduler/locality.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { flowFrom, manyServers, server, servers } from "./fixture.ts";

test("lblcr keeps a destination on its server while that is not overloaded", () => {
  const scheduler = createReplicatedLocality();
  scheduler.update(servers({ a: 2, b: 1 }));
  const first = Array.from({ length: 6 }, (_, i) => scheduler.pick(flowFrom(1, i), [])?.key);
  const again = Array.from({ length: 6 }, (_, i) => scheduler.pick(flowFrom(2, i), [])?.key);
  expect(first.join("")).toBe("abaaba");
  expect(again).toEqual(first);
});

test("lblcr adds a server to an overloaded destination and then uses the less loaded", () => {
  const scheduler = createReplicatedLocality();
  const [a, b, c] = [server("a", 4), server("b", 4), server("c", 4, { activeConnections: 1 })];
  scheduler.update([a, b, c]);
  expect(scheduler.pick(flowFrom(), [])).toBe(a);
  a.activeConnections = 5;
  expect(scheduler.pick(flowFrom(), [])).toBe(b);
  b.activeConnections = 3;
  a.activeConnections = 2;
  // c is less loaded than both, but not one of this destination's servers.
  expect(scheduler.pick(flowFrom(), [])).toBe(a);
});

test("lblcr takes the most loaded server out of a set unchanged for a day", () => {
  const clock = createFakeClock();
  const scheduler = createReplicatedLocality(clock);
  const [a, b] = [server("a", 4), server("b", 4)];
  scheduler.update([a, b]);
  scheduler.pick(flowFrom(), []);
  a.activeConnections = 5;
  expect(scheduler.pick(flowFrom(), [])).toBe(b);
  b.activeConnections = 1;
  a.activeConnections = 2;
  for (let hours = 0; hours < 25; hours++) {
    clock.advance(localityExpiryMs / 24);
    expect(scheduler.pick(flowFrom(), [])).toBe(b);
  }
  // a has left the set: it is not used again although it is idle now.
  a.activeConnections = 0;
  expect(scheduler.pick(flowFrom(), [])).toBe(b);
});

test("lblcr forgets a destination after a day without use", () => {
  const clock = createFakeClock();
  const scheduler = createReplicatedLocality(clock);
  const [a, b] = [server("a", 4), server("b", 4)];
  scheduler.update([a, b]);
  expect(scheduler.pick(flowFrom(), [])).toBe(a);
  a.activeConnections = 1;
  clock.advance(localityExpiryMs + 1);
  expect(scheduler.pick(flowFrom(), [])).toBe(b);
});

test("lblcr keeps the members that stay over an update", () => {
  const scheduler = createReplicatedLocality();
  const list = servers({ a: 4, b: 4 });
  scheduler.update(list);
  scheduler.pick(flowFrom(), []);
  list[0]!.activeConnections = 5;
  expect(scheduler.pick(flowFrom(), [])?.key).toBe("b");
  const renewed = [server("b", 4, { activeConnections: 3 }), server("c", 4)];
  scheduler.update(renewed);
  expect(scheduler.pick(flowFrom(), [])?.key).toBe("b");
});

test("lblcr bounds the servers of a destination", () => {
  const scheduler = createReplicatedLocality();
  const list = manyServers(replicasMax + 4, () => 4);
  scheduler.update(list);
  const used = new Set(
    list.map(() => {
      const picked = scheduler.pick(flowFrom(), []);
      list.find((entry) => entry === picked)!.activeConnections = 5;
      return picked?.key;
    }),
  );
  expect(used.size).toBe(list.length);
  for (const entry of list) entry.activeConnections = 1;
  // Now nobody has to leave, and only members are used.
  const members = new Set<string | undefined>();
  for (const _ of list) {
    const picked = scheduler.pick(flowFrom(), []);
    list.find((entry) => entry === picked)!.activeConnections = 4;
    members.add(picked?.key);
  }
  expect(members.size).toBe(replicasMax);
});
