/**
 * Two whole directors with `[peer]`: what they say of each other, overrides on both, keys that are
 * refused.
 *
 * @module
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";

import {
  postHandover,
  readMetric,
  readSnapshot,
  runCommand,
  waitForServer,
} from "../helpers/director-view.ts";
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
import { waitFor } from "../helpers/wait.ts";

const needs = requireAll(requireNetns(), requireExecutable(), requireBpf());
const server = "10.99.0.1:80";
const service = `
[[virtual_service]]
name = "web"
listen = "10.99.0.100:80"
check = { type = "on" }
real_servers = [{ address = "${server}", weight = 3 }]
`;

/** A page of each server says which one it is. */
const pageServers = ["10.99.0.11", "10.99.0.12"];
const persistentService = `
[proxy]
workers = 1

[[virtual_service]]
name = "web"
listen = "10.99.0.100:80"
scheduler = "rr"
persistent = "10m"
check = { type = "on" }
real_servers = [${pageServers.map((address) => `{ address = "${address}:80" }`).join(", ")}]
`;
const pageScript = (address: string): string =>
  `Bun.serve({ hostname: "${address}", port: 80, fetch: () => new Response("${address}") });
   console.log("serving");`;

function configOf(priority: number, services: string): string {
  const settings = { name: "web", vrid: 51, priority, addresses: ["10.99.0.100/32"] };
  return formatRouter(settings) + services;
}

describe.skipIf(needs.skip)("two whole directors with a peer channel", () => {
  let lan: Lan<"real" | "one" | "two" | "client">;
  let folders: ReturnType<typeof createDirectorFolder>[];
  const running: NetnsDirector[] = [];

  async function start(host: Host, peer: Host, services = service): Promise<NetnsDirector> {
    const isFirst = host === lan.hosts.one;
    const config = configOf(isFirst ? 150 : 100, services);
    const folder = folders[isFirst ? 0 : 1]!.path;
    const director = await startNetnsDirector(host, { config, folder, peer });
    running.push(director);
    return director;
  }

  async function startPair(services = service): Promise<[NetnsDirector, NetnsDirector]> {
    const { one, two } = lan.hosts;
    const first = await start(one, two, services);
    const pair: [NetnsDirector, NetnsDirector] = [first, await start(two, one, services)];
    for (const director of pair) {
      await waitFor(async () => (await readSnapshot(director)).failover?.routers.length === 1, {
        what: `the virtual router of ${director.host.name}`,
      });
    }
    await pair[0].waitForState("active");
    await pair[1].waitForState("backup");
    return pair;
  }

  /** An override is copied by a connection that is made once a second. */
  async function waitForCopies(director: NetnsDirector): Promise<void> {
    await waitFor(
      async () => {
        const { stdout, stderr, status } = await runCommand(director, "weight", server, "4");
        expect(status).toBe(0);
        return !(stdout + stderr).includes("other director");
      },
      { what: "a change that is copied" },
    );
  }

  beforeEach(async () => {
    lan = await createLan(["real", "one", "two", "client"]);
    folders = [createDirectorFolder(), createDirectorFolder()];
  }, 20_000);
  afterEach(async () => {
    await Promise.all(running.splice(0).map((one) => one[Symbol.asyncDispose]()));
    for (const folder of folders) folder[Symbol.dispose]();
    await lan[Symbol.asyncDispose]();
  });

  test("say in status and metrics how they hear each other", async () => {
    for (const director of await startPair()) {
      await waitFor(async () => (await readMetric(director, "appliance_peer_reachable")) === 1, {
        what: `${director.host.name} to hear its peer`,
      });
      const { failover } = await readSnapshot(director);
      expect(failover!.peer).toMatchObject({ reachable: true, configuration: "same", boots: 1 });
      // Without other times in the file: 20 ms and 300 ms.
      expect(failover!.peer!.heardAgeMs).toBeLessThan(300);
      const received = 'appliance_peer_messages_received_total{result="accepted"}';
      expect(await readMetric(director, received)).toBeGreaterThan(0);
    }
  }, 30_000);

  test("an override is on both before the command returns, and on one that was away later", async () => {
    const [one, two] = await startPair();
    await waitForCopies(one);
    expect((await runCommand(one, "drain", server)).status).toBe(0);
    const [copied] = (await readSnapshot(two)).services[0]!.realServers;
    expect(copied).toMatchObject({ admin: "draining", weight: 4 });
    // Also the other way round.
    await waitForCopies(two);
    // Away: the operator is told, and it is caught up with, also what was taken back.
    await two[Symbol.asyncDispose]();
    const { status, stdout, stderr } = await runCommand(one, "enable", server);
    expect(status).toBe(0);
    expect(stdout + stderr).toContain("the other director may not know it");
    const again = await start(lan.hosts.two, lan.hosts.one);
    await waitForServer(again, server, ({ admin }) => admin === "enabled");
    expect((await readSnapshot(one)).services[0]!.realServers[0]!.admin).toBe("enabled");
  }, 60_000);

  /** The page that a host gets at the virtual address. */
  async function fetchPage(host: Host): Promise<string> {
    const script = 'console.log(await (await fetch("http://10.99.0.100/")).text())';
    const { stdout, stderr } = await host.run([process.execPath, "-e", script]);
    expect(stderr).toBe("");
    return stdout.trim();
  }

  async function startPages(): Promise<void> {
    const { real } = lan.hosts;
    for (const address of pageServers) {
      await real.run(["ip", "addr", "add", `${address}/24`, "dev", "eth0"]);
      const pages = real.spawn([process.execPath, "-e", pageScript(address)]);
      await pages.waitForOutput(/serving/);
    }
  }

  async function waitForClients(director: NetnsDirector, clients: number): Promise<void> {
    const isThere = async (): Promise<boolean> =>
      (await readMetric(director, 'appliance_peer_entries_taken_total{kind="clients"}')) ===
      clients;
    await waitFor(isThere, { what: `${clients} clients to be copied` });
  }

  test("a client of a persistent service stays with its server across a takeover", async () => {
    const { real, client } = lan.hosts;
    await startPages();
    const [one, two] = await startPair(persistentService);
    // In turn: the second client is given the second server.
    const pages = [await fetchPage(real), await fetchPage(client)];
    expect(pages).toEqual(pageServers);
    await waitForClients(two, 2);
    const { failover } = await readSnapshot(two);
    expect(failover!.peer!.copy).toMatchObject({ connected: true, complete: true });
    expect((await runCommand(one, "standby")).status).toBe(0);
    await two.waitForState("active");
    // In turn, the first to come would be given the first server.
    expect(await fetchPage(client)).toBe(pageServers[1]!);
    expect(await fetchPage(real)).toBe(pageServers[0]!);
  }, 60_000);

  test("also one that came milliseconds before standby", async () => {
    const { real, client } = lan.hosts;
    await startPages();
    const [one, two] = await startPair(persistentService);
    expect(await fetchPage(real)).toBe(pageServers[0]!);
    await waitForClients(two, 1);
    const script = 'console.log(await (await fetch("http://10.99.0.100/")).text())';
    const last = client.spawn([process.execPath, "-e", script]);
    await last.waitForOutput(new RegExp(pageServers[1]!));
    // Less than the second between two rounds of copies.
    expect((await postHandover(one, "standby")).status).toBe(200);
    await two.waitForState("active");
    expect(await fetchPage(client)).toBe(pageServers[1]!);
  }, 60_000);

  test("different tables of scheduler mh are told on both", async () => {
    const { one, two } = lan.hosts;
    const mh = service.replace("check =", 'scheduler = "mh"\ncheck =');
    const other = mh.replace("}]", '}, { address = "10.99.0.9:80" }]');
    const pair = [await start(one, two, mh), await start(two, one, other)];
    for (const director of pair) {
      await waitFor(
        async () => (await readSnapshot(director)).failover?.peer?.tables !== "unknown",
        {
          what: `${director.host.name} to compare tables`,
        },
      );
      await director.process.waitForOutput(/different tables of scheduler mh/);
      const { failover, events } = await readSnapshot(director);
      expect(failover!.peer!.tables).toBe("different");
      expect(events.some(({ text }) => text.includes("tables of scheduler mh"))).toBe(true);
      const different = 'appliance_peer_tables{comparison="different"}';
      expect(await readMetric(director, different)).toBe(1);
    }
    // Drained on both, the server that only one of them has: what is left is the same.
    expect((await runCommand(pair[1]!, "disable", "10.99.0.9:80")).status).toBe(0);
    for (const director of pair) {
      await director.process.waitForOutput(/the same tables of scheduler mh again/);
      expect((await readSnapshot(director)).failover!.peer!.tables).toBe("same");
    }
  }, 60_000);

  test("a key file that others can read is refused at a reload and at a start", async () => {
    const { one, two } = lan.hosts;
    const director = await start(one, two);
    const keyFile = join(folders[0]!.path, "peer.key");
    chmodSync(keyFile, 0o644);
    const { status, stdout, stderr } = await runCommand(director, "reload");
    expect(status).not.toBe(0);
    expect(stdout + stderr).toContain("others can read");
    expect((await readSnapshot(director)).failover!.peer).toBeDefined();
  }, 30_000);
});
