import { describe, expect, test } from "bun:test";

import { ownCommand } from "../../../../src/cli/ldirectord/daemonize.ts";

describe("ownCommand()", () => {
  test.each([
    ["/usr/bin/appliance", "/$bunfs/root/main", ["/usr/bin/appliance"]],
    ["/usr/bin/bun", "/src/main.ts", ["/usr/bin/bun", "/src/main.ts"]],
    ["/usr/bin/appliance", undefined, ["/usr/bin/appliance"]],
  ])("%s %s", (execPath, script, expected) => {
    expect<readonly string[]>(ownCommand(execPath, script)).toEqual(expected);
  });
});
