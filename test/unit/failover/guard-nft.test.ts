import { describe, expect, test } from "bun:test";

import { GuardAnswerReader } from "../../../src/failover/guard-answer.ts";
import type { GuardAnswer } from "../../../src/failover/guard-answer.ts";
import { GuardNft } from "../../../src/failover/guard-nft.ts";
import { NetlinkError } from "../../../src/netlink/index.ts";

type Parts = ConstructorParameters<typeof GuardNft>[0];

/** A table in memory: what was done to it, in words. */
function setUp() {
  const done: string[] = [];
  const reader = new GuardAnswerReader();
  const answers: GuardAnswer[] = [];
  const world = {
    nowMs: 1000,
    /** Added to the clock by each transaction. */
    takesMs: 0,
    isInPlace: true,
    refused: "",
  };
  const act = (text: string): void => {
    if (world.refused !== "" && text.startsWith(world.refused)) {
      throw new NetlinkError("NETLINK_REFUSED", `Cannot ${text}: ENOENT`, { errno: 2 });
    }
    done.push(text);
    world.nowMs += world.takesMs;
  };
  const said = (leases: readonly { id: number; timeoutMs: number }[] = []): string =>
    leases.map(({ id, timeoutMs }) => `${id}:${timeoutMs}`).join(" ");
  const fence: ReturnType<Parts["open"]> = {
    replace({ devices, instances, leases }) {
      act(`replace ${devices.length} ${instances.map(({ id }) => id).join(",")} ${said(leases)}`);
      world.isInPlace = true;
    },
    renewAll: (leases) => act(`renew ${said(leases)}`),
    shut: (...ids) => act(`shut ${ids.join(" ")}`),
    isInPlace: () => world.isInPlace,
    remove() {
      act("remove");
      return true;
    },
    close: () => act("close"),
  };
  const guard = new GuardNft({
    open: () => fence,
    answer: (bytes) => answers.push(...reader.read(bytes)),
    now: () => world.nowMs,
  });
  const order = (sequence: number, ...slots: readonly number[]) =>
    guard.take({
      sequence,
      devices: [{ index: 2, name: "eth0" }],
      instances: slots.map((id) => ({ id, addresses: [`192.0.2.${id}`] })),
    });
  return { guard, world, done, answers, order };
}

describe("GuardNft", () => {
  test("makes the fence, and says that it is there", () => {
    const { done, answers, order } = setUp();
    order(1, 3, 4);
    expect(done).toEqual(["replace 1 3,4 "]);
    expect(answers).toEqual([{ type: "done", sequence: 1 }]);
  });

  test("leases of one piece of the stream are one transaction and one answer", () => {
    const { guard, done, answers, order } = setUp();
    order(1, 3, 4);
    guard.lease({ slot: 3, sequence: 2, endMs: 1100 });
    guard.lease({ slot: 3, sequence: 3, endMs: 1261 });
    guard.lease({ slot: 4, sequence: 4, endMs: 1301 });
    guard.settle();
    guard.settle();
    expect(done.slice(1)).toEqual(["renew 3:260 4:300"]);
    expect(answers.slice(1)).toEqual([{ type: "done", sequence: 4 }]);
  });

  test("a lease whose end has passed opens nothing", () => {
    const { guard, done, order } = setUp();
    order(1, 3);
    guard.lease({ slot: 3, sequence: 2, endMs: 1001 });
    guard.settle();
    expect(done.slice(1)).toEqual(["shut 3"]);
  });

  test("stopped between the clock and the kernel: it is closed again at once", () => {
    const { guard, world, done, order } = setUp();
    order(1, 3);
    world.takesMs = 400;
    guard.lease({ slot: 3, sequence: 2, endMs: 1261 });
    guard.settle();
    expect(done.slice(1)).toEqual(["renew 3:260", "shut 3"]);
  });

  test("closing is confirmed, also of what is not there", () => {
    const { guard, done, answers, order } = setUp();
    order(1, 3);
    guard.lease({ slot: 3, sequence: 2, endMs: 0 });
    guard.settle();
    guard.lease({ slot: 9, sequence: 3, endMs: 0 });
    guard.settle();
    expect(done.slice(1)).toEqual(["shut 3"]);
    expect(answers.slice(1)).toEqual([
      { type: "done", sequence: 2 },
      { type: "done", sequence: 3 },
    ]);
  });

  test("what it cannot open it does not confirm", () => {
    const { guard, answers, order } = setUp();
    order(1, 3);
    guard.lease({ slot: 9, sequence: 2, endMs: 2000 });
    guard.settle();
    expect(answers).toEqual([{ type: "done", sequence: 1 }]);
  });

  test("another fence takes the place of one, and leases that run go on", () => {
    const { guard, done, order } = setUp();
    order(1, 3, 4);
    guard.lease({ slot: 3, sequence: 2, endMs: 1261 });
    guard.lease({ slot: 4, sequence: 3, endMs: 1261 });
    guard.settle();
    order(4, 4, 5);
    expect(done.at(-1)).toBe("replace 1 4,5 4:260");
  });

  test("a fence that is refused leaves the one before in force", () => {
    const { guard, world, done, answers, order } = setUp();
    order(1, 3);
    world.refused = "replace";
    order(2, 4);
    const text = "Cannot replace 1 4 : ENOENT";
    expect(answers.at(-1)).toEqual({ type: "problem", sequence: 2, text });
    guard.lease({ slot: 3, sequence: 3, endMs: 1261 });
    guard.settle();
    expect(done.at(-1)).toBe("renew 3:260");
  });

  test("a table that is gone is put back with the leases that run, at most 50 ms later", () => {
    const { guard, world, done, answers, order } = setUp();
    order(1, 3);
    guard.lease({ slot: 3, sequence: 2, endMs: 1261 });
    guard.settle();
    guard.look();
    world.isInPlace = false;
    world.nowMs += 49;
    guard.look();
    expect(done).toHaveLength(2);
    world.nowMs += 1;
    guard.look();
    expect(done.at(-1)).toBe("replace 1 3 3:210");
    expect(answers.at(-1)).toEqual({ type: "repaired" });
  });

  test("a renewal that finds no table puts it back", () => {
    const { guard, world, done, answers, order } = setUp();
    order(1, 3);
    world.refused = "renew";
    guard.lease({ slot: 3, sequence: 2, endMs: 1261 });
    guard.settle();
    expect(done.at(-1)).toBe("replace 1 3 3:260");
    expect(answers.slice(1)).toEqual([{ type: "repaired" }, { type: "done", sequence: 2 }]);
  });

  test("closeAll() closes what may be open, or says how long it is", () => {
    const { guard, world, done, order } = setUp();
    order(1, 3, 4);
    expect(guard.closeAll()).toBe(0);
    guard.lease({ slot: 3, sequence: 2, endMs: 1261 });
    guard.lease({ slot: 4, sequence: 3, endMs: 1100 });
    guard.settle();
    world.nowMs = 1150;
    world.refused = "shut";
    expect(guard.closeAll()).toBe(1261);
    expect(done).toHaveLength(2);
  });

  test("remove() takes the table away", () => {
    const { guard, done } = setUp();
    guard.remove();
    expect(done).toEqual(["remove", "close"]);
  });
});
