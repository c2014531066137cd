/**
 * The runbook of docs/migrating-heartbeat.md, step by step: what it says is seen, is seen.
 *
 * Heartbeat itself is not there, so its steps are only the moment in which nobody has the address.
 *
 * @module
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";

import { articleFiles, articleVirtual } from "../helpers/article-files.ts";
import type { ArticleHost } from "../helpers/article-files.ts";
import { createLan } from "../helpers/netns.ts";
import type { Lan } from "../helpers/netns.ts";
import { createOldHost } from "../helpers/old-host.ts";
import type { OldHost } from "../helpers/old-host.ts";
import { prepareHost } from "../helpers/prepared-host.ts";
import type { StartedProcess } from "../helpers/process.ts";
import { requireBpf } from "../helpers/require-bpf.ts";
import {
  requireAll,
  requireExecutable,
  requireNetns,
  requirePeer,
  requireRoot,
} from "../helpers/require-peer.ts";
import { createTempFolder } from "../helpers/temp-folder.ts";
import { waitFor } from "../helpers/wait.ts";

const needs = requireAll(
  requireRoot(),
  requireNetns(),
  requireBpf(),
  requireExecutable(),
  requirePeer("curl", "ip", "unshare"),
);
const native = "/etc/appliance/appliance.toml";
const waitMs = 60_000;

describe.skipIf(needs.skip)("the runbook for a pair of Heartbeat", () => {
  let lan: Lan<ArticleHost | "client">;
  let stack: AsyncDisposableStack;
  let folder: string;

  beforeEach(async () => {
    stack = new AsyncDisposableStack();
    folder = createTempFolder().path;
    stack.defer(() => rmSync(folder, { recursive: true, force: true }));
    lan = stack.use(await createLan(["client", "loadb1", "loadb2", "web1", "web2"]));
    for (const name of ["web1", "web2"] as const) {
      const web = await prepareHost(lan.hosts[name], folder);
      await web.serve("Test Page");
      expect(await web.run(["setup", "realserver", "--vip", articleVirtual])).toMatchObject({
        status: 0,
      });
    }
  }, 30_000);
  afterEach(async () => {
    await stack.disposeAsync();
  }, 60_000);

  /** Output of a line that succeeds. */
  async function say(at: OldHost, line: string): Promise<string> {
    const { status, stdout, stderr } = await at.run(line);
    if (status !== 0) throw new Error(`${line}: status ${status}\n${stdout}${stderr}`);
    return stdout;
  }

  async function waitForText(at: OldHost, line: string, expected: RegExp): Promise<void> {
    let seen = "";
    const isThere = async (): Promise<boolean> => {
      seen = (await at.run(line)).stdout;
      return expected.test(seen);
    };
    try {
      await waitFor(isThere, { what: `${line} on ${at.host.name}`, timeoutMs: waitMs });
    } catch {
      expect(seen).toMatch(expected);
    }
  }

  /** As `systemctl start` does, which waits until the director accepts connections. */
  async function systemctlStart(at: OldHost): Promise<StartedProcess> {
    const child = stack.use(at.start("appliance", "run"));
    await child.waitForOutput(/ start /, waitMs);
    await waitFor(async () => (await at.run("appliance status")).status === 0, {
      what: `director of ${at.host.name}`,
      timeoutMs: waitMs,
    });
    return child;
  }

  async function expectServed(): Promise<void> {
    const curl = ["curl", "-s", "-m", "20", `http://${articleVirtual}/`];
    const { stdout } = await lan.hosts.client.run(curl);
    expect(stdout).toBe("Test Page");
  }

  test("each step shows what it should", async () => {
    const files = articleFiles(lan.hosts, "gate");
    const loadb1 = await createOldHost(lan.hosts.loadb1, folder, files);
    const loadb2 = await createOldHost(lan.hosts.loadb2, folder, files);

    // 1. Prepare both nodes.
    const results: string[] = [];
    const keys: string[] = [];
    for (const at of [loadb1, loadb2]) {
      await say(at, "mkdir -p /etc/appliance");
      await say(at, `appliance import /etc/ha.d --output ${native}`);
      await say(at, `appliance validate ${native}`);
      await say(at, "appliance setup director --dry-run");
      results.push(await say(at, `cat ${native}`));
      keys.push(await say(at, "sha256sum /etc/appliance/vrrp.key"));
    }
    const [one, two] = results.map((text) =>
      text.split("\n").filter((line) => !line.startsWith("#")),
    );
    const differing = one!.filter((line, index) => line !== two![index]);
    expect(differing.map((line) => line.replace(/ = .*/, ""))).toEqual(["address", "priority"]);
    expect(keys[0]).toBe(keys[1]);

    // 4. Change over: lb2 has the address at once, not only after initdead.
    // A web server that hangs just then: the order waits for the first checks.
    const { web2 } = lan.hosts;
    const hole = ["ip", "route", "add", "blackhole", `${lan.hosts.loadb2.address}/32`];
    expect(await web2.run(hole)).toMatchObject({ status: 0 });
    const second = await systemctlStart(loadb2);
    await say(loadb2, "appliance takeover");
    expect((await say(loadb2, "appliance status")).split("\n")[0]).toEndWith(", ready");
    expect(await web2.run(hole.with(2, "del"))).toMatchObject({ status: 0 });
    await waitForText(loadb2, "appliance status", /^ {2}loadb1 +active +this director/m);
    expect(await say(loadb2, "ip addr show eth0")).toContain(`inet ${articleVirtual}/24`);
    await waitForText(loadb2, "appliance list -n", /:80 +Route +1 /);
    await expectServed();

    // 5. The director on lb1 is the standby.
    await systemctlStart(loadb1);
    const heard = lan.hosts.loadb2.address.replaceAll(".", String.raw`\.`);
    await waitForText(loadb1, "appliance status", new RegExp(`^ {2}loadb1 +backup +${heard}`, "m"));
    const swap = await loadb1.run("/etc/ha.d/resource.d/LVSSyncDaemonSwap master status");
    expect([swap.status, swap.stdout]).toEqual([3, "master stopped\n"]);
    expect((await say(loadb1, "appliance list -n")).split("\n")).toHaveLength(4);

    // 6. Try it.
    await waitForText(loadb1, "appliance status", /copy complete/);
    await say(loadb2, "appliance standby");
    await waitForText(loadb1, "appliance status", /^ {2}loadb1 +active/m);
    await expectServed();
    expect(await say(loadb2, "appliance status")).toContain("(standby)");
    await say(loadb2, "appliance takeover");
    await waitForText(loadb2, "appliance status", /^ {2}loadb1 +active/m);
    second.kill("SIGTERM");
    expect(await second.exited).toBe(0);
    await waitForText(loadb1, "appliance status", /^ {2}loadb1 +active/m);
    await expectServed();

    // Back, as 4 and 5 say: the address goes with the director.
    expect(await say(loadb2, "ip addr show eth0")).not.toContain(articleVirtual);
  }, 240_000);
});
