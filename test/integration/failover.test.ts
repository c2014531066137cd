/**
 * Two directors and one address, seen from a client on the wire: who has it, who answers for it.
 *
 * @module
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";

import { plan, startNode } from "../helpers/failover-node.ts";
import type { FailoverNode } from "../helpers/failover-node.ts";
import { dropBetween, passBetween } from "../helpers/failover/loss.ts";
import type { Segment } from "../helpers/failover/loss.ts";
import { macOf } from "../helpers/failover/observation.ts";
import { createLan } from "../helpers/netns.ts";
import type { Host, Lan } from "../helpers/netns.ts";
import { requireBpf } from "../helpers/require-bpf.ts";
import { requireAll, requireNetns, requirePeer } from "../helpers/require-peer.ts";
import { waitFor } from "../helpers/wait.ts";

const needs = requireAll(requireNetns(), requirePeer("ping", "nft"), requireBpf());
const virtual = "10.99.0.100";
const virtual6 = "fd99::100";

describe.skipIf(needs.skip)("two directors", () => {
  let lan: Lan<"client" | "one" | "two">;
  const nodes: FailoverNode[] = [];

  async function start(host: Host, changes: Parameters<typeof plan>[0]): Promise<FailoverNode> {
    const node = await startNode(host, [plan(changes)]);
    nodes.push(node);
    return node;
  }

  /** The first is active before the second is started. */
  async function startPair(
    changes: Parameters<typeof plan>[0] = {},
  ): Promise<[FailoverNode, FailoverNode]> {
    const one = await start(lan.hosts.one, { ...changes, priority: 150 });
    await one.waitForState("active");
    const two = await start(lan.hosts.two, { ...changes, priority: 100 });
    await two.waitForState("backup");
    return [one, two];
  }

  async function hasAddress(host: Host, address = virtual): Promise<boolean> {
    const { stdout } = await host.run(["ip", "-o", "addr", "show", "dev", "eth0"]);
    return stdout.includes(` ${address}/`);
  }

  async function ping(address = virtual): Promise<boolean> {
    return (await lan.hosts.client.run(["ping", "-c", "1", "-W", "0.5", address])).status === 0;
  }

  /** True if a host answers for the address when it is asked by its MAC. */
  async function answers(host: Host, address = virtual): Promise<boolean> {
    const mac = (await host.run(["cat", "/sys/class/net/eth0/address"])).stdout.trim();
    const { client } = lan.hosts;
    await client.run(["ip", "neigh", "replace", address, "lladdr", mac, "dev", "eth0"]);
    const hasAnswered = await ping(address);
    await client.run(["ip", "neigh", "del", address, "dev", "eth0"]);
    return hasAnswered;
  }

  beforeEach(async () => {
    lan = await createLan(["client", "one", "two"]);
  }, 20_000);
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node[Symbol.asyncDispose]()));
    await lan[Symbol.asyncDispose]();
  });

  test.each([virtual, virtual6])(
    "the better one has %s, the other waits",
    async (address) => {
      const [one, two] = await startPair({ address });
      expect(await hasAddress(one.host, address)).toBe(true);
      expect(await hasAddress(two.host, address)).toBe(false);
      expect(await ping(address)).toBe(true);
      expect(two.view()).toMatchObject({ state: "backup", heard: { priority: 150 } });
      expect(one.view()!.leaseRemainingMs).toBeGreaterThan(0);
      expect(two.view()!.leaseRemainingMs).toBe(0);
    },
    20_000,
  );

  test("SIGTERM hands the address over", async () => {
    const [one, two] = await startPair();
    expect(await one.process.stop()).toBe(0);
    await two.waitForState("active");
    expect(await hasAddress(one.host)).toBe(false);
    expect(await ping()).toBe(true);
    // Nothing is left behind: neither fence nor address.
    const { stdout } = await one.host.run(["ip", "-o", "addr", "show", "dev", "eth0"]);
    expect(stdout).not.toContain(virtual);
  }, 20_000);

  test("kill -9: the guard resigns and takes the address off", async () => {
    const [one, two] = await startPair();
    one.process.kill("SIGKILL");
    await two.waitForState("active");
    await waitFor(async () => ((await hasAddress(one.host)) ? undefined : true), {
      what: "the address to go from the dead director",
    });
    expect(await answers(one.host)).toBe(false);
    expect(await ping()).toBe(true);
  }, 20_000);

  test("frozen: it answers no more, and is backup when it wakes up", async () => {
    const [one, two] = await startPair();
    one.process.kill("SIGSTOP");
    await two.waitForState("active");
    expect(await answers(one.host)).toBe(false);
    expect(await answers(two.host)).toBe(true);
    one.process.kill("SIGCONT");
    await one.waitForState("backup");
    expect(await hasAddress(one.host)).toBe(false);
    expect(await hasAddress(two.host)).toBe(true);
    expect(one.events()).toContainEqual(
      expect.objectContaining({ type: "state", state: "backup" }),
    );
  }, 20_000);

  test("director and guard killed: the lease ends, whoever has the address", async () => {
    const [one, two] = await startPair();
    const { stdout } = await one.host.run(["pgrep", "-P", String(await one.pid())]);
    const guard = Number(stdout.trim());
    expect(guard).toBeGreaterThan(0);
    one.process.kill("SIGSTOP");
    process.kill(guard, "SIGKILL");
    one.process.kill("SIGKILL");
    await two.waitForState("active");
    // Nobody was left to take it off, and still it answers no more.
    expect(await hasAddress(one.host)).toBe(true);
    expect(await answers(one.host)).toBe(false);
    expect(await ping()).toBe(true);
    // The next process finds it and takes it off.
    const again = await start(lan.hosts.one, { priority: 150 });
    await again.waitForState("backup");
    expect(await hasAddress(again.host)).toBe(false);
  }, 20_000);

  test("separated and joined again: the neighbours know who has won", async () => {
    const [one, two] = await startPair();
    const { bridge, hosts } = lan;
    const segment: Segment = { bridge, ports: [hosts.one.port, hosts.two.port] };
    const neighbour = async (): Promise<string> =>
      (await hosts.client.run(["ip", "neigh", "show", virtual])).stdout;
    const macs = await Promise.all([hosts.one, hosts.two].map(macOf));
    const known = (mac: string) => async () =>
      (await neighbour()).includes(mac) ? true : undefined;
    expect(await ping()).toBe(true);
    for (let round = 0; round < 4; round++) {
      await dropBetween(segment, 100);
      await two.waitForState("active");
      await waitFor(known(macs[1]!), { what: "the client to be told of the second" });
      await passBetween(segment);
      await two.waitForState("backup");
      await waitFor(known(macs[0]!), { what: "the client to be told of the first again" });
    }
    expect(one.view()).toMatchObject({ state: "active", transitions: 2 });
  }, 40_000);

  test("a guard that dies is missed at once, and replaced", async () => {
    const [one] = await startPair();
    const guards = async (): Promise<number[]> => {
      const { stdout } = await one.host.run(["pgrep", "-P", String(await one.pid())]);
      return stdout.trim().split("\n").filter(Boolean).map(Number);
    };
    const [guard] = await guards();
    process.kill(guard!, "SIGKILL");
    await waitFor(() => (one.channel()?.hasGuard === false ? true : undefined), {
      what: "it to be missed",
    });
    await waitFor(() => (one.channel()?.hasGuard === true ? true : undefined), {
      what: "another one",
    });
    expect(await guards()).not.toContain(guard);
    expect(one.view()).toMatchObject({ state: "active", transitions: 2 });
  }, 20_000);

  test("a renamed interface: nothing is left on it, and it serves again under its name", async () => {
    const [one, two] = await startPair();
    const { host } = one;
    await host.run(["ip", "link", "set", "eth0", "name", "lan0"]);
    await two.waitForState("active");
    const { stdout } = await host.run(["ip", "-o", "addr", "show", "dev", "lan0"]);
    expect(stdout).not.toContain(virtual);
    await host.run(["ip", "link", "set", "lan0", "name", "eth0"]);
    await waitFor(() => (one.view()?.heard?.priority === 100 ? true : undefined), {
      what: "it to hear the other",
    });
    two.process.kill("SIGKILL");
    await one.waitForState("active");
    expect(await ping()).toBe(true);
  }, 30_000);

  test("an address that somebody removes comes back", async () => {
    const [one] = await startPair();
    await one.host.run(["ip", "addr", "del", `${virtual}/32`, "dev", "eth0"]);
    await waitFor(async () => ((await hasAddress(one.host)) ? true : undefined), {
      what: "the address to come back",
    });
    expect(one.view()!.state).toBe("active");
  }, 20_000);

  test("a link that goes down hands over, and there is no fail-back", async () => {
    const [one, two] = await startPair();
    await one.host.run(["ip", "link", "set", "eth0", "down"]);
    await two.waitForState("active");
    await one.waitForState("backup");
    await one.host.run(["ip", "link", "set", "eth0", "up"]);
    await one.process.waitForOutput(/"carrier"/);
    await waitFor(() => (one.view()?.heard === undefined ? undefined : true), {
      what: "the first to hear the second",
    });
    expect(two.view()!.state).toBe("active");
  }, 20_000);
});
