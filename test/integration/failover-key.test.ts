/**
 * Signed advertisements between two directors: the same key, another one, none, and old packets.
 *
 * @module
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";

import type { InstanceView, UnplacedPlan } from "../../src/failover/index.ts";
import { plan, startNode } from "../helpers/failover-node.ts";
import type { FailoverNode } from "../helpers/failover-node.ts";
import { createLan } from "../helpers/netns.ts";
import type { Host, Lan } from "../helpers/netns.ts";
import { requireBpf } from "../helpers/require-bpf.ts";
import { requireAll, requireNetns } from "../helpers/require-peer.ts";
import { waitFor } from "../helpers/wait.ts";

const needs = requireAll(requireNetns(), requireBpf());
const root = new URL("../..", import.meta.url).pathname;
const replayScript = new URL("../helpers/replay-host.ts", import.meta.url).pathname;

const first = { id: 1, secret: "aa".repeat(32) };
const second = { id: 2, secret: "bb".repeat(32) };
const forged = { id: 1, secret: "cc".repeat(32) };
type Keys = UnplacedPlan["keys"];
type Result = keyof InstanceView["advertisementsReceived"];

describe.skipIf(needs.skip)("signed advertisements", () => {
  let lan: Lan<"one" | "two" | "stranger">;
  const nodes: FailoverNode[] = [];

  async function start(host: Host, priority: number, keys: Keys): Promise<FailoverNode> {
    const node = await startNode(host, [plan({ priority, keys, preempt: true })]);
    nodes.push(node);
    return node;
  }

  /** The first is active before the second is started. */
  async function startPair(one: Keys, two: Keys): Promise<[FailoverNode, FailoverNode]> {
    const active = await start(lan.hosts.one, 150, one);
    await active.waitForState("active");
    return [active, await start(lan.hosts.two, 100, two)];
  }

  function waitForResult(node: FailoverNode, result: Result, least = 1): Promise<unknown> {
    const isThere = (): boolean => (node.view()?.advertisementsReceived[result] ?? 0) >= least;
    return waitFor(isThere, { what: `${least} packets ${result}` });
  }

  beforeEach(async () => {
    lan = await createLan(["one", "two", "stranger"]);
  }, 20_000);
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node[Symbol.asyncDispose]()));
    await lan[Symbol.asyncDispose]();
  });

  test.each<[string, Keys, Keys]>([
    ["the same key", [first], [first]],
    ["keys that rotate", [first, second], [second, first]],
  ])(
    "%s: one is active, and the guard's resignation counts as well",
    async (_name, one, two) => {
      const [active, backup] = await startPair(one, two);
      await waitForResult(backup, "accepted", 20);
      expect(backup.view()).toMatchObject({ state: "backup", heard: { priority: 150 } });
      expect(Object.keys(backup.view()!.advertisementsReceived)).toEqual(["accepted"]);
      active.process.kill("SIGKILL");
      await backup.waitForState("active");
      expect(backup.view()).toMatchObject({ lastCause: "resignation" });
      expect(Object.keys(backup.view()!.advertisementsReceived)).toEqual(["accepted"]);
    },
    20_000,
  );

  test.each<[string, Keys, Result]>([
    ["another key of the same number", [forged], "bad-hmac"],
    ["a key that is not known", [second], "unknown-key"],
    ["no signature", undefined, "missing-hmac"],
  ])(
    "%s: what it says is not heard, but that it has the address is found out",
    async (_name, keys, result) => {
      const [, backup] = await startPair(keys, [first]);
      await waitForResult(backup, result, 20);
      expect(Object.keys(backup.view()!.advertisementsReceived)).toEqual([result]);
      await waitFor(() => backup.view()!.blockedBy === "foreign-holder", {
        what: "the holder to be found",
      });
      expect(backup.view()!.state).toBe("backup");
    },
    20_000,
  );

  test("packets that are played back neither hold nor move the address", async () => {
    const [active, backup] = await startPair([first], [first]);
    const command = [process.execPath, replayScript, "eth0", "10"];
    const replay = lan.hosts.stranger.spawn(command, { cwd: root });
    await replay.waitForOutput(/taken/);
    await waitForResult(backup, "accepted", 20);
    replay.kill("SIGUSR1");
    await waitForResult(backup, "replayed");
    expect(backup.view()!.state).toBe("backup");
    expect(await active.process.stop()).toBe(0);
    await backup.waitForState("active");
    const before = backup.view()!.advertisementsReceived.replayed!;
    replay.kill("SIGUSR1");
    await waitForResult(backup, "replayed", before + 1);
    expect(backup.view()).toMatchObject({ state: "active", transitions: 2 });
  }, 30_000);
});
