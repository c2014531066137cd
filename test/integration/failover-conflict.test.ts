/**
 * Another node that has a virtual address, or says so: at start it stops a director, afterwards it is
 * an alarm.
 *
 * @module
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";

import type { VirtualRouterSnapshot } from "../../src/status/index.ts";
import { readMetric, readSnapshot, runCommand } from "../helpers/director-view.ts";
import type { Director } from "../helpers/director.ts";
import {
  readRouter,
  routerText,
  startOn,
  waitForRole,
  waitForRouter,
} from "../helpers/failover-pair.ts";
import { createLan } from "../helpers/netns.ts";
import type { Host, Lan } from "../helpers/netns.ts";
import { requireBpf } from "../helpers/require-bpf.ts";
import {
  requireAll,
  requireExecutable,
  requireNetns,
  requirePeer,
} from "../helpers/require-peer.ts";
import { waitFor } from "../helpers/wait.ts";

const needs = requireAll(requireExecutable(), requireNetns(), requirePeer("ping"), requireBpf());
const root = new URL("../..", import.meta.url).pathname;
const claimScript = new URL("../helpers/claim-host.ts", import.meta.url).pathname;
const conflictsMetric = 'appliance_vrrp_conflicts_total{virtual_router="web"}';

const families = [
  ["IPv4", "10.99.0.100"],
  ["IPv6", "fd99::100"],
] as const;

describe.skipIf(needs.skip)("another node with a virtual address", () => {
  let lan: Lan<"client" | "one" | "other">;
  const directors: Director[] = [];

  async function start(host: Host, address: string): Promise<Director> {
    const config = routerText({ priority: 150 }).replace("10.99.0.100", address);
    const director = await startOn(host, config);
    directors.push(director);
    return director;
  }

  async function changeAddress(what: "add" | "del", address: string): Promise<void> {
    const whole = `${address}/${address.includes(":") ? 128 : 32}`;
    const nodad = address.includes(":") && what === "add" ? ["nodad"] : [];
    const command = ["ip", "addr", what, whole, "dev", "eth0", ...nodad];
    expect(await lan.hosts.other.run(command)).toMatchObject({ status: 0 });
  }

  async function claim(address: string, count = 1): Promise<void> {
    const command = [process.execPath, claimScript, "eth0", address, String(count)];
    const { status, stderr } = await lan.hosts.other.run(command, { cwd: root });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  }

  async function macOf(host: Host): Promise<string> {
    return (await host.run(["cat", "/sys/class/net/eth0/address"])).stdout.trim();
  }

  beforeEach(async () => {
    lan = await createLan(["client", "one", "other"]);
  }, 20_000);
  afterEach(async () => {
    await Promise.all(directors.splice(0).map((director) => director[Symbol.asyncDispose]()));
    await lan[Symbol.asyncDispose]();
  });

  test.each(families)(
    "stops a director that starts, until it is gone (%s)",
    async (_name, address) => {
      await changeAddress("add", address);
      const director = await start(lan.hosts.one, address);
      const isBlocked = ({ blockedBy }: VirtualRouterSnapshot): boolean =>
        blockedBy === "foreign-holder";
      expect(await waitForRouter(director, isBlocked)).toMatchObject({ state: "backup" });
      await director.process.waitForOutput(/vrrp-holder/);
      expect(director.process.output()).toContain(await macOf(lan.hosts.other));
      await changeAddress("del", address);
      await waitForRole(director, "active");
    },
    30_000,
  );

  test("is overridden by force, and told of as a conflict", async () => {
    const address = "10.99.0.100";
    await changeAddress("add", address);
    const director = await start(lan.hosts.one, address);
    await waitForRouter(director, ({ blockedBy }) => blockedBy !== null);
    expect(await runCommand(director, "takeover")).toMatchObject({ status: 0 });
    expect(await readRouter(director)).toMatchObject({ state: "backup" });
    expect(await runCommand(director, "takeover", "--force")).toMatchObject({ status: 0 });
    // Asked again beside the takeover, it answers.
    const { conflicts } = await waitForRouter(director, (router) => router.conflicts > 0);
    expect(await readMetric(director, conflictsMetric)).toBeGreaterThanOrEqual(conflicts);
    expect(await readRouter(director)).toMatchObject({ state: "active", cause: "takeover" });
  }, 30_000);

  test.each(families)(
    "that claims it later is counted, and the neighbours are told the truth (%s)",
    async (_name, address) => {
      const director = await start(lan.hosts.one, address);
      await waitForRole(director, "active");
      const { client, one, other } = lan.hosts;
      const show = ["ip", "neigh", "show", address];
      const ping = ["ping", "-c", "1", "-W", "1", address];
      await waitFor(async () => (await client.run(ping)).status === 0, {
        what: "an answer to the client",
      });
      await claim(address);
      await director.process.waitForOutput(/vrrp-conflict/);
      expect(director.process.output()).toContain(await macOf(other));
      const mac = await macOf(one);
      await waitFor(async () => (await client.run(show)).stdout.includes(mac), {
        what: "the client to know the director again",
      });
      expect(await readRouter(director)).toMatchObject({ state: "active", conflicts: 1 });
    },
    30_000,
  );

  test("a flood of claims neither moves the address nor makes the thread late", async () => {
    const address = "10.99.0.100";
    const director = await start(lan.hosts.one, address);
    await waitForRole(director, "active");
    const before = (await readSnapshot(director)).failover!;
    const startedMs = performance.now();
    await claim(address, 50_000);
    const tookMs = performance.now() - startedMs;
    const after = (await readSnapshot(director)).failover!;
    // Wake-ups: one each 20 ms for advertisements, few for claims.
    expect(after.wakeups - before.wakeups).toBeLessThan(tookMs / 5 + 100);
    const router = await readRouter(director);
    expect(router).toMatchObject({ state: "active", transitions: 2 });
    expect(router.conflicts).toBeLessThanOrEqual(tookMs / 200 + 2);
    expect(router.conflicts).toBeGreaterThan(0);
  }, 30_000);

  test("claims of other addresses do not wake it at all", async () => {
    const director = await start(lan.hosts.one, "10.99.0.100");
    await waitForRole(director, "active");
    const before = (await readSnapshot(director)).failover!;
    const startedMs = performance.now();
    await claim("10.99.0.101", 20_000);
    const tookMs = performance.now() - startedMs;
    const after = (await readSnapshot(director)).failover!;
    expect(after.wakeups - before.wakeups).toBeLessThan(tookMs / 5 + 100);
    expect(await readRouter(director)).toMatchObject({ state: "active", conflicts: 0 });
  }, 30_000);

  test("is not told of if it is a director that advertises once a second", async () => {
    const slow = (priority: number): string =>
      routerText({ priority }).replace("20ms", "1s").replace("300ms", "3s");
    const one = await startOn(lan.hosts.one, slow(150));
    directors.push(one);
    await waitForRole(one, "active");
    const two = await startOn(lan.hosts.other, slow(100));
    directors.push(two);
    // It answers at once, and is heard up to a second later.
    await waitForRouter(two, ({ heard }) => heard !== null);
    await waitForRouter(two, ({ heard, changedAt }) => {
      return Date.parse(heard?.at ?? "") - Date.parse(changedAt) > 3500;
    });
    expect(two.process.output()).not.toContain("vrrp-holder");
    expect(await readRouter(two)).toMatchObject({ state: "backup", blockedBy: null });
  }, 40_000);

  test("is no surprise if it is the other director", async () => {
    const one = await start(lan.hosts.one, "10.99.0.100");
    await waitForRole(one, "active");
    const two = await start(lan.hosts.other, "10.99.0.100");
    await waitForRouter(two, ({ heard }) => heard !== null);
    expect(await readRouter(two)).toMatchObject({ state: "backup", blockedBy: null });
    one.process.kill("SIGTERM");
    await waitForRole(two, "active");
  }, 30_000);
});
