import { expect, test } from "bun:test";

import { identityOf } from "../../../src/failover/plan.ts";
import { plan } from "../../helpers/failover-node.ts";

const placed = { ...plan({}), slot: 0, hasPeer: true };
const key = { id: 1, secret: "6b".repeat(32) };

test.each([
  ["the time that connections have", { drainMs: 5000 }, true],
  ["another priority", { priority: 101 }, false],
  ["a first key", { keys: [key] }, false],
])("identityOf() with %s", (_name, change, isSame) => {
  expect(identityOf({ ...placed, ...change }) === identityOf(placed)).toBe(isSame);
});

test("identityOf() with another key", () => {
  const other = { ...key, secret: "6c".repeat(32) };
  const signed = identityOf({ ...placed, keys: [key] });
  expect(identityOf({ ...placed, keys: [other] })).toBe(signed);
});
