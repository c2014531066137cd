import { describe, expect, test } from "bun:test";

import { DrainWatch, settleMs, settleMsMax } from "../../../src/daemon/drain-watch.ts";
import type { DrainView } from "../../../src/daemon/drain-watch.ts";
import { NetlinkError } from "../../../src/netlink/index.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function viewOf(name: string): Mutable<DrainView> {
  return { name, addresses: [`${name}.test`], drainRemainingMs: 12_000, isPeerActive: false };
}

function setUp(views: readonly Mutable<DrainView>[]) {
  const clock = createFakeClock(1000);
  const connections = new Map<string, number>();
  const drained: string[] = [];
  const asked: string[] = [];
  const seen = { isBroken: false };
  const watch = new DrainWatch({
    clock,
    view: () => views,
    countConnections(addresses) {
      asked.push(...addresses);
      if (seen.isBroken) throw new NetlinkError("NETLINK_INTERRUPTED", "it changed");
      return connections.get(addresses[0]!) ?? 0;
    },
    onDrained(name) {
      drained.push(name);
      views.find((one) => one.name === name)!.drainRemainingMs = 0;
    },
  });
  return { watch, clock, connections, drained, asked, seen };
}

/** True once a promise has settled, after everything that is due now. */
async function hasSettled(promise: Promise<void>): Promise<boolean> {
  let isSettled = false;
  void promise.then(() => (isSettled = true));
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  return isSettled;
}

const patient = new AbortController().signal;

describe("DrainWatch", () => {
  test("ends a handover once clients know the other one and no connection is left", () => {
    const web = viewOf("web");
    const { watch, clock, connections, drained, asked } = setUp([web]);
    connections.set("web.test", 2);
    watch.look();
    clock.advance(1000);
    // Nobody has taken over: what comes is still served here.
    expect([drained, asked]).toEqual([[], []]);
    web.isPeerActive = true;
    clock.advance(50);
    connections.set("web.test", 0);
    clock.advance(settleMs - 50);
    expect(drained).toEqual([]);
    connections.set("web.test", 1);
    clock.advance(5000);
    expect(drained).toEqual([]);
    connections.set("web.test", 0);
    clock.advance(300);
    expect([drained, watch.isDraining, clock.pendingCount()]).toEqual([["web"], false, 0]);
  });

  test("looks once more when nothing is to be seen yet, and then no more", () => {
    const web = { ...viewOf("web"), drainRemainingMs: 0 };
    const { watch, clock, drained } = setUp([web]);
    watch.look();
    web.drainRemainingMs = 12_000;
    web.isPeerActive = true;
    clock.advance(100 + settleMs);
    expect([drained, clock.pendingCount()]).toEqual([["web"], 0]);
  });

  test("a list of connections that cannot be had leaves the end to the kernel", () => {
    const web = { ...viewOf("web"), isPeerActive: true };
    const { watch, clock, drained, seen } = setUp([web]);
    seen.isBroken = true;
    watch.look();
    clock.advance(10_000);
    expect(drained).toEqual([]);
    web.drainRemainingMs = 0;
    clock.advance(50);
    expect(clock.pendingCount()).toBe(0);
  });

  test("counts anew after the addresses were here again", () => {
    const web = { ...viewOf("web"), isPeerActive: true };
    const { watch, clock, drained, connections } = setUp([web]);
    connections.set("web.test", 1);
    watch.look();
    clock.advance(settleMs);
    Object.assign(web, { drainRemainingMs: 0 });
    clock.advance(50);
    connections.set("web.test", 0);
    Object.assign(web, { drainRemainingMs: 12_000 });
    watch.look();
    clock.advance(settleMs - 10);
    expect(drained).toEqual([]);
    clock.advance(60);
    expect(drained).toEqual(["web"]);
  });

  test("settled() waits for every virtual router, and no connection", async () => {
    const [web, mail] = [viewOf("web"), viewOf("mail")];
    const { watch, clock, connections } = setUp([web, mail]);
    connections.set("web.test", 9).set("mail.test", 9);
    const settled = watch.settled(patient);
    web.isPeerActive = true;
    clock.advance(500);
    expect(await hasSettled(settled)).toBe(false);
    mail.isPeerActive = true;
    clock.advance(50 + settleMs);
    expect([await hasSettled(settled), watch.isDraining]).toEqual([true, true]);
  });

  test("settled() waits for nothing where nothing drains", async () => {
    const { watch, clock } = setUp([{ ...viewOf("web"), drainRemainingMs: 0 }]);
    const settled = watch.settled(patient);
    expect(await hasSettled(settled)).toBe(true);
    clock.advance(50);
    expect(clock.pendingCount()).toBe(0);
  });

  test("settled() does not wait for ever for one that does not take over", async () => {
    const { watch, clock } = setUp([viewOf("web")]);
    const settled = watch.settled(patient);
    clock.advance(settleMsMax - 50);
    expect(await hasSettled(settled)).toBe(false);
    clock.advance(50);
    expect(await hasSettled(settled)).toBe(true);
  });

  test("drained() waits for the last connection, but for so long only", async () => {
    const web = { ...viewOf("web"), isPeerActive: true };
    const { watch, clock, connections } = setUp([web]);
    connections.set("web.test", 1);
    const first = watch.drained(1000, patient);
    clock.advance(950);
    expect(await hasSettled(first)).toBe(false);
    clock.advance(50);
    expect(await hasSettled(first)).toBe(true);
    const second = watch.drained(1000, patient);
    connections.clear();
    clock.advance(100);
    expect(await hasSettled(second)).toBe(true);
  });

  test("whoever is in a hurry waits for a look at most; close() lets everybody go", async () => {
    const { watch, clock } = setUp([viewOf("web")]);
    const hurry = new AbortController();
    const [one, other] = [watch.settled(hurry.signal), watch.settled(patient)];
    hurry.abort();
    clock.advance(50);
    expect([await hasSettled(one), await hasSettled(other)]).toEqual([true, false]);
    watch.close();
    expect([await hasSettled(other), clock.pendingCount()]).toEqual([true, 0]);
  });
});
