import { expect, test } from "bun:test";

import { createDestinationHashing } from "../../../src/scheduler/dh.ts";
import { flowFrom, servers } from "./fixture.ts";

test("dh gives these destinations these servers, in every version of this program", () => {
  const scheduler = createDestinationHashing();
  scheduler.update(servers({ a: 1, b: 1, c: 1 }));
  const order = Array.from({ length: 16 }, (_, i) => scheduler.pick(flowFrom(1, i), [])?.key);
  expect(order.join("")).toBe("bbcacbabcbacabac");
});

test("dh gives a destination one server, whoever the client is", () => {
  const scheduler = createDestinationHashing();
  scheduler.update(servers({ a: 1, b: 1, c: 1 }));
  const keys = new Set<string | undefined>();
  for (let client = 0; client < 100; client++)
    keys.add(scheduler.pick(flowFrom(client, 4), [])?.key);
  expect(keys.size).toBe(1);
});

test("dh ignores weights and the order of the configuration", () => {
  const one = createDestinationHashing();
  const other = createDestinationHashing();
  one.update(servers({ a: 1, b: 1, c: 1 }));
  other.update(servers({ c: 900, b: 7, a: 1 }));
  for (let destination = 0; destination < 256; destination++) {
    const flow = flowFrom(1, destination);
    expect(other.pick(flow, [])?.key).toBe(one.pick(flow, [])?.key as string);
  }
});
