/** Promises that every scheduler keeps, whatever its policy (src/scheduler/scheduler.ts). */
import { describe, expect, test } from "bun:test";

import { schedulerNames } from "../../src/model/index.ts";
import { createScheduler } from "../../src/scheduler/index.ts";
import type { Scheduler } from "../../src/scheduler/index.ts";
import { flowFrom, manyServers, server, servers } from "../unit/scheduler/fixture.ts";
import type { TestServer } from "../unit/scheduler/fixture.ts";

/** Keys that get at least one of many flows, from many clients to many destinations. */
function reached(scheduler: Scheduler): Set<string | undefined> {
  const keys = new Set<string | undefined>();
  for (let client = 1; client < 250; client++) {
    keys.add(scheduler.pick(flowFrom(client, client), [])?.key);
  }
  return keys;
}

function schedulerWith(name: (typeof schedulerNames)[number], list: TestServer[]): Scheduler {
  const scheduler = createScheduler(name);
  scheduler.update(list);
  return scheduler;
}

describe.each([...schedulerNames])("scheduler %s", (name) => {
  test("bears its own name", () => {
    expect(createScheduler(name).name).toBe(name);
  });

  test("picks nothing before it has candidates, and after it has lost them", () => {
    const scheduler = createScheduler(name);
    expect(scheduler.pick(flowFrom(), [])).toBeUndefined();
    scheduler.update(servers({ a: 1, b: 1 }));
    expect(scheduler.pick(flowFrom(), [])).toBeDefined();
    scheduler.update([]);
    expect(scheduler.pick(flowFrom(), [])).toBeUndefined();
  });

  test("gives everything to the only candidate, as the object it was given", () => {
    const only = server("only", 1);
    const scheduler = schedulerWith(name, [only]);
    for (let client = 1; client < 50; client++) {
      expect(scheduler.pick(flowFrom(client, client), [])).toBe(only);
    }
  });

  test("never picks a quiescent real server", () => {
    const scheduler = schedulerWith(name, servers({ quiescent: 0, working: 1, gone: 0 }));
    expect(reached(scheduler)).toEqual(new Set(["working"]));
  });

  test("picks nothing if all are quiescent", () => {
    expect(reached(schedulerWith(name, servers({ a: 0, b: 0 })))).toEqual(new Set([undefined]));
  });

  test("never picks an overloaded real server, as soon as it is one", () => {
    const [a, b] = servers({ a: 10, b: 10 }) as [TestServer, TestServer];
    const scheduler = schedulerWith(name, [a, b]);
    a.isOverloaded = true;
    expect(reached(scheduler)).toEqual(new Set(["b"]));
    b.isOverloaded = true;
    expect(reached(scheduler)).toEqual(new Set([undefined]));
    a.isOverloaded = false;
    expect(reached(scheduler)).toEqual(new Set(["a"]));
  });

  test("never picks a weight that has become 0, even before it is told", () => {
    const [a, b] = servers({ a: 10, b: 10 }) as [TestServer, TestServer];
    const scheduler = schedulerWith(name, [a, b]);
    reached(scheduler);
    b.weight = 0;
    expect(reached(scheduler)).toEqual(new Set(["a"]));
  });

  test("tries every real server once for one flow, then gives up", () => {
    const list = manyServers(70, (index) => 1 + (index % 3));
    const scheduler = schedulerWith(name, list);
    const tried: TestServer[] = [];
    for (let attempt = 0; attempt < list.length; attempt++) {
      const picked = scheduler.pick(flowFrom(), tried);
      expect(picked).toBeDefined();
      tried.push(picked!);
    }
    expect(new Set(tried).size).toBe(70);
    expect(scheduler.pick(flowFrom(), tried)).toBeUndefined();
  });

  test("never picks a removed real server, and takes the new object of a known key", () => {
    const scheduler = schedulerWith(name, servers({ a: 5, b: 9, c: 5 }));
    reached(scheduler);
    const renewed = servers({ c: 5, a: 7 });
    scheduler.update(renewed);
    for (let client = 1; client < 250; client++) {
      expect(renewed).toContain(scheduler.pick(flowFrom(client, client), []) as TestServer);
    }
  });

  test("is not disturbed by what the caller does to its array", () => {
    const list = servers({ a: 1, b: 1 });
    const scheduler = schedulerWith(name, list);
    list.length = 0;
    expect(scheduler.pick(flowFrom(), [])).toBeDefined();
  });

  test("leaves candidates, flow and tried as they are", () => {
    const list = servers({ b: 2, a: 1, c: 0 });
    const scheduler = schedulerWith(name, list);
    const [flow, tried] = [flowFrom(), [list[0]!]];
    scheduler.pick(flow, tried);
    expect(list).toEqual(servers({ b: 2, a: 1, c: 0 }));
    expect(flow).toEqual(flowFrom());
    expect(tried).toEqual([list[0]!]);
  });

  test("does the same again from the same start", () => {
    const run = (): (string | undefined)[] => {
      const scheduler = schedulerWith(name, servers({ a: 3, b: 1, c: 2 }));
      return Array.from({ length: 60 }, (_, i) => scheduler.pick(flowFrom(i, i), [])?.key);
    };
    expect(run()).toEqual(run());
  });

  test.each([
    { title: "65,535 each", weightOf: () => 65_535 },
    { title: "1 and 65,535", weightOf: (index: number) => (index % 2 === 0 ? 1 : 65_535) },
  ])("handles 1,000 real servers with weights of $title", ({ weightOf }) => {
    const list = manyServers(1000, weightOf);
    const scheduler = schedulerWith(name, list);
    for (let client = 1; client < 200; client++) {
      expect(scheduler.pick(flowFrom(client, client), [])).toBeDefined();
    }
    const last = list[999]!;
    expect(scheduler.pick(flowFrom(), list.slice(0, 999))).toBe(last);
  });

  test("picks by any address, also those above 2^31", () => {
    const scheduler = schedulerWith(name, servers({ a: 1, b: 1 }));
    for (const word of [0, 1, 0x7fffffff, 0x80000000, 0xffffffff]) {
      const flow = { ...flowFrom(), sourceWord: word, destinationWord: word };
      expect(scheduler.pick(flow, [])).toBeDefined();
    }
  });
});
