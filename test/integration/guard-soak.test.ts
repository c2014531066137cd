/**
 * No guard acts while its director lives, on a machine whose processors are all busy and while the
 * director collects garbage by force: with a fence of bpf and with one of nf_tables.
 *
 * `GUARD_SOAK_SECONDS=3600` makes it the hour of the promise.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";

import { peerPlan, plan, startNodeIn } from "../helpers/failover-node.ts";
import type { FailoverNode } from "../helpers/failover-node.ts";
import { startBusyMachine } from "../helpers/failover/busy-machine.ts";
import { createLan } from "../helpers/netns.ts";
import { requireBpf } from "../helpers/require-bpf.ts";
import { requireNftFence } from "../helpers/require-fence.ts";
import { requireAll, requireNetns, requirePeer } from "../helpers/require-peer.ts";
import { requireRealtime } from "../helpers/require-realtime.ts";

const needs = requireAll(
  requireNetns(),
  requirePeer("setpriv"),
  requireBpf(),
  requireNftFence(),
  requireRealtime(),
);
const seconds = Number(process.env["GUARD_SOAK_SECONDS"] ?? 20);
const lookMs = 5000;
/** The profile for machines that are late at times. */
const timing = { advertiseIntervalMs: 50, downAfterMs: 1000 };

/** True for what a guard says when it acts, and a director that is missing it. */
function isAlarming(event: string): boolean {
  return /guard: the director|guard ended|"cause":"(?:guard|stall|fence)"/.test(event);
}

/** Process of a director's guard. */
async function guardOf(node: FailoverNode): Promise<string> {
  const { stdout } = await node.host.run(["pgrep", "-P", String(await node.pid())]);
  expect(stdout).toMatch(/^\d+\n$/);
  return stdout;
}

describe.skipIf(needs.skip)("guards of directors that live", () => {
  test(
    `do nothing for ${seconds} s`,
    async () => {
      await using stack = new AsyncDisposableStack();
      const startPair = async (hasBpf: boolean): Promise<readonly FailoverNode[]> => {
        const lan = stack.use(await createLan(["one", "two"]));
        const { one, two } = lan.hosts;
        const common = { hasBpf, isCollecting: true };
        const start = async (host: typeof one, peer: typeof one, priority: number) =>
          stack.use(
            await startNodeIn(host, [plan({ ...timing, priority })], {
              ...common,
              peer: peerPlan(peer),
            }),
          );
        const active = await start(one, two, 150);
        await active.waitForState("active");
        const backup = await start(two, one, 100);
        await backup.waitForState("backup");
        return [active, backup];
      };
      const nodes = [...(await startPair(true)), ...(await startPair(false))];
      const guards = await Promise.all(nodes.map(guardOf));
      stack.use(startBusyMachine());
      const endMs = performance.now() + seconds * 1000;
      while (performance.now() < endMs) {
        await Bun.sleep(Math.min(lookMs, endMs - performance.now()));
        // Old output is dropped, so it is read now and then.
        const told = nodes.map((node) => node.events().map((event) => JSON.stringify(event)));
        expect(told.map((lines) => lines.filter(isAlarming))).toEqual(nodes.map(() => []));
      }
      // One that acts ends, and another is started.
      expect(await Promise.all(nodes.map(guardOf))).toEqual(guards);
      expect(nodes.map((node) => node.channel()?.hasGuard)).toEqual(nodes.map(() => true));
      const states = nodes.map((node) => [node.view()!.state, node.view()!.transitions]);
      const settled: readonly unknown[] = [
        ["active", 2],
        ["backup", 1],
      ];
      expect<readonly unknown[]>(states).toEqual([...settled, ...settled]);
      const worst = nodes.map((node) => node.channel()!.latenessMaxMs.toFixed(1));
      process.stdout.write(`worst lateness of the four directors: ${worst.join(", ")} ms\n`);
    },
    (seconds + 60) * 1000,
  );
});
