/**
 * `appliance upgrade` of directors that share virtual addresses: nobody takes over, no packet is
 * lost, and the peer does not notice. Timings are of the scale of a second, so that a busy machine
 * makes no takeover of its own.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import type { VirtualRouterSnapshot } from "../../src/status/index.ts";
import { readSnapshot, runCommand } from "../helpers/director-view.ts";
import {
  createDirectorFolder,
  formatRouter,
  startNetnsDirector,
} from "../helpers/failover/netns-director.ts";
import type { NetnsDirector } from "../helpers/failover/netns-director.ts";
import { createInstalled, endSuccessor } from "../helpers/installed.ts";
import { createLan } from "../helpers/netns.ts";
import type { Lan } from "../helpers/netns.ts";
import { startNginx } from "../helpers/nginx.ts";
import { requireBpf } from "../helpers/require-bpf.ts";
import {
  requireAll,
  requireExecutable,
  requireNetns,
  requirePeer,
} from "../helpers/require-peer.ts";
import { waitFor } from "../helpers/wait.ts";
import { startWrk } from "../helpers/wrk.ts";
import type { WrkRun } from "../helpers/wrk.ts";

const needs = requireAll(
  requireNetns(),
  requirePeer("nginx", "curl", "wrk"),
  requireBpf(),
  requireExecutable(),
);
const virtual = "10.99.0.100";
/** Times are told by the wall clock and kept by the monotonic one: they differ by as much. */
const clockToleranceMs = 100;

/** Holds a virtual router to what it was: its state did not change in between. */
function expectSame(now: VirtualRouterSnapshot, before: VirtualRouterSnapshot): void {
  const { state, cause, priority } = before;
  expect(now).toMatchObject({ state, cause, priority });
  const passedMs = Date.parse(now.changedAt) - Date.parse(before.changedAt);
  expect(Math.abs(passedMs)).toBeLessThan(clockToleranceMs);
}

describe.skipIf(needs.skip)("two directors", () => {
  let lan: Lan<"client" | "one" | "two" | "server">;
  let stack: AsyncDisposableStack;

  beforeEach(async () => {
    stack = new AsyncDisposableStack();
    lan = stack.use(await createLan(["client", "one", "two", "server"]));
  }, 20_000);
  afterEach(async () => {
    await stack.disposeAsync();
  }, 30_000);

  async function startPages(): Promise<void> {
    const { server, client } = lan.hosts;
    const get = () => client.run(["curl", "-sS", "--max-time", "2", `http://${server.address}/`]);
    const isUp = async (): Promise<boolean> => (await get()).stdout === "hello\n";
    stack.use(
      await startNginx({
        pages: { "index.html": "hello\n" },
        host: server.address,
        port: 80,
        prefix: ["ip", "netns", "exec", server.netns],
        accepts: () => waitFor(isUp, { what: "nginx" }),
      }),
    );
  }

  /** Director `name` with a priority; `extra` are further keys of its virtual router. */
  async function start(
    name: "one" | "two",
    options: {
      readonly executable: string;
      readonly hasPeer: boolean;
      readonly isSigned?: boolean;
    },
  ): Promise<NetnsDirector> {
    const { server } = lan.hosts;
    const folder = stack.use(createDirectorFolder());
    const keyFile = join(folder.path, "vrrp.key");
    writeFileSync(keyFile, `7 ${"0123456789abcdef".repeat(2)}\n`, { mode: 0o600 });
    const router = formatRouter({
      name: "web",
      vrid: 51,
      addresses: [`${virtual}/24`],
      advertise_interval: "100ms",
      down_after: "2s",
      priority: name === "one" ? 150 : 100,
      ...(options.isSigned === true ? { auth: undefined, key_file: keyFile } : {}),
    });
    const config = `[director]
stop_timeout = "60s"
[proxy]
workers = 1
[[virtual_service]]
name = "web"
listen = "${virtual}:80"
check = { type = "connect", interval = "500ms", timeout = "500ms" }
real_servers = [{ address = "${server.address}:80" }]
${router}`;
    const other = lan.hosts[name === "one" ? "two" : "one"];
    return stack.use(
      await startNetnsDirector(lan.hosts[name], {
        config,
        folder: folder.path,
        executable: options.executable,
        ...(options.hasPeer && { peer: { address: other.address } }),
      }),
    );
  }

  function startLoad(close: boolean): WrkRun {
    const prefix = ["ip", "netns", "exec", lan.hosts.client.netns];
    return stack.use(startWrk({ url: `http://${virtual}/`, connections: 4, close, prefix }));
  }

  async function upgrade(director: NetnsDirector): Promise<void> {
    const before = await readSnapshot(director);
    const { status, stderr } = await runCommand(director, "upgrade");
    if (status !== 0) throw new Error(`${stderr}\n${director.process.output()}`);
    expect((await readSnapshot(director)).pid).not.toBe(before.pid);
  }

  test.each([
    ["with a peer channel", { hasPeer: true }],
    ["with a peer channel and signed advertisements", { hasPeer: true, isSigned: true }],
    ["without a peer channel", { hasPeer: false }],
  ])(
    "%s both are replaced under load, and nothing moves",
    async (_what, options) => {
      await startPages();
      const installed = stack.use(createInstalled());
      const executable = installed.path;
      const one = await start("one", { ...options, executable });
      await one.waitForState("active");
      const two = await start("two", { ...options, executable });
      await waitFor(async () => (await two.router()).heard !== null, { what: "the other to hear" });
      const loads = [startLoad(true), startLoad(false)];
      const isLoaded = async (): Promise<boolean> =>
        (await readSnapshot(one)).services[0]!.connections > 50;
      await waitFor(isLoaded, { what: "load" });
      const bootsOf = async (director: NetnsDirector): Promise<number | undefined> =>
        (await readSnapshot(director)).failover?.peer?.boots;
      if (options.hasPeer) {
        await waitFor(async () => (await bootsOf(one)) === 1 && (await bootsOf(two)) === 1, {
          what: "both to have met",
        });
      }
      const [activeBefore, backupBefore] = [await one.router(), await two.router()];

      await upgrade(one);
      await waitFor(isLoaded, { what: "load on the successor" });
      await upgrade(two);
      await upgrade(one);
      await waitFor(isLoaded, { what: "load on the second successor" });
      const [active, backup] = [await one.router(), await two.router()];
      expectSame(active, activeBefore);
      expectSame(backup, backupBefore);
      const boots = options.hasPeer ? 1 : undefined;
      expect([await bootsOf(one), await bootsOf(two)]).toEqual([boots, boots]);
      const reports = await Promise.all(loads.map((load) => load.finish()));
      expect(reports.map(({ errors }) => errors)).toEqual(["", ""]);
      expect([await one.process.exited, await two.process.exited]).toEqual([0, 0]);
      const logs = [one, two].map((director) => director.process.output());
      for (const log of logs) {
        expect(log).not.toContain("guard: the director");
        expect(log).not.toContain("fence-repaired");
      }
      await endSuccessor(two);
      await endSuccessor(one);
    },
    90_000,
  );

  test("a successor is fenced and guarded: killed, it leaves nothing and the other serves", async () => {
    await startPages();
    const installed = stack.use(createInstalled());
    const options = { hasPeer: true, executable: installed.path };
    const one = await start("one", options);
    await one.waitForState("active");
    const two = await start("two", options);
    await waitFor(async () => (await two.router()).heard !== null, { what: "the other to hear" });
    await upgrade(one);
    expect(await one.process.exited).toBe(0);
    const { pid } = await readSnapshot(one);
    process.kill(pid, "SIGKILL");
    await two.waitForState("active");
    expect(await two.router()).toMatchObject({ cause: "resignation" });
    await waitFor(
      async () => {
        const { stdout } = await lan.hosts.one.run(["ip", "-o", "addr", "show", "dev", "eth0"]);
        return !stdout.includes(virtual);
      },
      { what: "the address to go from the dead director" },
    );
    await endSuccessor(two).catch(() => undefined);
  }, 60_000);

  test("an executable that does not come up changes nothing", async () => {
    await startPages();
    const installed = stack.use(createInstalled());
    const options = { hasPeer: true, executable: installed.path };
    const one = await start("one", options);
    await one.waitForState("active");
    const two = await start("two", options);
    await waitFor(async () => (await two.router()).heard !== null, { what: "the other to hear" });
    const load = startLoad(true);
    const [activeBefore, backupBefore] = [await one.router(), await two.router()];
    installed.installScript("exit 1");
    expect((await runCommand(one, "upgrade")).status).toBe(69);
    installed.installWell();
    const config = await Bun.file(one.configPath).text();
    writeFileSync(one.configPath, config.replace("priority = 150", "priority = 140"));
    const refused = await runCommand(one, "upgrade");
    expect([refused.status, refused.stderr]).toEqual([69, expect.stringContaining("reload")]);
    const [active, backup] = [await one.router(), await two.router()];
    expectSame(active, activeBefore);
    expectSame(backup, backupBefore);
    expect((await load.finish()).errors).toBe("");
    expect(one.process.output()).not.toContain("fence-repaired");
    // What failed is no obstacle for what comes next.
    writeFileSync(one.configPath, config);
    await upgrade(one);
    expect(await one.router()).toMatchObject({ state: "active" });
    await endSuccessor(one);
  }, 60_000);
});
