import { describe, expect, test } from "bun:test";

import type { GuardAnswer } from "../../../src/failover/guard-answer.ts";
import { GuardFence } from "../../../src/failover/guard-fence.ts";
import type { GuardChannel } from "../../../src/failover/guard-fence.ts";
import { GuardReader } from "../../../src/failover/guard-message.ts";

/** A guard in memory that answers while the director waits, or not. */
function setUp() {
  const reader = new GuardReader();
  const orders: string[] = [];
  const world = { nowMs: 1000, isOpen: true, isAnswering: true, problem: "", isFull: false };
  const answers: GuardAnswer[] = [];
  const hear = (bytes: Uint8Array): void => {
    for (const message of reader.read(bytes)) {
      if (message.type === "lease") {
        const { slot, sequence, endMs } = message.lease;
        orders.push(`lease ${slot} until ${endMs}`);
        if (world.isAnswering) answers.push({ type: "done", sequence });
      } else if (message.type === "fence") {
        const { sequence, devices, instances } = message.fence;
        const names = devices.map(({ name }) => name).join(" ");
        const what = instances.map(({ id, addresses }) => `${id}=${addresses.join(",")}`);
        orders.push(`fence ${names}: ${what.join(" ")}`);
        if (!world.isAnswering) continue;
        if (world.problem === "") answers.push({ type: "done", sequence });
        else answers.push({ type: "problem", sequence, text: world.problem });
      }
    }
  };
  const channel: GuardChannel = {
    get isOpen() {
      return world.isOpen;
    },
    order: hear,
    hint(bytes) {
      if (!world.isFull) hear(bytes);
      return !world.isFull;
    },
    receive(take) {
      for (const answer of answers.splice(0)) take(answer);
    },
    wait: (timeoutMs) => void (world.nowMs += timeoutMs),
  };
  const fence = new GuardFence(channel, () => world.nowMs);
  const { leases } = fence;
  const open = (slot: number, endMs: number): void => {
    leases.open(slot, leases.closings());
    leases.renew(slot, BigInt(endMs) * 1_000_000n);
  };
  const eth0 = { index: 2, name: "eth0", isLoopback: false, masterIndex: 0 };
  return { fence, leases, world, orders, answers, open, eth0 };
}

describe("GuardFence", () => {
  test("orders everything at once, and again only what has changed", () => {
    const { fence, orders, eth0 } = setUp();
    expect(fence.problem).toBe("the guard has not answered yet");
    fence.setAddresses(
      new Map([
        ["192.0.2.1", 3],
        ["192.0.2.2", 3],
        ["192.0.2.3", 4],
      ]),
    );
    fence.attach(eth0);
    fence.settle(50);
    fence.attach(eth0);
    fence.settle(50);
    expect(fence.problem).toBe("");
    fence.attach({ ...eth0, name: "lan0" });
    fence.settle(50);
    fence.detach(7);
    fence.settle(50);
    fence.keepOnly(new Set());
    fence.settle(50);
    const addresses = "3=192.0.2.1,192.0.2.2 4=192.0.2.3";
    expect(orders).toEqual([
      `fence eth0: ${addresses}`,
      `fence lan0: ${addresses}`,
      `fence : ${addresses}`,
    ]);
  });

  test("says what is in the way, and tries again when it is told to", () => {
    const { fence, world, orders } = setUp();
    world.problem = "EPERM";
    fence.settle(50);
    expect(fence.problem).toBe("EPERM");
    world.problem = "";
    fence.settle(50);
    expect([fence.problem, orders.length]).toEqual(["", 2]);
  });

  test("a problem of an order that was followed by another does not count", () => {
    const { fence, world, answers } = setUp();
    world.isAnswering = false;
    fence.settle(0);
    fence.setAddresses(new Map([["192.0.2.1", 3]]));
    world.isAnswering = true;
    answers.push({ type: "problem", sequence: 1, text: "EPERM" });
    fence.settle(0);
    fence.receive();
    expect(fence.problem).toBe("");
  });

  test("does not wait for ever for a guard that does not answer", () => {
    const { fence, world } = setUp();
    world.isAnswering = false;
    fence.settle(50);
    expect([fence.problem, world.nowMs]).toEqual(["the guard has not answered yet", 1050]);
  });

  test("counts what the guard has put back", () => {
    const { fence, answers } = setUp();
    answers.push({ type: "repaired" }, { type: "repaired" });
    fence.receive();
    expect([fence.takeRepairs(), fence.takeRepairs()]).toEqual([2, 0]);
  });
});

describe("GuardLeases", () => {
  test("is open from the guard's confirmation until the confirmed end", () => {
    const { leases, world, open, orders } = setUp();
    expect(leases.isClosed(3)).toBe(true);
    open(3, 1260);
    expect(orders).toEqual(["lease 3 until 1260"]);
    expect([leases.isClosed(3), world.nowMs]).toEqual([false, 1000]);
    world.nowMs = 1259;
    expect(leases.isClosed(3)).toBe(false);
    world.nowMs = 1260;
    expect(leases.isClosed(3)).toBe(true);
  });

  test("renewals are not waited for, and count once they are confirmed", () => {
    const { fence, leases, world, open, answers } = setUp();
    open(3, 1260);
    world.isAnswering = false;
    world.nowMs = 1100;
    for (const endMs of [1360, 1380, 1400]) leases.renew(3, BigInt(endMs) * 1_000_000n);
    expect(world.nowMs).toBe(1100);
    // The guard is behind: the first of them is confirmed, the last two are not.
    answers.push({ type: "done", sequence: 2 });
    fence.receive();
    world.nowMs = 1359;
    expect(leases.isClosed(3)).toBe(false);
    world.nowMs = 1360;
    expect(leases.isClosed(3)).toBe(true);
    answers.push({ type: "done", sequence: 4 });
    fence.receive();
    expect(leases.isClosed(3)).toBe(false);
  });

  test("an opening that is not confirmed is none", () => {
    const { leases, world, open } = setUp();
    world.isAnswering = false;
    open(3, 1260);
    expect([leases.isClosed(3), world.nowMs]).toEqual([true, 1050]);
  });

  test("a closing is waited for, at most until the lease ends by itself", () => {
    const { leases, world, open, orders } = setUp();
    open(3, 1260);
    leases.close(3);
    expect([leases.isClosed(3), world.nowMs, orders.at(-1)]).toEqual([
      true,
      1000,
      "lease 3 until 0",
    ]);
    open(4, 1260);
    world.isAnswering = false;
    leases.close(4);
    expect([leases.isClosed(4), world.nowMs]).toEqual([true, 1260]);
  });

  test("what has ended is closed without a word", () => {
    const { leases, world, open, orders } = setUp();
    open(3, 1260);
    world.nowMs = 1300;
    leases.close(3);
    leases.close(9);
    expect(orders).toHaveLength(1);
  });

  test("a guard that dies closes everything, also what was decided before it", () => {
    const { fence, leases, world, open } = setUp();
    open(3, 1260);
    const closings = leases.closings();
    world.isOpen = false;
    fence.receive();
    expect(leases.isClosed(3)).toBe(true);
    expect(fence.problem).toBe("the guard, which keeps it, has ended");
    world.isOpen = true;
    fence.begin();
    fence.settle(50);
    leases.open(3, closings);
    leases.renew(3, 1_360_000_000n);
    expect(leases.isClosed(3)).toBe(true);
    open(3, 1360);
    expect(leases.isClosed(3)).toBe(false);
  });

  test("a pipe that is full renews nothing", () => {
    const { leases, world, open } = setUp();
    open(3, 1260);
    world.isFull = true;
    leases.renew(3, 1_400_000_000n);
    world.nowMs = 1260;
    expect(leases.isClosed(3)).toBe(true);
  });
});
