/**
 * The list of actions and the lists of names that travel as numbers.
 */
import { expect, test } from "bun:test";

import { action, createActionList, pushAction } from "../../../src/vrrp/action.ts";
import { cause, causeNames } from "../../../src/vrrp/cause.ts";
import { advertisementResults } from "../../../src/vrrp/result.ts";

test("pushAction() appends, and has a bound", () => {
  const list = createActionList();
  pushAction(list, action.advertise, 0);
  pushAction(list, action.log, cause.guard);
  expect([list.count, list.kinds[1], list.values[1]]).toEqual([2, action.log, cause.guard]);
  expect(() => {
    for (let index = 0; index < 100; index++) pushAction(list, action.log);
  }).toThrow("Invariant");
});

test("every cause has its number, and its name is fit for a label", () => {
  const camel = causeNames.map((name) =>
    name.replace(/-\w/g, (match) => match.slice(1).toUpperCase()),
  );
  const keys: string[] = Object.keys(cause);
  expect(keys).toEqual(camel);
  const numbers: number[] = Object.values(cause);
  expect(numbers).toEqual(causeNames.map((_, index) => index));
});

test("results are distinct labels", () => {
  expect(new Set(advertisementResults).size).toBe(advertisementResults.length);
  expect(advertisementResults.filter((name) => !/^[a-z-]+$/.test(name))).toEqual([]);
});
