/**
 * The fence on interfaces of kinds that not every host has, in the kernel of a virtual machine: the
 * built executable as a director, and its guard, killed. That kernel is older than TCX, so these
 * are the filters of clsact. What is done there stands in test/helpers/fence/guest.sh.
 *
 * @module
 */
import { beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { join } from "node:path";

import { executablePath, requireAll, requireExecutable } from "../helpers/require-peer.ts";
import { readSections, requireVmlab, runInMachine } from "../helpers/require-vmlab.ts";
import { createTempFolder } from "../helpers/temp-folder.ts";

const needs = requireAll(requireExecutable(), requireVmlab());
const guest = new URL("../helpers/fence/guest.sh", import.meta.url).pathname;
/** It takes about 60 s, and several times as long on a machine with more to do than it can. */
const machineMs = 480_000;

const dead = "is silent with the address on it\nanswers for its own\n";

describe.skipIf(needs.skip)("the fence in a kernel with more kinds of interfaces", () => {
  let sections: ReadonlyMap<string, string>;

  beforeAll(async () => {
    using folder = createTempFolder();
    copyFileSync(executablePath, join(folder.path, "appliance"));
    const output = await runInMachine(folder.path, guest, machineMs);
    sections = readSections(output);
  }, machineMs + 10_000);

  test.each([
    ["vlan", `answers\n${dead}`],
    ["bond", `answers\n${dead}`],
    // Made anew while the director is active.
    ["dummy", `answers\nhas it on another dummy\nanswers again\n${dead}`],
  ])("%s: the address is answered for by lease only", (kind, expected) => {
    expect(sections.get(kind)).toBe(expected);
  });
});
