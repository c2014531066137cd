/**
 * One hundredth of the soak of bench/soak.ts: nothing grows with the number of connections.
 */
import { expect, test } from "bun:test";

import { withOwner } from "../../bench/harness/owner.ts";
import { candidates } from "../../bench/proxy/candidates.ts";
import { runSoak } from "../../bench/soak.ts";
import { requireAll, requireExecutable, requirePeer } from "../helpers/require-peer.ts";

const connections = 20_000;
const timeoutMs = 120_000;
/**
 * What garbage collection and compiled code may move the figure by. A leak of one small object a
 * connection, 2 KiB with its buffers, would be 36 MiB.
 */
const growthKibMax = 24 * 1024;

const needs = requireAll(requireExecutable(), requirePeer("nginx"));

test.skipIf(needs.skip).each(["appliance", "appliance-portable"])(
  "%s has as many descriptors and as much memory after 20,000 connections",
  async (name) => {
    const candidate = candidates.find((one) => one.name === name)!;
    const result = await withOwner((owner) =>
      runSoak({ candidate, connections, timeoutMs }, owner),
    );
    expect(result.client).toMatchObject({ connections, failed: 0 });
    expect(result.client.answered).toBeGreaterThan(0.95 * connections);
    expect(result.after.descriptors).toBeLessThanOrEqual(result.before.descriptors);
    expect(result.after.residentKib - result.warm.residentKib).toBeLessThan(growthKibMax);
  },
  timeoutMs + 30_000,
);
