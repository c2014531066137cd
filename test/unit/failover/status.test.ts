import { expect, test } from "bun:test";

import type { InstancePlan } from "../../../src/failover/index.ts";
import { InstanceStatus } from "../../../src/failover/instance-status.ts";
import { createStatusBlock, statusWords } from "../../../src/failover/layout.ts";
import { readInstance } from "../../../src/failover/status.ts";
import { parseAddress } from "../../../src/net/address.ts";
import { cause, createRouter, deriveTiming, routerState } from "../../../src/vrrp/index.ts";
import { plan } from "../../helpers/failover-node.ts";

const placed: InstancePlan = { ...plan({ priority: 120 }), slot: 255, hasPeer: false };

function routerOf(): ReturnType<typeof createRouter> {
  return createRouter({
    version: 3,
    priority: 120,
    address: parseAddress("192.0.2.1")!,
    timing: deriveTiming({ version: 3, advertiseIntervalMs: 20, downAfterMs: 300 }),
    preempt: false,
    preemptDelayMs: 0,
    startDelayMs: 0,
    hasPeer: false,
    witness: "prefer",
    interfaces: [{ hasAddresses: true }],
    isGrouped: false,
  });
}

test("what the thread writes is what the main thread reads, in the last slot too", () => {
  const words = statusWords(createStatusBlock());
  const status = new InstanceStatus(words, placed.slot);
  const router = routerOf();
  router.state = routerState.backup;
  router.changedAtMs = 1000;
  router.lastCause = cause.outranked;
  router.blockedBy = cause.witness;
  router.heardFrom.set(parseAddress("fe80::2:ffff")!);
  router.heardFromLength = 16;
  router.heardPriority = 200;
  router.heardAtMs = 4900;
  router.drainUntilMs = 5700;
  router.peer.state = routerState.active;
  status.countResult("accepted");
  status.countResult("accepted");
  status.countResult("bad-hmac");
  status.countSent();
  status.countTransition();
  status.publish(router);
  expect(readInstance(words, placed, 5000)).toEqual({
    name: "web",
    vrid: 51,
    addresses: ["10.99.0.100"],
    state: "backup",
    priority: 120,
    stateAgeMs: 4000,
    lastCause: "outranked",
    blockedBy: "witness",
    drainRemainingMs: 700,
    isPeerActive: true,
    leaseRemainingMs: 0,
    heard: { address: "fe80::2:ffff", priority: 200, ageMs: 100 },
    transitions: 1,
    conflicts: 0,
    advertisementsSent: 1,
    advertisementsReceived: { accepted: 2, "bad-hmac": 1 },
  });
});

test("a lease counts down, and never below nothing", () => {
  const words = statusWords(createStatusBlock());
  const status = new InstanceStatus(words, placed.slot);
  const router = routerOf();
  router.state = routerState.active;
  router.leaseEndMs = 5260;
  status.publish(router);
  expect(readInstance(words, placed, 5000).leaseRemainingMs).toBe(260);
  expect(readInstance(words, placed, 6000).leaseRemainingMs).toBe(0);
  expect(readInstance(words, placed, 6000).heard).toBeUndefined();
});
