/**
 * `setup realserver --method ipip` in the kernel of a virtual machine that has ipip: a tunnelled
 * request is answered by the prepared host, and the host is as before when that is undone. What is
 * done there stands in test/helpers/setup/guest.sh.
 */
import { beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { join } from "node:path";

import { executablePath, requireAll, requireExecutable } from "../helpers/require-peer.ts";
import { readSections, requireVmlab, runInMachine } from "../helpers/require-vmlab.ts";
import { createTempFolder } from "../helpers/temp-folder.ts";

const needs = requireAll(requireExecutable(), requireVmlab());
const helpers = new URL("../helpers/", import.meta.url).pathname;
/** It takes about 20 s, and several times as long on a machine with more to do than it can. */
const machineMs = 300_000;

describe.skipIf(needs.skip)("setup realserver for a tunnel, in a kernel with ipip", () => {
  let sections: ReadonlyMap<string, string>;

  beforeAll(async () => {
    using folder = createTempFolder();
    copyFileSync(executablePath, join(folder.path, "appliance"));
    copyFileSync(join(helpers, "ipvs/server.pl"), join(folder.path, "server.pl"));
    const script = join(helpers, "setup/guest.sh");
    sections = readSections(await runInMachine(folder.path, script, machineMs));
  }, machineMs + 10_000);

  test("a tunnelled request is answered once the host is prepared", () => {
    expect(sections.get("before: answer")).toBe("nobody\n");
    expect(sections.get("prepare")).toBe("status 0\n");
    expect(sections.get("prepared: answer")).toBe("real\n");
  });

  test("the tunnel is up, and rp_filter lets pass what comes out of it alone", () => {
    expect(sections.get("prepared: tunnel")).toBe("UP\n0 0 1\n");
  });

  test("a second run has nothing to do", () => {
    expect(sections.get("again")).toContain("status 0");
    expect(sections.get("again")).toMatch(/nothing to do|nothing to change/i);
  });

  test("undo gives back what was found", () => {
    expect(sections.get("undo")).toBe("status 0\n");
    expect(sections.get("after")).toBe(sections.get("before"));
  });
});
