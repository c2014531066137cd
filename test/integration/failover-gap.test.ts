/**
 * Interfaces that the fence cannot be put on: the kernel has no room for another program there.
 *
 * @module
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";

import { plan, startNode } from "../helpers/failover-node.ts";
import type { FailoverNode } from "../helpers/failover-node.ts";
import { createLan } from "../helpers/netns.ts";
import type { Host, Lan } from "../helpers/netns.ts";
import type { StartedProcess } from "../helpers/process.ts";
import { requireBpf } from "../helpers/require-bpf.ts";
import { requireAll, requireNetns, requirePeer } from "../helpers/require-peer.ts";
import { waitFor } from "../helpers/wait.ts";

const needs = requireAll(requireNetns(), requirePeer("ping"), requireBpf());
const crowd = new URL("../helpers/tcx-crowd.ts", import.meta.url).pathname;
/** Several looks, each a tenth of a second. */
const looksMs = 1500;

describe.skipIf(needs.skip)("an interface without room for the fence", () => {
  let lan: Lan<"one">;
  let stack: AsyncDisposableStack;

  beforeEach(async () => {
    stack = new AsyncDisposableStack();
    lan = stack.use(await createLan(["one"]));
  }, 20_000);
  afterEach(async () => {
    await stack.disposeAsync();
  }, 20_000);

  async function fill(host: Host, device: string, count = 64): Promise<StartedProcess> {
    const started = host.spawn([process.execPath, crowd, device, String(count)]);
    stack.defer(async () => void (await started.stop()));
    await started.waitForOutput(/attached/);
    return started;
  }

  async function start(): Promise<FailoverNode> {
    return stack.use(await startNode(lan.hosts.one, [plan({})]));
  }

  async function hasAddress(): Promise<boolean> {
    const { stdout } = await lan.hosts.one.run(["ip", "-o", "addr", "show", "dev", "eth0"]);
    return stdout.includes(" 10.99.0.100/");
  }

  const told = (node: FailoverNode) => node.events().filter(({ type }) => type === "fence");
  const gap = (name: string) => ({ interface: name, reason: expect.stringContaining("ERANGE") });
  const gapsOf = (event: object | undefined): unknown =>
    event && Reflect.get(Reflect.get(event, "fence"), "gaps");

  test("no address is added until there is room", async () => {
    const programs = await fill(lan.hosts.one, "eth0");
    const node = await start();
    await waitFor(() => (node.view()?.blockedBy === "fence" ? true : undefined), {
      what: "the router to be blocked",
    });
    await Bun.sleep(looksMs);
    expect(await hasAddress()).toBe(false);
    expect(told(node).map(gapsOf)).toEqual([[gap("eth0")]]);
    expect(node.view()).toMatchObject({ state: "backup", blockedBy: "fence" });
    await programs.stop();
    await node.waitForState("active");
    expect(await hasAddress()).toBe(true);
    await waitFor(() => (told(node).length === 2 ? true : undefined), { what: "the end" });
    expect(gapsOf(told(node)[1])).toEqual([]);
  }, 40_000);

  test("an active one resigns when it can no more be kept in front, and says so once", async () => {
    const node = await start();
    await node.waitForState("active");
    const programs = await fill(lan.hosts.one, "eth0");
    await node.waitForState("backup");
    expect(node.events()).toContainEqual(
      expect.objectContaining({ type: "state", state: "backup", cause: "fence" }),
    );
    await waitFor(async () => ((await hasAddress()) ? undefined : true), { what: "no address" });
    await Bun.sleep(looksMs);
    expect(told(node).map(gapsOf)).toEqual([[gap("eth0")]]);
    await programs.stop();
    await node.waitForState("active");
  }, 40_000);

  test("a foreign program in front is put behind, and nobody resigns", async () => {
    const node = await start();
    await node.waitForState("active");
    await fill(lan.hosts.one, "eth0", 1);
    const repairs = () => node.events().filter(({ type }) => type === "fence-repaired");
    await waitFor(() => (repairs().length >= 2 ? true : undefined), { what: "both repairs" });
    expect(repairs()).toMatchObject([
      { device: "eth0", fault: "not-first" },
      { device: "eth0", fault: "not-first" },
    ]);
    expect(told(node)).toEqual([]);
    expect(node.view()).toMatchObject({ state: "active", transitions: 2 });
  }, 30_000);

  test("another interface keeps nobody from being active, and is told", async () => {
    const { one } = lan.hosts;
    await one.run(["ip", "link", "add", "other0", "type", "veth", "peer", "other1"]);
    await fill(one, "other0");
    const node = await start();
    await node.waitForState("active");
    expect(told(node).map(gapsOf)).toEqual([[gap("other0")]]);
    await one.run(["ip", "link", "del", "other0"]);
    await waitFor(() => (told(node).length === 2 ? true : undefined), { what: "the end" });
    expect(gapsOf(told(node)[1])).toEqual([]);
    expect(node.view()!.state).toBe("active");
  }, 40_000);
});
