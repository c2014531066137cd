/**
 * Two directors that may not load bpf programs: the fence of nf_tables that their guards keep,
 * judged by a client on the wire.
 *
 * @module
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";

import { readMetric, readSnapshot } from "../helpers/director-view.ts";
import { startDirector } from "../helpers/director.ts";
import { peerPlan, plan, startNodeIn, withoutBpf } from "../helpers/failover-node.ts";
import type { FailoverNode } from "../helpers/failover-node.ts";
import { routerText } from "../helpers/failover-pair.ts";
import {
  clientBit,
  lastAnswerMs,
  sharedMs,
  startObserver,
} from "../helpers/failover/observation.ts";
import type { Observation } from "../helpers/failover/observation.ts";
import { createLan } from "../helpers/netns.ts";
import type { Host, Lan } from "../helpers/netns.ts";
import { requireNftFence } from "../helpers/require-fence.ts";
import { requireAll, requireExecutable, requirePeer } from "../helpers/require-peer.ts";
import { waitFor } from "../helpers/wait.ts";

const needs = requireAll(requireNftFence(), requirePeer("setpriv"));
const executable = requireExecutable();
const virtual = "10.99.0.100";
const script = new URL("../helpers/fence-holder.ts", import.meta.url).pathname;
/** The profile for machines that are late at times. */
const timing = { advertiseIntervalMs: 50, downAfterMs: 1000 };

describe.skipIf(needs.skip)("two directors without bpf", () => {
  let lan: Lan<"client" | "one" | "two">;
  let stack: AsyncDisposableStack;

  beforeEach(async () => {
    stack = new AsyncDisposableStack();
    lan = stack.use(await createLan(["client", "one", "two"]));
  }, 20_000);
  afterEach(async () => {
    await stack.disposeAsync();
  }, 20_000);

  async function start(host: Host, other: Host, priority: number): Promise<FailoverNode> {
    const plans = [plan({ ...timing, priority })];
    const node = await startNodeIn(host, plans, { peer: peerPlan(other), hasBpf: false });
    return stack.use(node);
  }

  /** The first is active before the second is started. */
  async function startPair(): Promise<[FailoverNode, FailoverNode]> {
    const { one: first, two: second } = lan.hosts;
    const one = await start(first, second, 150);
    await one.waitForState("active");
    const two = await start(second, first, 100);
    await two.waitForState("backup");
    await waitFor(() => (two.view()?.heard === undefined ? undefined : true), {
      what: "the second to hear",
    });
    return [one, two];
  }

  /** Watches the wire for so long, while `work` is done. */
  async function watch(seconds: number, work: () => Promise<unknown>): Promise<Observation> {
    const { client, one, two } = lan.hosts;
    const directors = [one, two];
    const { observation } = await startObserver({ client, directors, virtual, seconds });
    await work();
    return await observation;
  }

  async function hasAddress(host: Host): Promise<boolean> {
    const { stdout } = await host.run(["ip", "-o", "addr", "show", "dev", "eth0"]);
    return stdout.includes(` ${virtual}/`);
  }

  /** Process of a director's guard. */
  async function guardOf(node: FailoverNode): Promise<number> {
    const director = await node.pid();
    const children = readdirSync(`/proc/${director}/task`).flatMap((task) =>
      readFileSync(`/proc/${director}/task/${task}/children`, "utf8").trim().split(" "),
    );
    return Number(children.find((child) => child !== ""));
  }

  test("the fence is one of nf_tables, and says why", async () => {
    const [one] = await startPair();
    expect(one.events()).toContainEqual(
      expect.objectContaining({
        type: "started",
        fence: { kind: "nft", reason: expect.stringMatching(/EPERM|bpf/), gaps: [] },
      }),
    );
    const seen = await watch(1, async () => undefined);
    expect(seen.answers.filter((bits) => (bits & clientBit) !== 0).length).toBeGreaterThan(0);
    expect(sharedMs(seen, 2)).toBe(0);
  }, 30_000);

  test("killed: the guard closes it, resigns and takes the address off", async () => {
    const [one, two] = await startPair();
    const seen = await watch(4, async () => {
      one.process.kill("SIGKILL");
      await two.waitForState("active");
    });
    expect(sharedMs(seen, 2)).toBe(0);
    expect(lastAnswerMs(seen, 0) ?? 0).toBeLessThan(lastAnswerMs(seen, 1)!);
    expect(await hasAddress(one.host)).toBe(false);
  }, 30_000);

  test("director and guard killed: the table outlives both, closed", async () => {
    const [one, two] = await startPair();
    const guard = await guardOf(one);
    const seen = await watch(5, async () => {
      one.process.kill("SIGSTOP");
      process.kill(guard, "SIGKILL");
      one.process.kill("SIGKILL");
      await two.waitForState("active");
    });
    expect(sharedMs(seen, 2)).toBe(0);
    expect(lastAnswerMs(seen, 0) ?? 0).toBeLessThan(lastAnswerMs(seen, 1)!);
    expect({ hasAddress: await hasAddress(one.host) }).toEqual({ hasAddress: true });
    // The next director takes the table over, and the address off.
    const again = await start(one.host, two.host, 150);
    await again.waitForState("backup");
    expect({ hasAddressLater: await hasAddress(one.host) }).toEqual({ hasAddressLater: false });
    const status = await again.process.stop();
    const { stdout: tables } = await one.host.run(["nft", "list", "tables"]);
    expect({ status, tables }).toEqual({ status: 0, tables: "" });
  }, 40_000);

  test("frozen: never two that answer, and it is backup when it wakes up", async () => {
    const [one, two] = await startPair();
    const seen = await watch(6, async () => {
      one.process.kill("SIGSTOP");
      await two.waitForState("active");
      one.process.kill("SIGCONT");
      await one.waitForState("backup");
    });
    expect(sharedMs(seen, 2)).toBe(0);
    expect(lastAnswerMs(seen, 0) ?? 0).toBeLessThan(lastAnswerMs(seen, 1)!);
    // Another guard is started, and takes the fence over.
    await waitFor(() => (one.channel()?.hasGuard === true ? true : undefined), {
      what: "another guard",
    });
  }, 40_000);

  test("frozen with its guard: the kernel closes it, and nothing opens when both wake up", async () => {
    const [one, two] = await startPair();
    const guard = await guardOf(one);
    const seen = await watch(6, async () => {
      process.kill(guard, "SIGSTOP");
      one.process.kill("SIGSTOP");
      await two.waitForState("active");
      one.process.kill("SIGCONT");
      process.kill(guard, "SIGCONT");
      await one.waitForState("backup");
    });
    expect(sharedMs(seen, 2)).toBe(0);
    expect(lastAnswerMs(seen, 0) ?? 0).toBeLessThan(lastAnswerMs(seen, 1)!);
  }, 40_000);

  test("guard killed: the director gives up at once, the next guard takes the fence over", async () => {
    const [one, two] = await startPair();
    const guard = await guardOf(one);
    const seen = await watch(5, async () => {
      process.kill(guard, "SIGKILL");
      await two.waitForState("active");
    });
    expect(sharedMs(seen, 2)).toBe(0);
    expect(one.events()).toContainEqual(
      expect.objectContaining({ type: "state", state: "backup", cause: "guard" }),
    );
    const gaps = (): unknown => one.events().findLast(({ type }) => type === "fence");
    await waitFor(() => (JSON.stringify(gaps() ?? "").includes('"gaps":[]') ? true : undefined), {
      what: "the fence to be kept again",
    });
    two.process.kill("SIGKILL");
    await one.waitForState("active");
  }, 40_000);

  test("nft flush ruleset under traffic opens it for nobody", async () => {
    const [one, two] = await startPair();
    // As a broken script might leave it: the backup has the address, too.
    await two.host.run(["ip", "addr", "add", `${virtual}/32`, "dev", "eth0"]);
    let flushes = 0;
    const seen = await watch(4, async () => {
      const endMs = performance.now() + 3000;
      while (performance.now() < endMs) {
        for (const { host } of [one, two]) await host.run(["nft", "flush", "ruleset"]);
        flushes += 1;
      }
    });
    expect(flushes).toBeGreaterThan(3);
    expect(sharedMs(seen, 2)).toBe(0);
    expect(lastAnswerMs(seen, 1)).toBeUndefined();
    expect(seen.answers.filter((bits) => (bits & clientBit) !== 0).length).toBeGreaterThan(0);
  }, 40_000);

  test("an interface that comes later is fenced, also after it was renamed", async () => {
    const [one] = await startPair();
    const listed = async (name: string): Promise<true | undefined> => {
      const { stdout } = await one.host.run(["nft", "list", "ruleset"]);
      return stdout.split(`device "${name}"`).length === 3 ? true : undefined;
    };
    await one.host.run(["ip", "link", "add", "late0", "type", "veth", "peer", "late1"]);
    await waitFor(() => listed("late0"), { what: "the interface to be fenced" });
    await one.host.run(["ip", "link", "set", "late0", "name", "other0"]);
    await waitFor(() => listed("other0"), { what: "its new name to be fenced" });
    expect(await listed("late0")).toBeUndefined();
    expect(one.view()!.state).toBe("active");
  }, 30_000);

  test("where nf_tables is refused too there is no fence, and that is told", async () => {
    const { one } = lan.hosts;
    const holder = one.spawn([process.execPath, script]);
    await holder.waitForOutput(/held/);
    const node = await start(one, lan.hosts.two, 150);
    await node.waitForState("active");
    const reason = expect.stringMatching(
      /^bpf: .*; nf_tables: Cannot make the fence appliance: EPERM$/s,
    );
    expect(node.events()).toContainEqual(
      expect.objectContaining({ type: "started", fence: { kind: "none", reason, gaps: [] } }),
    );
    await holder.stop();
  }, 30_000);

  test.skipIf(executable.skip)(
    "status and metrics of the executable say so",
    async () => {
      const { one } = lan.hosts;
      const prefix = ["ip", "netns", "exec", one.netns, ...withoutBpf];
      const director = stack.use(
        await startDirector({ config: routerText({ priority: 100 }), prefix }),
      );
      const fence = async () => {
        const { failover } = await readSnapshot(director);
        return failover?.fence.kind === "nft" ? failover.fence : undefined;
      };
      expect(await waitFor(fence, { what: "the fence" })).toMatchObject({ gaps: [] });
      expect(await readMetric(director, 'appliance_vrrp_fence_installed{kind="nft"}')).toBe(1);
      expect(await readMetric(director, "appliance_vrrp_guard_up")).toBe(1);
    },
    30_000,
  );
});
