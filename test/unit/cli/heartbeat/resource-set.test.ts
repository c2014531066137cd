import { describe, expect, test } from "bun:test";

import { heldSet, isResourceSet, routersOf } from "../../../../src/cli/heartbeat/resource-set.ts";

const routers = ["lb1", "lb1-2", "lb2", "lb1-mail", "lb10"].map((name) => ({ name }));

describe("routersOf()", () => {
  test.each([
    ["all", "lb1", ["lb1", "lb1-2", "lb2", "lb1-mail", "lb10"]],
    ["local", "lb1", ["lb1", "lb1-2"]],
    ["foreign", "lb1", ["lb2", "lb1-mail", "lb10"]],
    ["failback", "lb2", ["lb1", "lb1-2", "lb1-mail", "lb10"]],
    ["local", "other", []],
  ] as const)("%s on %s is %j", (set, node, expected) => {
    expect(routersOf(routers, set, node).map(({ name }) => name)).toEqual([...expected]);
  });
});

describe("heldSet()", () => {
  test.each([
    [["lb1"], "local"],
    [["lb2"], "foreign"],
    [["lb1", "lb2"], "all"],
    [[], "none"],
  ])("of %j is %s", (active, expected) => {
    const list = ["lb1", "lb2"].map((name) => ({
      name,
      state: active.includes(name as never) ? ("active" as const) : ("backup" as const),
    }));
    expect(heldSet(list, "lb1")).toBe(expected as never);
  });

  test("without virtual routers is none", () => {
    expect(heldSet([], "lb1")).toBe("none");
  });
});

test.each([
  ["failback", true],
  ["some", false],
  ["", false],
])("isResourceSet(%j) is %p", (word, expected) => {
  expect(isResourceSet(word)).toBe(expected);
});
