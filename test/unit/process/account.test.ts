import { describe, expect, test } from "bun:test";

import {
  findAccount,
  findGroupId,
  readAccount,
  readGroupId,
} from "../../../src/process/account.ts";

const passwd =
  "root:x:0:0:root:/root:/bin/bash\nappliance:x:990:980::/var/lib/appliance:\nbad:x::0\n";

describe("findAccount()", () => {
  test("finds a user by the whole name", () => {
    expect(findAccount(passwd, "appliance")).toEqual({
      uid: 990,
      gid: 980,
      home: "/var/lib/appliance",
    });
  });

  test.each(["appl", "", "x", "nobody", "bad"])("knows no user %p", (name) => {
    expect(findAccount(passwd, name)).toBeUndefined();
  });
});

test("readAccount() reads the machine's own file", () => {
  expect(readAccount("root")).toMatchObject({ uid: 0, gid: 0 });
});

test.each([
  ["appliance", 980],
  ["root", 0],
  ["none", undefined],
  ["bad", undefined],
  ["", undefined],
])("findGroupId() of %p", (name, expected) => {
  expect(findGroupId("root:x:0:\nappliance:x:980:carol\nbad:x:\n", name)).toBe(expected);
});

test("readGroupId() reads the machine's own file", () => {
  expect(readGroupId("root")).toBe(0);
});
