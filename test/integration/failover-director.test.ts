/**
 * Two directors as their users run them, with a configuration and services: what clients get, what
 * the commands say, and what is left behind.
 *
 * Timings are of the scale of a second: what is asserted here is what happens, not how soon.
 *
 * @module
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
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
import { startNginx } from "../helpers/nginx.ts";
import type { Nginx } from "../helpers/nginx.ts";
import type { FinishedProcess } from "../helpers/process.ts";
import { requireBpf } from "../helpers/require-bpf.ts";
import {
  executablePath,
  requireAll,
  requireDescriptors,
  requireExecutable,
  requireNetns,
  requirePeer,
} from "../helpers/require-peer.ts";
import { waitFor } from "../helpers/wait.ts";

const needs = requireAll(
  requireNetns(),
  requirePeer("nginx", "curl", "ping"),
  requireBpf(),
  requireExecutable(),
);
const virtual = "10.99.0.100";
const second = "10.99.0.101";
const page = "hello\n";

type RouterSettings = Parameters<typeof formatRouter>[0];

function router(settings: RouterSettings): string {
  return formatRouter({
    name: "web",
    vrid: 51,
    addresses: [`${virtual}/24`],
    advertise_interval: "100ms",
    down_after: "1s",
    ...settings,
  });
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

  function startPages(): Promise<Nginx> {
    const { server, client } = lan.hosts;
    const isUp = async (): Promise<boolean> => (await get(client, server.address)).stdout === page;
    return startNginx({
      pages: { "index.html": page },
      host: server.address,
      port: 80,
      prefix: ["ip", "netns", "exec", server.netns],
      accepts: () => waitFor(isUp, { what: "nginx" }),
    });
  }

  function get(client: Host, address: string): Promise<FinishedProcess> {
    return client.run(["curl", "-sS", "--max-time", "2", `http://${address}/`]);
  }

  function config(routers: string, settings = ""): string {
    const { server } = lan.hosts;
    return `[proxy]
workers = 1
${settings}
[[virtual_service]]
name = "web"
listen = ["${virtual}:80", "${second}:80"]
check = { type = "connect", interval = "500ms", timeout = "500ms" }
real_servers = [{ address = "${server.address}:80" }]
${routers}`;
  }

  async function start(
    host: Host,
    text: string,
    options: { readonly folder?: string } = {},
  ): Promise<NetnsDirector> {
    return stack.use(await startNetnsDirector(host, { config: text, ...options }));
  }

  /** The first is active before the second is started, and that hears it. */
  async function startPair(
    configOf: (priority: number) => string,
  ): Promise<[NetnsDirector, NetnsDirector]> {
    const one = await start(lan.hosts.one, configOf(150));
    await one.waitForState("active");
    const two = await start(lan.hosts.two, configOf(100));
    await waitFor(async () => (await two.router()).heard !== null, { what: "the second to hear" });
    return [one, two];
  }

  function startWeb(): Promise<[NetnsDirector, NetnsDirector]> {
    return startPair((priority) => config(router({ priority })));
  }

  async function addressesOf(host: Host): Promise<string[]> {
    const { stdout } = await host.run(["ip", "-o", "addr", "show", "dev", "eth0"]);
    return [...stdout.matchAll(/ inet6? (\S+)\//g)].map(([, address]) => address!);
  }

  async function expectPage(address = virtual): Promise<void> {
    const { stdout, stderr } = await get(lan.hosts.client, address);
    expect([stdout, stderr]).toEqual([page, ""]);
  }

  test("killed: the other serves, and who comes back does not take it again", async () => {
    stack.use(await startPages());
    using folder = createDirectorFolder();
    const text = config(router({ priority: 150 }));
    const one = await start(lan.hosts.one, text, { folder: folder.path });
    await one.waitForState("active");
    const two = await start(lan.hosts.two, config(router({ priority: 100 })));
    await waitFor(async () => (await two.router()).heard !== null, { what: "the second to hear" });
    await expectPage();
    one.process.kill("SIGKILL");
    await two.waitForState("active");
    expect(await two.router()).toMatchObject({ cause: "resignation" });
    await expectPage();
    // The guard has taken it off.
    await waitFor(async () => !(await addressesOf(lan.hosts.one)).includes(virtual), {
      what: "the address to go from the dead director",
    });
    await one[Symbol.asyncDispose]();
    const again = await start(lan.hosts.one, text, { folder: folder.path });
    await waitFor(async () => (await again.router()).heard !== null, { what: "the first to hear" });
    expect((await again.router()).state).toBe("backup");
    expect((await two.router()).state).toBe("active");
    await expectPage();
  }, 60_000);

  test("standby, takeover, status, readiness and metrics tell the same", async () => {
    stack.use(await startPages());
    const [one, two] = await startWeb();
    const isReady = async ({ environment }: NetnsDirector, name: string): Promise<string> => {
      const socket = join(environment.APPLIANCE_RUNTIME_DIR, "control.sock");
      const url = `http://localhost/readyz?active=${name}`;
      const only = ["-s", "-o", "/dev/null", "-w", "%{http_code}"];
      return (await lan.hosts.client.run(["curl", ...only, "--unix-socket", socket, url])).stdout;
    };
    const expectOwner = async (owner: NetnsDirector, other: NetnsDirector): Promise<void> => {
      await owner.waitForState("active");
      await other.waitForState("backup");
      expect([await isReady(owner, "web"), await isReady(other, "web")]).toEqual(["200", "503"]);
      const sample = (state: string): string =>
        `appliance_vrrp_state{virtual_router="web",state="${state}"}`;
      expect(await readMetric(owner, sample("active"))).toBe(1);
      expect(await readMetric(other, sample("active"))).toBe(0);
      expect(await readMetric(other, sample("backup"))).toBe(1);
      const { stdout } = await runCommand(owner, "status");
      expect(stdout).toMatch(/^ +web .*\bactive\b/m);
      const json = JSON.parse((await runCommand(other, "status", "--json")).stdout);
      expect(json.failover).toMatchObject({ fence: { kind: "bpf" }, guard: true });
      expect(json.failover.routers).toMatchObject([
        { name: "web", state: "backup", addresses: [virtual], leaseRemainingMs: 0 },
      ]);
      await expectPage();
    };
    await expectOwner(one, two);
    expect(await runCommand(one, "standby")).toEqual({
      status: 0,
      stdout: "web is backup\n",
      stderr: "",
    });
    await expectOwner(two, one);
    expect((await one.router()).heard).toMatchObject({ address: lan.hosts.two.address });
    expect((await runCommand(one, "takeover", "web")).status).toBe(0);
    await expectOwner(one, two);
    const { status, stderr } = await runCommand(one, "standby", "nobody");
    expect([status, stderr]).toEqual([65, expect.stringContaining("there is no nobody")]);
    expect(await isReady(one, "nobody")).toBe("503");
  }, 60_000);

  test("a reload that adds an address brings it to one of them", async () => {
    stack.use(await startPages());
    const [one, two] = await startWeb();
    const wider = (priority: number): string =>
      config(router({ priority, addresses: [`${virtual}/24`, `${second}/24`] }));
    for (const [director, priority] of [
      [two, 100],
      [one, 150],
    ] as const) {
      director.configure(wider(priority));
      expect((await runCommand(director, "reload")).status).toBe(0);
    }
    const owners = async (): Promise<number[]> => {
      const all = await Promise.all([lan.hosts.one, lan.hosts.two].map(addressesOf));
      return [virtual, second].map((address) => all.findIndex((list) => list.includes(address)));
    };
    await waitFor(
      async () => {
        const [first, other] = await owners();
        return first !== -1 && first === other;
      },
      { what: "both addresses on one director" },
    );
    await expectPage();
    await expectPage(second);
  }, 60_000);

  test("release removes what a director and its guard left behind", async () => {
    using folder = createDirectorFolder();
    const one = await start(lan.hosts.one, config(router({ priority: 150 })), {
      folder: folder.path,
    });
    await one.waitForState("active");
    const command = (): Promise<FinishedProcess> =>
      lan.hosts.one.run([executablePath, "release"], { env: one.environment });
    expect((await command()).status).toBe(75);
    const guard = await waitFor(() => one.guardPid(), { what: "the guard" });
    process.kill(guard, "SIGKILL");
    one.process.kill("SIGKILL");
    await one.process.exited;
    expect(await addressesOf(lan.hosts.one)).toContain(virtual);
    const pins = join(folder.path, "run", "bpf", "appliance");
    expect(readdirSync(pins)).not.toEqual([]);
    expect(await command()).toEqual({
      status: 0,
      stdout: `${virtual} removed from eth0\n`,
      stderr: "",
    });
    expect(await addressesOf(lan.hosts.one)).not.toContain(virtual);
    expect(await command()).toEqual({ status: 0, stdout: "", stderr: "" });
  }, 60_000);

  test("stopped: nothing is left, neither address nor fence", async () => {
    using folder = createDirectorFolder();
    const { one: host, client } = lan.hosts;
    const one = await start(host, config(router({ priority: 150 })), { folder: folder.path });
    await one.waitForState("active");
    const guard = await waitFor(() => one.guardPid(), { what: "the guard" });
    expect(await one.process.stop()).toBe(0);
    expect(await addressesOf(host)).not.toContain(virtual);
    await waitFor(() => !isRunning(guard), { what: "the end of the guard" });
    const pins = readdirSync(join(folder.path, "run", "bpf"));
    expect(pins.filter((name) => !name.endsWith(".debug"))).toEqual([]);
    // Who adds it by hand answers for it: nothing is in the way.
    await host.run(["ip", "addr", "add", `${virtual}/24`, "dev", "eth0"]);
    const { status } = await client.run(["ping", "-c", "1", "-W", "2", virtual]);
    expect(status).toBe(0);
  }, 60_000);

  test("200 addresses move at once", async () => {
    const addresses = Array.from({ length: 200 }, (_, index) => `10.99.1.${index + 1}/32`);
    const [one, two] = await startPair((priority) => router({ priority, addresses }));
    const held = async (host: Host): Promise<number> =>
      (await addressesOf(host)).filter((address) => address.startsWith("10.99.1.")).length;
    expect(await held(lan.hosts.one)).toBe(200);
    expect(await held(lan.hosts.two)).toBe(0);
    const { client } = lan.hosts;
    await client.run(["ip", "route", "add", "10.99.1.0/24", "dev", "eth0"]);
    const answers = async (address: string): Promise<boolean> =>
      (await client.run(["ping", "-c", "1", "-W", "1", address])).status === 0;
    expect(await answers("10.99.1.200")).toBe(true);
    expect((await runCommand(one, "standby")).status).toBe(0);
    await two.waitForState("active");
    await waitFor(async () => (await held(lan.hosts.two)) === 200, { what: "200 addresses" });
    expect(await held(lan.hosts.one)).toBe(0);
    // Announced also: the client knew the MAC of the first.
    await waitFor(() => answers("10.99.1.200"), { what: "an answer of the last address" });
    expect(await answers("10.99.1.1")).toBe(true);
  }, 60_000);

  test("two virtual routers: each director has one, the survivor both", async () => {
    const both = (first: number, other: number): string =>
      router({ name: "first", vrid: 51, priority: first, preempt: true }) +
      router({
        name: "other",
        vrid: 52,
        priority: other,
        preempt: true,
        addresses: [`${second}/24`],
      });
    const one = await start(lan.hosts.one, both(150, 100));
    const two = await start(lan.hosts.two, both(100, 150));
    await one.waitForState("active", "first");
    await two.waitForState("active", "other");
    await one.waitForState("backup", "other");
    expect(await addressesOf(lan.hosts.one)).toContain(virtual);
    expect(await addressesOf(lan.hosts.two)).toContain(second);
    one.process.kill("SIGKILL");
    await two.waitForState("active", "first");
    expect((await two.router("other")).state).toBe("active");
    expect(await addressesOf(lan.hosts.two)).toEqual(expect.arrayContaining([virtual, second]));
  }, 60_000);

  test("a group of IPv4 and IPv6 moves together", async () => {
    const virtual6 = "fd99::100";
    const [one, two] = await startPair(
      (priority) =>
        router({ name: "four", vrid: 51, priority, group: "edge" }) +
        router({ name: "six", vrid: 52, priority, group: "edge", addresses: [`${virtual6}/64`] }),
    );
    const owns = async (host: Host): Promise<boolean[]> => {
      const addresses = await addressesOf(host);
      return [virtual, virtual6].map((address) => addresses.includes(address));
    };
    await one.waitForState("active", "six");
    await two.waitForState("backup", "six");
    expect(await owns(lan.hosts.one)).toEqual([true, true]);
    expect((await runCommand(one, "standby", "four")).status).toBe(0);
    await two.waitForState("active", "four");
    await two.waitForState("active", "six");
    await one.waitForState("backup", "six");
    expect(await owns(lan.hosts.one)).toEqual([false, false]);
    expect(await owns(lan.hosts.two)).toEqual([true, true]);
  }, 60_000);

  const services = 5000;
  const manyNeeds = requireDescriptors(2 * services + 2000);

  test.skipIf(manyNeeds.skip)(
    "reloads with 5,000 services disturb nobody",
    async () => {
      const many = (weight: number): string =>
        Array.from({ length: services }, (_, index) => {
          const listen = `127.0.${1 + Math.floor(index / 1000)}.1:${10_000 + (index % 1000)}`;
          const server = `{ address = "127.0.0.1:9", weight = ${weight} }`;
          return `[[virtual_service]]
name = "s${index}"
listen = "${listen}"
check = { type = "on" }
real_servers = [${server}]
`;
        }).join("");
      const text = (priority: number, weight: number): string =>
        `[proxy]\nworkers = 1\n${many(weight)}${router({ priority })}`;
      const one = await start(lan.hosts.one, text(150, 1));
      await one.waitForState("active");
      const two = await start(lan.hosts.two, router({ priority: 100 }));
      await waitFor(async () => (await two.router()).heard !== null, {
        what: "the second to hear",
      });
      const before = [await one.router(), await two.router()];
      for (const weight of [2, 3]) {
        one.configure(text(150, weight));
        const { status, stderr } = await runCommand(one, "reload");
        expect([status, stderr]).toEqual([0, ""]);
      }
      const { services: now } = await readSnapshot(one);
      expect(now[services - 1]).toMatchObject({ realServers: [{ weight: 3 }] });
      const after = [await one.router(), await two.router()];
      const told = ({ state, transitions }: (typeof after)[number]): unknown => [
        state,
        transitions,
      ];
      expect(after.map(told)).toEqual(before.map(told));
    },
    120_000,
  );
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
