import { expect, test } from "bun:test";

import { createOverflow } from "../../../src/scheduler/ovf.ts";
import { pickOrder, servers } from "./fixture.ts";

test("ovf fills the highest weight to one above it, as the kernel, then the next", () => {
  const scheduler = createOverflow();
  scheduler.update(servers({ a: 1, b: 3, c: 2 }));
  expect(pickOrder(scheduler, 11, true)).toBe("bbbbcccaa--");
});

test("ovf returns to the highest weight when it has room again", () => {
  const scheduler = createOverflow();
  const list = servers({ a: 1, b: 3 });
  scheduler.update(list);
  expect(pickOrder(scheduler, 5, true)).toBe("bbbba");
  list[1]!.activeConnections = 3;
  expect(pickOrder(scheduler, 2, true)).toBe("ba");
});

test("ovf does not count inactive connections", () => {
  const scheduler = createOverflow();
  const list = servers({ a: 1, b: 3 });
  list[1]!.inactiveConnections = 1000;
  scheduler.update(list);
  expect(pickOrder(scheduler, 2)).toBe("bb");
});
