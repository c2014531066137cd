/**
 * Programs that run where the addresses are, as real scripts beside two real directors.
 *
 * @module
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { readMetric, readSnapshot, runCommand } from "../helpers/director-view.ts";
import {
  createDirectorFolder,
  formatRouter,
  startNetnsDirector,
} from "../helpers/failover/netns-director.ts";
import type { NetnsDirector } from "../helpers/failover/netns-director.ts";
import { createLan } from "../helpers/netns.ts";
import type { Host, Lan } from "../helpers/netns.ts";
import { requireBpf } from "../helpers/require-bpf.ts";
import { requireAll, requireExecutable, requireNetns } from "../helpers/require-peer.ts";
import { createTempFolder } from "../helpers/temp-folder.ts";
import { waitFor } from "../helpers/wait.ts";

const needs = requireAll(requireNetns(), requireBpf(), requireExecutable());
const virtual = "10.99.0.100";
const testMs = 90_000;

/**
 * A script of haresources: it writes down what it is asked, and whether its host has the address
 * then; its state is a file beside it. `faults` is shell that comes first.
 */
function writeScript(folder: string, name: string, faults = ""): string {
  const path = join(folder, name);
  const text = `#!/bin/sh
[ "$2" = status ] || echo "${name} $* $(ip -o addr show | grep -c ' ${virtual}/')" >>${folder}/log
${faults}
case "$2" in
  start) touch ${folder}/${name}.runs ;;
  stop) rm -f ${folder}/${name}.runs ;;
  status) [ -e ${folder}/${name}.runs ] && echo running || echo stopped ;;
esac
`;
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return path;
}

describe.skipIf(needs.skip)("resources of a virtual router", () => {
  let lan: Lan<"one" | "two">;
  let stack: AsyncDisposableStack;

  beforeEach(async () => {
    stack = new AsyncDisposableStack();
    lan = stack.use(await createLan(["one", "two"]));
  }, 20_000);
  afterEach(async () => {
    await stack.disposeAsync();
  }, 30_000);

  function createScripts(faults?: string) {
    const folder = stack.use(createTempFolder()).path;
    const first = writeScript(folder, "first");
    const second = writeScript(folder, "second", faults);
    const log = join(folder, "log");
    return {
      folder,
      resources: [
        [first, "a"],
        [second, "b"],
      ],
      log: () => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []),
      runs: (name: string) => existsSync(join(folder, `${name}.runs`)),
    };
  }

  type Scripts = ReturnType<typeof createScripts>;

  async function start(
    host: Host,
    { resources }: Scripts,
    { priority, folder }: { readonly priority: number; readonly folder?: string },
  ): Promise<NetnsDirector> {
    const router = formatRouter({
      name: "web",
      vrid: 51,
      priority,
      addresses: [`${virtual}/24`],
      advertise_interval: "100ms",
      down_after: "1s",
    });
    const config = `[proxy]
workers = 1

${router}resources = ${JSON.stringify(resources)}
`;
    return stack.use(await startNetnsDirector(host, { config, ...(folder && { folder }) }));
  }

  async function waitForLog({ log }: Scripts, lines: readonly string[]): Promise<void> {
    await waitFor(() => log().length >= lines.length, { what: `calls ${lines.join(", ")}` });
    expect(log()).toEqual([...lines]);
  }

  test(
    "start behind the address, in order; stop in the opposite order before a handover",
    async () => {
      const [mine, theirs] = [createScripts(), createScripts()];
      const one = await start(lan.hosts.one, mine, { priority: 150 });
      await one.waitForState("active");
      await waitForLog(mine, ["first a start 1", "second b start 1"]);
      const two = await start(lan.hosts.two, theirs, { priority: 100 });
      await waitFor(async () => (await two.router()).heard !== null, { what: "two to hear" });
      expect(await runCommand(one, "standby")).toMatchObject({ status: 0 });
      await waitForLog(mine, [
        "first a start 1",
        "second b start 1",
        "second b stop 1",
        "first a stop 1",
      ]);
      await two.waitForState("active");
      await waitForLog(theirs, ["first a start 1", "second b start 1"]);
      const running = async () => (await two.router()).resources?.map(({ state }) => state);
      await waitFor(async () => (await running())?.join() === "running,running", { what: "both" });
      const { stdout } = await runCommand(two, "status");
      expect(stdout).toContain(`${theirs.folder}/first is running; ${theirs.folder}/second is`);
      // An end in good order is a handover, too.
      await two[Symbol.asyncDispose]();
      expect(theirs.log().slice(2)).toEqual(["second b stop 1", "first a stop 1"]);
    },
    testMs,
  );

  test(
    "what a killed director left behind is stopped by the next one",
    async () => {
      const scripts = createScripts();
      using folder = createDirectorFolder();
      const one = await start(lan.hosts.one, scripts, { priority: 150, folder: folder.path });
      await one.waitForState("active");
      await waitForLog(scripts, ["first a start 1", "second b start 1"]);
      const two = await start(lan.hosts.two, createScripts(), { priority: 100 });
      await waitFor(async () => (await two.router()).heard !== null, { what: "two to hear" });
      one.process.kill("SIGKILL");
      await one.process.exited;
      await two.waitForState("active");
      expect([scripts.runs("first"), scripts.runs("second")]).toEqual([true, true]);
      await one[Symbol.asyncDispose]();
      const again = await start(lan.hosts.one, scripts, { priority: 100, folder: folder.path });
      await waitFor(() => !scripts.runs("first"), { what: "left-over resources to stop" });
      expect(scripts.log().slice(2)).toEqual(["second b stop 0", "first a stop 0"]);
      const events = (await readSnapshot(again)).events.map(({ text }) => text);
      expect(events).toContain(`web: ${scripts.folder}/second runs without the addresses`);
    },
    testMs,
  );

  test(
    "one that fails, or that others can write, is told and holds no address back",
    async () => {
      const scripts = createScripts('[ "$2" = start ] && { echo no disk; exit 7; }');
      const one = await start(lan.hosts.one, scripts, { priority: 150 });
      await one.waitForState("active");
      const failed = async () => (await one.router()).resources?.[1];
      await waitFor(async () => (await failed())?.state === "failed", { what: "failure" });
      expect(await failed()).toMatchObject({
        reason: "did not start: exit status 7, no disk",
        failures: 1,
      });
      const labels = `{virtual_router="web",resource="${scripts.folder}/second"}`;
      expect(await readMetric(one, `appliance_vrrp_resource_failures_total${labels}`)).toBe(1);
      expect(await one.router()).toMatchObject({ state: "active" });
      expect(one.process.output()).toMatch(/vrrp-resource .*did not start: exit status 7, no disk/);

      chmodSync(join(scripts.folder, "first"), 0o777);
      await runCommand(one, "standby");
      await runCommand(one, "takeover");
      await one.waitForState("active");
      const refused = async () => (await one.router()).resources?.[0]?.reason ?? "";
      await waitFor(async () => (await refused()).includes("everybody can write it"), {
        what: "refusal",
      });
    },
    testMs,
  );
});
