import { describe, expect, test } from "bun:test";

import { parseArguments, UsageError } from "../../../src/cli/arguments.ts";
import { listOptions, readListRequest } from "../../../src/cli/list-request.ts";

function read(line: string) {
  return readListRequest(parseArguments(line.split(" ").filter(Boolean), { options: listOptions }));
}

const plain = {
  view: "standard",
  isNumeric: false,
  isExact: false,
  isSorted: true,
  target: undefined,
};

describe("readListRequest", () => {
  test.each([
    ["", {}],
    ["-n", { isNumeric: true }],
    ["-nc", { isNumeric: true, view: "connection" }],
    ["-S -n", { isNumeric: true, view: "save" }],
    ["--stats --exact", { view: "stats", isExact: true }],
    ["--nosort", { isSorted: false }],
    ["--sort", {}],
    ["-t 192.0.2.1:80", { target: { protocol: "TCP", text: "192.0.2.1:80" } }],
    ["-uweb:domain", { target: { protocol: "UDP", text: "web:domain" } }],
    ["-f 4294967295", { target: { protocol: "FWM", mark: 4_294_967_295 } }],
  ])("%s", (line, changes) => {
    expect(read(line)).toEqual({ ...plain, ...changes } as never);
  });

  test.each([
    ["--stats --rate", "Expected one of --stats and --rate"],
    ["-c --timeout", "Expected one of --connection and --timeout"],
    ["-t a:1 -f 1", "Expected one of -t, -u and -f"],
    ["-f 0", "Expected a firewall mark of 1 to 4294967295, got 0"],
    ["-f 4294967296", "Expected a firewall mark of 1 to 4294967295, got 4294967296"],
    ["-f 0x10", "Expected a firewall mark of 1 to 4294967295, got 0x10"],
  ])("%s is refused", (line, message) => {
    expect(() => read(line)).toThrow(new UsageError(message));
  });
});
