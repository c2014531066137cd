/**
 * What a director tracks decides who has the address: pings, scripts, interfaces, real servers.
 *
 * @module
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { runCommand } from "../helpers/director-view.ts";
import type { Director } from "../helpers/director.ts";
import {
  readRouter,
  routerText,
  startOn,
  waitForRole,
  waitForRouter,
} from "../helpers/failover-pair.ts";
import type { RouterText } from "../helpers/failover-pair.ts";
import { createLan } from "../helpers/netns.ts";
import type { Host, Lan } from "../helpers/netns.ts";
import { runProcess } from "../helpers/process.ts";
import { requireBpf } from "../helpers/require-bpf.ts";
import {
  requireAll,
  requireExecutable,
  requireNetns,
  requirePeer,
} from "../helpers/require-peer.ts";

const needs = requireAll(requireExecutable(), requireNetns(), requirePeer("ping"), requireBpf());
/** The witness of the test network. */
const client = "10.99.0.1";
const ping = `track = [{ ping = "${client}", interval = "100ms" }]\npreempt = true`;

/** True once the active director was not heard for so long. */
function isSilent(heardAt: string | undefined, ms: number): boolean {
  return heardAt !== undefined && Date.now() - Date.parse(heardAt) > ms;
}

describe.skipIf(needs.skip)("tracking", () => {
  let lan: Lan<"client" | "one" | "two">;
  let folder: string;
  const directors: Director[] = [];

  async function start(host: Host, text: RouterText): Promise<Director> {
    const director = await startOn(host, routerText(text));
    directors.push(director);
    return director;
  }

  /** The first is active before the second is started. */
  async function startPair(text: Omit<RouterText, "priority">): Promise<[Director, Director]> {
    const one = await start(lan.hosts.one, { ...text, priority: 150 });
    await waitForRole(one, "active");
    const two = await start(lan.hosts.two, { ...text, priority: 100 });
    await waitForRouter(two, ({ heard }) => heard?.priority === 150);
    return [one, two];
  }

  beforeEach(async () => {
    lan = await createLan(["client", "one", "two"]);
    folder = mkdtempSync(join(tmpdir(), "track-"));
  }, 20_000);
  afterEach(async () => {
    await Promise.all(directors.splice(0).map((director) => director[Symbol.asyncDispose]()));
    await lan[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  test("a director that its witness does not answer hands over, and gets the address back", async () => {
    const [one, two] = await startPair({ lines: ping });
    await lan.hosts.one.run(["ip", "route", "add", "blackhole", `${client}/32`]);
    await waitForRole(two, "active");
    const lost = await waitForRole(one, "backup");
    expect(lost.priority).toBe(1);
    await lan.hosts.one.run(["ip", "route", "del", "blackhole", `${client}/32`]);
    expect((await waitForRole(one, "active")).priority).toBe(150);
    await waitForRole(two, "backup");
  }, 30_000);

  test("an interface that is only tracked makes it unfit", async () => {
    const { one: host } = lan.hosts;
    await host.run(["ip", "link", "add", "in0", "type", "veth", "peer", "in1"]);
    for (const name of ["in0", "in1"]) await host.run(["ip", "link", "set", name, "up"]);
    const lines = 'track = [{ interface = "in0" }]\npreempt = true';
    const one = await start(host, { priority: 150, lines });
    expect((await waitForRole(one, "active")).priority).toBe(150);
    const two = await start(lan.hosts.two, { priority: 100, lines: "preempt = true" });
    await waitForRouter(two, ({ heard }) => heard !== null);
    await host.run(["ip", "link", "set", "in1", "down"]);
    await waitForRole(two, "active");
    expect((await waitForRole(one, "backup")).priority).toBe(1);
  }, 30_000);

  test("when both are unfit the one that has the address keeps it", async () => {
    const flag = join(folder, "well");
    writeFileSync(flag, "");
    Bun.spawnSync(["chmod", "755", folder]);
    const script = `["/usr/bin/test", "-e", "${flag}"]`;
    const lines = `track = [{ script = ${script}, interval = "100ms" }]\npreempt = true`;
    const [one, two] = await startPair({ lines });
    rmSync(flag);
    await waitForRouter(one, ({ priority }) => priority === 1);
    await waitForRouter(two, ({ priority, heard }) => priority === 1 && heard?.priority === 1);
    expect((await readRouter(one)).state).toBe("active");
    expect((await readRouter(one)).transitions).toBe(2);
  }, 30_000);

  test("of two unfit directors the one with more live servers has it", async () => {
    const service = (servers: string, quorum: number): string => `
[[virtual_service]]
name = "web"
listen = "10.99.0.100:80"
quorum = ${quorum}
real_servers = [${servers}]
`;
    const off = '{ address = "10.99.0.9:80", check = { type = "off" } }';
    const on = '{ address = "10.99.0.1:80", check = { type = "on" } }';
    const lines = "preempt = true";
    const tables = service(`${on}, ${off}`, 2);
    const one = await start(lan.hosts.one, { priority: 150, lines, tables: service(off, 1) });
    expect((await waitForRole(one, "active")).priority).toBe(1);
    const two = await start(lan.hosts.two, { priority: 100, lines, tables });
    expect((await waitForRole(two, "active")).priority).toBe(2);
    await waitForRole(one, "backup");
  }, 30_000);

  /** Takes the second director off the network; its carrier stays. */
  async function cutOff(): Promise<void> {
    const bridge = lan.hosts.two.netns.replace(/two$/, "lan");
    const { status } = await runProcess(["ip", "-n", bridge, "link", "set", "p3", "nomaster"]);
    expect(status).toBe(0);
  }

  test("who requires a witness and reaches none does not take over, but by force", async () => {
    const [one, two] = await startPair({ lines: `${ping}\nwitness = "require"` });
    await cutOff();
    const blocked = await waitForRouter(two, ({ blockedBy }) => blockedBy !== null);
    expect(blocked).toMatchObject({ state: "backup", blockedBy: "witness", priority: 1 });
    expect((await readRouter(one)).state).toBe("active");
    expect(await runCommand(two, "takeover", "--force")).toMatchObject({ status: 0 });
    await waitForRole(two, "active");
  }, 30_000);

  test("with a peer it hands over without preemption, and keeps off afterwards", async () => {
    const key = join(folder, "peer.key");
    writeFileSync(key, "a".repeat(64), { mode: 0o600 });
    const lines = `track = [{ ping = "${client}", interval = "100ms" }]`;
    const peerOf = (address: string): string =>
      `[peer]\naddress = "${address}:9781"\nkey_file = "${key}"`;
    const { one: here, two: there } = lan.hosts;
    const one = await start(here, { priority: 150, lines, tables: peerOf(there.address) });
    await waitForRole(one, "active");
    const two = await start(there, { priority: 100, lines, tables: peerOf(here.address) });
    await waitForRouter(two, ({ heard }) => heard !== null);
    await here.run(["ip", "route", "add", "blackhole", `${client}/32`]);
    await waitForRole(two, "active");
    expect(await waitForRole(one, "backup")).toMatchObject({ cause: "witness", priority: 150 });
    await here.run(["ip", "route", "del", "blackhole", `${client}/32`]);
    await one.process.waitForOutput(/is well again/);
    expect(await readRouter(two)).toMatchObject({ state: "active", cause: "resignation" });
  }, 30_000);

  const required = `track = [{ ping = "${client}", interval = "1h", timeout = "1s" }]
witness = "require"`;

  test("what a witness answered before the silence does not count", async () => {
    const [, two] = await startPair({ lines: required });
    await cutOff();
    const { heard } = await waitForRouter(two, (router) => isSilent(router.heard?.at, 2000));
    expect(heard).not.toBeNull();
    expect(await readRouter(two)).toMatchObject({ state: "backup", transitions: 1 });
  }, 30_000);

  test("a witness that is required and answers lets it take over at once", async () => {
    const [one, two] = await startPair({ lines: required });
    one.process.kill("SIGKILL");
    expect(await waitForRole(two, "active")).toMatchObject({ cause: "resignation" });
  }, 30_000);

  test("who only prefers one takes over", async () => {
    const [, two] = await startPair({ lines: ping });
    await cutOff();
    await waitForRole(two, "active");
  }, 30_000);
});
