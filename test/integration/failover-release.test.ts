/**
 * What `appliance release` removes after a director that died, and what it leaves alone.
 *
 * @module
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";

import type { Director } from "../helpers/director.ts";
import { routerText, startOn, waitForRole } from "../helpers/failover-pair.ts";
import { createLan } from "../helpers/netns.ts";
import type { Lan } from "../helpers/netns.ts";
import { requireBpf } from "../helpers/require-bpf.ts";
import {
  executablePath,
  requireAll,
  requireExecutable,
  requireNetns,
} from "../helpers/require-peer.ts";

const needs = requireAll(requireExecutable(), requireNetns(), requireBpf());

describe.skipIf(needs.skip)("release", () => {
  let lan: Lan<"one">;
  let director: Director;

  async function addresses(): Promise<string> {
    return (await lan.hosts.one.run(["ip", "-o", "addr", "show", "dev", "eth0"])).stdout;
  }

  function release(...options: string[]): ReturnType<typeof lan.hosts.one.run> {
    const { environment: env } = director;
    return lan.hosts.one.run([executablePath, "release", ...options], { env });
  }

  beforeEach(async () => {
    lan = await createLan(["one"]);
    director = await startOn(lan.hosts.one, routerText({ priority: 100 }));
    await waitForRole(director, "active");
  }, 20_000);
  afterEach(async () => {
    await director[Symbol.asyncDispose]();
    await lan[Symbol.asyncDispose]();
  });

  test("removes the marked address once nobody is there, and no other", async () => {
    expect(await release()).toMatchObject({ status: 75 });
    expect(await addresses()).toContain("10.99.0.100/32");
    // The director and its guard at once, so that nobody cleans up.
    const { pid } = director.process;
    const found = await lan.hosts.one.run(["pgrep", "-P", String(pid)]);
    director.process.kill("SIGSTOP");
    for (const guard of found.stdout.trim().split("\n")) process.kill(Number(guard), "SIGKILL");
    director.process.kill("SIGKILL");
    await director.process.exited;
    expect(await addresses()).toContain("10.99.0.100/32");
    expect(await release("--json")).toMatchObject({
      status: 0,
      stdout: '{"released":[{"device":"eth0","address":"10.99.0.100"}]}\n',
    });
    expect(await addresses()).not.toContain("10.99.0.100");
    expect(await addresses()).toContain("10.99.0.1/24");
    expect(await release()).toMatchObject({ status: 0, stdout: "" });
  }, 20_000);
});
