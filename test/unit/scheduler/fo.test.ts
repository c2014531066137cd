import { expect, test } from "bun:test";

import { createFailover } from "../../../src/scheduler/fo.ts";
import { flowFrom, pickOrder, servers } from "./fixture.ts";

test("fo sends everything to the highest weight, however busy", () => {
  const scheduler = createFailover();
  scheduler.update(servers({ a: 1, b: 3, c: 2 }));
  expect(pickOrder(scheduler, 5, true)).toBe("bbbbb");
});

test("fo takes the first of equal weights", () => {
  const scheduler = createFailover();
  scheduler.update(servers({ a: 1, b: 3, c: 3 }));
  expect(pickOrder(scheduler, 3)).toBe("bbb");
});

test("fo falls to the next weight, and back", () => {
  const scheduler = createFailover();
  const list = servers({ a: 1, b: 3, c: 2 });
  scheduler.update(list);
  expect(scheduler.pick(flowFrom(), [list[1]!])?.key).toBe("c");
  list[1]!.isOverloaded = true;
  list[2]!.weight = 0;
  expect(pickOrder(scheduler, 2)).toBe("aa");
  list[1]!.isOverloaded = false;
  expect(pickOrder(scheduler, 2)).toBe("bb");
});
