import { describe, expect, test } from "bun:test";

import { readHaCf } from "../../../../../src/config/import/heartbeat/ha-cf.ts";
import { readHaresources } from "../../../../../src/config/import/heartbeat/haresources.ts";
import {
  firstVrid,
  nodesOf,
  otherNode,
  priorityOf,
  vridOf,
} from "../../../../../src/config/import/heartbeat/node.ts";
import { createLines } from "./fixture.ts";

function nodes(haCf: string, haresources: string, own: string) {
  const { told, warnings } = createLines();
  const groups = readHaresources({ file: "r", text: haresources }, told);
  const found = nodesOf(readHaCf({ file: "h", text: haCf }, told), groups, { own, told });
  return { names: found.names, warnings: warnings() };
}

describe("nodesOf()", () => {
  test("are those of ha.cf, else those of haresources", () => {
    expect(nodes("node a b\n", "a 192.0.2.1\n", "b")).toEqual({ names: ["a", "b"], warnings: [] });
    const found = nodes("", "b 192.0.2.1\na 192.0.2.2\nb 192.0.2.3\n", "a");
    expect(found).toEqual({ names: ["b", "a"], warnings: [] });
  });

  test.each([
    ["node a b\n", "a 192.0.2.1\n", "c", '1: This host is "c" and none of the nodes'],
    ["node a b\n", "\nc 192.0.2.1\n", "a", '2: Node "c" is not in ha.cf: no director prefers'],
    ["node a b c\n", "a 192.0.2.1\n", "a", "1: There are more than two nodes"],
  ])("tells of %j with %j on %s", (haCf, haresources, own, expected) => {
    const { warnings } = nodes(haCf, haresources, own);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toStartWith(expected);
  });
});

test.each([
  ["a", 150],
  ["b", 100],
  ["c", 99],
  ["unknown", 100],
])("priorityOf() of %s where a is preferred is %i", (own, expected) => {
  expect(priorityOf({ own, names: ["a", "b", "c"] }, "a")).toBe(expected);
});

describe("vridOf()", () => {
  test("depends on the names only, not on their order", () => {
    expect(firstVrid(["loadb1", "loadb2"])).toBe(36);
    expect(firstVrid(["loadb2", "loadb1", "loadb2"])).toBe(36);
    expect(firstVrid(["loadb1", "loadb3"])).not.toBe(36);
  });

  test("counts on, from 255 to 1, until all are used", () => {
    const names = ["loadb1", "loadb2"];
    const all = Array.from({ length: 255 }, (_, index) => vridOf(names, index)!);
    expect(all.slice(0, 2)).toEqual([36, 37]);
    expect(all[219]).toBe(255);
    expect(all[220]).toBe(1);
    expect(new Set(all).size).toBe(255);
    expect(vridOf(names, 255)).toBeUndefined();
  });
});

test.each([
  [["a", "b"], "a", "b"],
  [["a", "b"], "b", "a"],
  [["a", "b"], "c", undefined],
  [["a", "b", "c"], "a", undefined],
  [["a"], "a", undefined],
])("otherNode() of %j on %s is %p", (names, own, expected) => {
  expect(otherNode({ own, names })).toBe(expected);
});
