import { expect, test } from "bun:test";

import { emptyShared, sharedReaders } from "../../../../../src/config/import/ldirectord/shared.ts";
import { readMember } from "./fixture.ts";

test("sharedReaders has one for each shared setting", () => {
  expect(Object.keys(sharedReaders).toSorted()).toEqual(Object.keys(emptyShared()).toSorted());
});

test.each(Object.keys(sharedReaders))("%s is read in a virtual service too", (key) => {
  const { problems } = readMember(`${key}=?`);
  expect(problems.join("")).not.toContain("Expected a directive of ldirectord");
});
