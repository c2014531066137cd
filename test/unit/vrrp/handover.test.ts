/**
 * A planned handover: what the one that gives up does, what the one that takes over does, and what
 * ends it.
 */
import { describe, expect, test } from "bun:test";

import {
  beginDrain,
  beginForward,
  endDrain,
  endForward,
  updateForward,
} from "../../../src/vrrp/handover.ts";
import { claim, routerState } from "../../../src/vrrp/index.ts";
import type { Router, RouterEvent } from "../../../src/vrrp/index.ts";
import {
  actionsOf,
  activeRouter,
  backupRouter,
  heard,
  peerSays,
  step,
} from "../../helpers/vrrp/machine.ts";

const drainMs = 5000;

/** Active, with a backup that was heard 10 ms ago; `nowMs` is now. */
function activeWithPeer(says: Parameters<typeof peerSays>[0] = {}): {
  router: Router;
  nowMs: number;
} {
  const { router, nowMs } = activeRouter({ hasPeer: true });
  router.drainMs = drainMs;
  step(router, peerSays({ priority: 50, ...says }), nowMs + 10);
  return { router, nowMs: nowMs + 20 };
}

const drained = ["endLease", "removeAddresses", "tellPeer"];

describe("giving the addresses up", () => {
  test.each([
    ["a command", { type: "standby" } as const, "notify backup", "log standby"],
    ["the end of the program", { type: "leave" } as const, "notify initialize", "log shutdown"],
    ["its group", { type: "group-resign", isPlanned: true } as const, "notify backup", "log group"],
    [
      "the peer's claim",
      peerSays({ claim: claim.takeover, priority: 50 }),
      "notify backup",
      "log yielded",
    ],
    [
      "its fitness",
      { type: "fitness", isFit: false, liveServers: 0 } as const,
      "notify backup",
      "log unfit",
    ],
  ])("by %s: drains, then resigns, and keeps the addresses", (_name, event, state, why) => {
    const { router, nowMs } = activeWithPeer();
    const done = step(router, event, nowMs).slice(-6);
    expect(done).toEqual([
      `drainLease ${nowMs + drainMs}`,
      "advertise 0",
      "stopAnnouncing",
      state,
      why,
      "tellPeer",
    ]);
    expect(router.drainUntilMs).toBe(nowMs + drainMs);
  });

  test.each<[string, Parameters<typeof peerSays>[0], (router: Router) => void]>([
    ["where nothing can drain", {}, (router) => (router.drainMs = 0)],
    ["that was not heard for two seconds", {}, (router) => (router.peer.atMs -= 2000)],
  ])("closes at once beside a peer %s", (_name, says, change) => {
    const { router, nowMs } = activeWithPeer(says);
    change(router);
    expect(step(router, "standby", nowMs).slice(0, 3)).toEqual([
      "endLease",
      "advertise 0",
      "removeAddresses",
    ]);
    expect(router.drainUntilMs).toBe(0);
  });

  test.each<[string, Parameters<typeof peerSays>[0], (router: Router) => void]>([
    ["is late itself", {}, (router) => (router.peer.atMs -= 1900)],
    ["may not be active: clients have nobody else", { isEligible: false }, () => undefined],
  ])("drains beside a peer that %s", (_name, says, change) => {
    const { router, nowMs } = activeWithPeer(says);
    change(router);
    expect(step(router, "standby", nowMs)[0]).toBe(`drainLease ${nowMs + drainMs}`);
  });

  test("without [peer] the RFC's way: closed at once", () => {
    const { router, nowMs } = activeRouter();
    router.drainMs = drainMs;
    expect(step(router, "leave", nowMs + 1).slice(0, 2)).toEqual(["endLease", "advertise 0"]);
  });

  test.each<[string, RouterEvent]>([
    ["a carrier that went", { type: "carrier", index: 0, isUp: false }],
    ["a better one that is active", peerSays({ state: routerState.active, priority: 254 })],
    ["the guard", { type: "guard-closed" }],
    ["a stall", { type: "stall" }],
    ["a group that falls apart", { type: "group-resign", isPlanned: false }],
    ["shutdown", { type: "shutdown" }],
  ])("what is not planned closes at once: %s", (_name, event) => {
    const { router, nowMs } = activeWithPeer();
    const done = step(router, event, nowMs);
    expect(done).toContain("endLease");
    expect(done).toContain("removeAddresses");
    expect(router.drainUntilMs).toBe(0);
  });
});

describe("draining", () => {
  function draining(event: RouterEvent = { type: "standby" }): { router: Router; nowMs: number } {
    const { router, nowMs } = activeWithPeer();
    step(router, event, nowMs);
    return { router, nowMs };
  }

  /** The new owner is heard all the time: nothing else happens here. */
  function hearOwner(router: Router, nowMs: number): void {
    step(router, peerSays({ state: routerState.active }), nowMs);
  }

  test.each([{ type: "standby" } as const, { type: "leave" } as const])(
    "ends after its time ($type)",
    (event) => {
      const { router, nowMs } = draining(event);
      hearOwner(router, nowMs + drainMs - 1);
      expect(step(router, "tick", nowMs + drainMs - 1)).toEqual([]);
      expect(router.dueAtMs).toBe(nowMs + drainMs);
      expect(step(router, "tick", nowMs + drainMs)).toEqual(drained);
      expect(step(router, "tick", nowMs + drainMs)).toEqual([]);
    },
  );

  test.each<[string, RouterEvent]>([
    ["no connection is left", { type: "drained" }],
    ["the guard closed the fence", { type: "guard-closed" }],
  ])("ends when %s", (_name, event) => {
    const { router, nowMs } = draining();
    expect(step(router, event, nowMs + 10)).toEqual(drained);
  });

  test("ends with the program", () => {
    const { router, nowMs } = draining({ type: "leave" });
    expect(step(router, "shutdown", nowMs + 10)).toEqual(drained);
    expect(router.state).toBe(routerState.initialize);
  });

  test("goes on when the program is to end after a command", () => {
    const { router, nowMs } = draining();
    expect(step(router, "leave", nowMs + 10).slice(0, 2)).toEqual([
      "notify initialize",
      "log shutdown",
    ]);
    expect(router.drainUntilMs).toBe(nowMs + drainMs);
  });

  test("is over when the addresses come back: the lease covers all", () => {
    const { router, nowMs } = draining();
    hearOwner(router, nowMs + 10);
    const done = step(router, peerSays({ claim: claim.none }), nowMs + 60);
    step(router, "tick", nowMs + 60);
    expect(done).toEqual([]);
    expect([router.state, router.drainUntilMs]).toEqual([routerState.active, 0]);
    expect(actionsOf(router)).not.toContain("removeAddresses");
  });
});

describe("taking the addresses over", () => {
  /** Active by a resignation that was heard at `nowMs`. */
  function successor(): { router: Router; nowMs: number; done: string[] } {
    const router = backupRouter({ hasPeer: true });
    step(router, peerSays({ state: routerState.active }), 400);
    step(router, heard(150), 401);
    step(router, heard(0), 410);
    return { router, nowMs: 410, done: step(router, "tick", 410) };
  }

  test("sends on before the fence opens, for long enough to hear whether the other drains", () => {
    const { done, nowMs } = successor();
    expect(done.slice(0, 4)).toEqual([
      `forward ${nowMs + 40}`,
      "advertise 100",
      "advertise 100",
      `beginLease ${nowMs + 260}`,
    ]);
  });

  test("goes on as long as it hears that the other drains, and tells the kernel seldom", () => {
    const { router, nowMs } = successor();
    const drains = peerSays({ isDraining: true });
    expect(step(router, drains, nowMs + 1)).toContain(`forward ${nowMs + 301}`);
    expect(actionsOf(router).filter((one) => one.startsWith("forward"))).toHaveLength(1);
    expect(step(router, drains, nowMs + 20)).toEqual([]);
    step(router, "tick", nowMs + 160);
    expect(step(router, drains, nowMs + 160)).toEqual([`forward ${nowMs + 460}`]);
  });

  test("ends when the other has no connections left", () => {
    const { router, nowMs } = successor();
    step(router, peerSays({ isDraining: true }), nowMs + 1);
    expect(step(router, peerSays(), nowMs + 20)).toContain("forward 0");
    expect(step(router, peerSays(), nowMs + 40)).toEqual([]);
  });

  test("a message of before the resignation ends nothing", () => {
    const { router, nowMs } = successor();
    const late = peerSays({ state: routerState.active });
    expect(step(router, late, nowMs + 1)).toEqual([]);
    expect(router.forwardUntilMs).toBe(nowMs + 40);
  });

  test("ends when it gives the addresses up itself, before the fence closes", () => {
    const { router, nowMs } = successor();
    expect(step(router, "standby", nowMs + 1).slice(0, 2)).toEqual(["forward 0", "endLease"]);
  });

  test("silence is no handover: nothing is sent on", () => {
    const { router } = activeRouter({ hasPeer: true });
    expect(actionsOf(router).some((one) => one.startsWith("forward"))).toBe(false);
  });

  test("it says on the way what it does at each step", () => {
    const { router } = activeWithPeer();
    router.actions.count = 0;
    beginForward(router);
    endForward(router);
    endDrain(router);
    expect(actionsOf(router)).toEqual([]);
    updateForward(router, peerSays({ isDraining: true }));
    expect(beginDrain(router)).toBe(true);
    endDrain(router);
    expect(actionsOf(router)).toEqual([
      `forward ${router.nowMs + 300}`,
      `drainLease ${router.nowMs + drainMs}`,
      ...drained,
    ]);
  });
});
