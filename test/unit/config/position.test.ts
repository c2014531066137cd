import { expect, test } from "bun:test";

import { parseDocument } from "../../../src/config/document.ts";
import type { Path } from "../../../src/config/document.ts";
import { createLocate, positionTextMax } from "../../../src/config/position.ts";

const text = `# comment
[director]
stop_timeout = "1s"

[[virtual_service]]
name = "a"
check.http.request = "/"
real_servers = [
  { address = "x", check = { "rise" = 1 } },
  { address = "y" },
]
[virtual_service.timeouts]
idle = "1s"

[[virtual_service]]
text = """
[not.a.table]
x = 1
"""
list = [[1], [2,
3]]
`;
const locate = createLocate(parseDocument(text, "a.toml"));

test.each<[Path, number, number]>([
  [[], 1, 1],
  [["director"], 2, 1],
  [["director", "stop_timeout"], 3, 1],
  [["virtual_service"], 5, 1],
  [["virtual_service", 0], 5, 1],
  [["virtual_service", 0, "name"], 6, 1],
  [["virtual_service", 0, "check"], 7, 1],
  [["virtual_service", 0, "check", "http"], 7, 7],
  [["virtual_service", 0, "check", "http", "request"], 7, 12],
  [["virtual_service", 0, "real_servers", 0], 9, 3],
  [["virtual_service", 0, "real_servers", 0, "check", "rise"], 9, 30],
  [["virtual_service", 0, "real_servers", 1, "address"], 10, 5],
  [["virtual_service", 0, "timeouts"], 12, 1],
  [["virtual_service", 0, "timeouts", "idle"], 13, 1],
  [["virtual_service", 1], 15, 1],
  [["virtual_service", 1, "list", 1, 1], 21, 1],
  // What is not there has the place of what it is missing in.
  [["virtual_service", 1, "name"], 15, 1],
  [["virtual_service", 0, "real_servers", 1, "weight"], 10, 3],
  [["nowhere", "at", "all"], 1, 1],
])("createLocate() finds %j", (path, line, column) => {
  expect(locate(path)).toEqual({ line, column });
});

test("createLocate() does not look into texts that are too long", () => {
  const long = createLocate(parseDocument(`a = 1\n${"#".repeat(positionTextMax)}`, "a.toml"));
  expect(long(["a"])).toEqual({ line: 0, column: 0 });
});

test("createLocate() does not know the places of what is no TOML", () => {
  expect(createLocate(parseDocument("a = ", "a.toml"))(["a"])).toEqual({ line: 0, column: 0 });
});

test("createLocate() stops at a depth that no configuration has", () => {
  const deep = createLocate(parseDocument(`${"a.".repeat(20_000)}b = 1`, "a.toml"));
  expect(deep(Array.from({ length: 30 }, () => "a"))).toEqual({ line: 1, column: 15 });
});
