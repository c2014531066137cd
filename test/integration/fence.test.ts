/**
 * The fence on a wire: whether a director answers for an address is asked by another host, with and
 * without an ARP entry of its own.
 *
 * @module
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";

import type { FenceAttachment } from "../../src/fence/index.ts";
import type { FenceHostCommand } from "../helpers/fence-host.ts";
import { createLan } from "../helpers/netns.ts";
import type { Host, Lan } from "../helpers/netns.ts";
import type { StartedProcess } from "../helpers/process.ts";
import { createBpfFolder, requireBpf } from "../helpers/require-bpf.ts";
import type { BpfFolder } from "../helpers/require-bpf.ts";
import { requireAll, requireNetns, requirePeer } from "../helpers/require-peer.ts";
import { createTempFolder } from "../helpers/temp-folder.ts";

const needs = requireAll(requireNetns(), requirePeer("nft", "ping"), requireBpf());
const root = new URL("../..", import.meta.url).pathname;
const virtual4 = "10.99.0.100";
const virtual6 = "fd99::100";
const instance = 7;
const hourMs = 3_600_000;

/** This kernel has TCX; clsact is what one before 6.6 gets. */
const attachments: readonly FenceAttachment[] = ["tcx", "clsact"];

describe.skipIf(needs.skip).each(attachments)("fence by %s", (attachment) => {
  let lan: Lan<"client" | "director">;
  let folder: ReturnType<typeof createTempFolder>;
  let pins: BpfFolder;
  let fence: StartedProcess;
  let client: Host;
  let director: Host;
  let mac = "";
  const socketPath = (): string => join(folder.path, "fence.sock");

  async function call(name: FenceHostCommand, ...args: readonly unknown[]): Promise<unknown> {
    const body = JSON.stringify(args);
    const url = `http://fence/${name}`;
    const answer = await fetch(url, { unix: socketPath(), method: "POST", body });
    if (!answer.ok) throw new Error(await answer.text());
    return answer.json();
  }

  async function startFence(): Promise<void> {
    await director.run(["rm", "-f", socketPath()]);
    const script = join(root, "test/helpers/fence-host.ts");
    const command = [process.execPath, script, socketPath(), pins.path, attachment, "eth0"];
    fence = director.spawn(command, { cwd: root });
    await fence.waitForOutput(/fenced/);
    await call("addresses", [
      [virtual4, instance],
      [virtual6, instance],
    ]);
  }

  async function deviceOf(name: string): Promise<number> {
    const { stdout } = await director.run(["cat", `/sys/class/net/${name}/ifindex`]);
    return Number(stdout);
  }

  /** True if the address answers a host that asks for it, and one that knows the way. */
  async function answers(address: string): Promise<{ asked: boolean; known: boolean }> {
    const neighbour = ["ip", "neigh"];
    const ping = ["ping", "-c", "1", "-W", "0.5", address];
    await client.run([...neighbour, "flush", "dev", "eth0"]);
    await client.run([...neighbour, "del", address, "dev", "eth0"]);
    const asked = (await client.run(ping)).status === 0;
    await client.run([...neighbour, "replace", address, "lladdr", mac, "dev", "eth0"]);
    const known = (await client.run(ping)).status === 0;
    await client.run([...neighbour, "del", address, "dev", "eth0"]);
    return { asked, known };
  }

  const both = { asked: true, known: true };
  const neither = { asked: false, known: false };

  beforeAll(async () => {
    lan = await createLan(["client", "director"]);
    ({ client, director } = lan.hosts);
    folder = createTempFolder();
    pins = createBpfFolder();
    const { stdout } = await director.run(["cat", "/sys/class/net/eth0/address"]);
    mac = stdout.trim();
    await startFence();
    // On the device only after the fence is: that is the order of the product, too.
    await director.run(["ip", "addr", "add", `${virtual4}/32`, "dev", "eth0"]);
    await director.run(["ip", "addr", "add", `${virtual6}/128`, "dev", "eth0", "nodad"]);
  }, 30_000);
  afterAll(async () => {
    await lan[Symbol.asyncDispose]();
    pins[Symbol.dispose]();
    folder[Symbol.dispose]();
  });
  beforeEach(async () => {
    await call("end", instance);
    await call("flags", instance, 0);
  });

  test.each([virtual4, virtual6])("%s answers while its lease runs, and only then", async (vip) => {
    expect(await answers(vip)).toEqual(neither);
    await call("open", instance, hourMs);
    expect(await answers(vip)).toEqual(both);
    await call("end", instance);
    expect(await answers(vip)).toEqual(neither);
  });

  test("the host's own address is not fenced", async () => {
    expect(await answers(director.address)).toEqual(both);
    expect(await answers(director.address6)).toEqual(both);
  });

  test("what the guard closed stays closed, whatever is renewed", async () => {
    await call("open", instance, hourMs);
    await call("close", instance);
    await call("renew", instance, hourMs);
    expect(await answers(virtual4)).toEqual(neither);
  });

  test("a lease that nobody renews ends by itself", async () => {
    await call("open", instance, 300);
    await Bun.sleep(310);
    expect(await answers(virtual4)).toEqual(neither);
  });

  test("the node's own questions go out, and claims of others come in", async () => {
    // Another host has the address: this one, fenced, must be able to be its client.
    await director.run(["ip", "addr", "del", `${virtual4}/32`, "dev", "eth0"]);
    await client.run(["ip", "addr", "add", `${virtual4}/32`, "dev", "eth0"]);
    try {
      const ping = ["ping", "-c", "1", "-W", "2", virtual4];
      expect((await director.run(ping)).status).toBe(0);
    } finally {
      await client.run(["ip", "addr", "del", `${virtual4}/32`, "dev", "eth0"]);
      await director.run(["ip", "addr", "add", `${virtual4}/32`, "dev", "eth0"]);
    }
  });

  test("tc qdisc del does not open it, or until mend() where clsact is all there is", async () => {
    const device = await deviceOf("eth0");
    const found = ["out", "in"].map((direction) => ({ device, direction, fault: "missing" }));
    await director.run(["tc", "qdisc", "del", "dev", "eth0", "clsact"]);
    const isClsact = attachment === "clsact";
    expect(await answers(virtual4)).toEqual(isClsact ? both : neither);
    expect(await call("mend")).toEqual(isClsact ? found : []);
    expect(await answers(virtual4)).toEqual(neither);
    expect(await call("mend")).toEqual([]);
  });

  test("no nft flush ruleset opens it", async () => {
    await director.run(["nft", "flush", "ruleset"]);
    expect(await answers(virtual4)).toEqual(neither);
  });

  test("it outlives its process, and the next one takes it over closed", async () => {
    await call("open", instance, 300);
    fence.kill("SIGKILL");
    await fence.exited;
    await Bun.sleep(310);
    expect(await answers(virtual4)).toEqual(neither);
    await startFence();
    expect(await answers(virtual4)).toEqual(neither);
    // A lease alone opens nothing: the process before may have been closed by its guard.
    await call("renew", instance, hourMs);
    expect(await answers(virtual4)).toEqual(neither);
    await call("end", instance);
    await call("open", instance, hourMs);
    expect(await answers(virtual4)).toEqual(both);
  }, 20_000);

  test("mend() puts it back in front of a foreign program", async () => {
    expect(await call("mend")).toEqual([]);
    await call("intrude", "eth0");
    expect(await answers(virtual4)).toEqual(both);
    const device = await deviceOf("eth0");
    expect(await call("mend")).toEqual([
      { device, direction: "out", fault: "not-first" },
      { device, direction: "in", fault: "not-first" },
    ]);
    expect(await answers(virtual4)).toEqual(neither);
    expect(await call("mend")).toEqual([]);
  });

  test("a real server on the backup hears its director, and answers", async () => {
    const { stdout } = await client.run(["cat", "/sys/class/net/eth0/address"]);
    // Its condition: what it asks its neighbours must not name the address.
    const setting = "/proc/sys/net/ipv4/conf/all/arp_announce";
    await director.run(["sh", "-c", `echo 2 >${setting}`]);
    await call("flags", instance, 1);
    await call("peers", [stdout.trim()]);
    // The client plays the active director: what comes from its MAC address passes, ARP does not.
    expect(await answers(virtual4)).toEqual({ asked: false, known: true });
    await call("peers", []);
    expect(await answers(virtual4)).toEqual(neither);
  });

  test("counters() tells what was dropped, and of what kind", async () => {
    const before = JSON.parse(JSON.stringify(await call("counters")));
    await answers(virtual4);
    const after = JSON.parse(JSON.stringify(await call("counters")));
    expect(after.dropped["arp-in"]).toBeGreaterThan(before.dropped["arp-in"]);
    expect(after.dropped["ip-in"]).toBeGreaterThan(before.dropped["ip-in"]);
  });
});
