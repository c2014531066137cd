/**
 * Rules of every state: startup, shutdown, stalls, the clock, and inputs that are only kept.
 */
import { describe, expect, test } from "bun:test";

import { claim, override, routerState } from "../../../src/vrrp/index.ts";
import { dueAtMs, transition } from "../../../src/vrrp/transition.ts";
import {
  activeRouter,
  backupRouter,
  createTestRouter,
  heard,
  peerSays,
  step,
} from "../../helpers/vrrp/machine.ts";

describe("startup (RFC 9568, section 6.4.1)", () => {
  test("goes to Backup and waits three intervals and the skew time", () => {
    const router = createTestRouter();
    expect(step(router, "startup", 0)).toEqual(["notify backup", "log startup"]);
    expect(dueAtMs(router)).toBe(3000 + (156 / 256) * 1000);
  });

  test("as address owner goes to Active at once", () => {
    const router = createTestRouter({ priority: 255 });
    expect(step(router, "startup", 0)).toEqual([
      "advertise 255",
      "beginLease 2000",
      "addAddresses",
      "announce",
      "notify active",
      "log owner",
    ]);
  });

  test("as address owner with a peer waits and asks, so that two never answer", () => {
    const router = createTestRouter({ priority: 255, hasPeer: true });
    expect(step(router, "startup", 0)).toEqual(["notify backup", "log startup", "tellPeer"]);
  });

  test("with a start delay listens for so long, then for a dead time", () => {
    const router = createTestRouter({ priority: 255, startDelayMs: 10_000 });
    expect(step(router, "startup", 0)).toEqual(["notify backup", "log startup"]);
    step(router, heard(200), 1000);
    expect(dueAtMs(router)).toBeGreaterThanOrEqual(10_000);
  });

  test("a second startup changes nothing", () => {
    expect(step(backupRouter(), "startup", 10)).toEqual([]);
  });
});

describe("shutdown", () => {
  test("in Backup cancels the timer and goes to Initialize (section 6.4.2)", () => {
    const router = backupRouter();
    expect(step(router, "shutdown", 10)).toEqual(["notify initialize", "log shutdown"]);
    expect(dueAtMs(router)).toBe(Infinity);
  });

  test("in Active ends the lease, then sends priority 0, then goes to Initialize (section 6.4.3)", () => {
    const { router, nowMs } = activeRouter();
    expect(step(router, "shutdown", nowMs + 10)).toEqual([
      "endLease",
      "advertise 0",
      "removeAddresses",
      "stopAnnouncing",
      "notify initialize",
      "log shutdown",
    ]);
    expect(dueAtMs(router)).toBe(Infinity);
  });

  test("in Initialize does nothing, nor does any packet", () => {
    const router = createTestRouter();
    expect(step(router, "shutdown", 0)).toEqual([]);
    expect(step(router, heard(0), 1)).toEqual([]);
    expect(step(router, "tick", 1e6)).toEqual([]);
  });
});

describe("stall", () => {
  test("an active router whose lease has ended is Backup before anything is sent", () => {
    const { router, nowMs } = activeRouter({ hasPeer: true });
    const { leaseMs } = router.options.timing;
    expect(step(router, "tick", nowMs + leaseMs)).toEqual([
      "endLease",
      "removeAddresses",
      "stopAnnouncing",
      "notify backup",
      "log stall",
      "tellPeer",
    ]);
    expect(dueAtMs(router)).toBe(nowMs + leaseMs + 300);
  });

  test("just within the lease it goes on", () => {
    const { router, nowMs } = activeRouter({ hasPeer: true });
    const atMs = nowMs + router.options.timing.leaseMs - 1;
    expect(step(router, "tick", atMs)).toEqual(["advertise 100", `renewLease ${atMs + 260}`]);
  });

  test("a backup that woke up too late listens for a whole dead time", () => {
    const router = backupRouter({ hasPeer: true });
    const lateMs = router.downAtMs + router.options.timing.leaseMs + 1;
    expect(step(router, "tick", lateMs)).toEqual([]);
    expect(dueAtMs(router)).toBe(lateMs + 300);
  });

  test("a backup does not believe a resignation that lay in its queue meanwhile", () => {
    const router = backupRouter({ hasPeer: true });
    const lateMs = router.downAtMs + 1000;
    step(router, heard(150, { intervalMs: 100 }), lateMs);
    step(router, heard(0, { intervalMs: 100 }), lateMs);
    expect(step(router, "tick", lateMs)).toEqual([]);
    expect(dueAtMs(router)).toBe(lateMs + 300);
  });

  test("told by the driver, it is one, too", () => {
    const { router, nowMs } = activeRouter();
    expect(step(router, "stall", nowMs + 1)).toContain("log stall");
  });

  test("ends a takeover that was asked for before", () => {
    const router = backupRouter({ hasPeer: true });
    step(router, { type: "takeover", force: true }, 10);
    expect([router.claim, router.override]).toEqual([claim.force, override.force]);
    step(router, "stall", 20);
    expect([router.claim, router.override]).toEqual([claim.none, override.none]);
  });
});

describe("transition()", () => {
  test("never lets time run backwards", () => {
    const { router, nowMs } = activeRouter();
    step(router, "tick", nowMs - 3_600_000);
    expect(router.nowMs).toBe(nowMs);
  });

  test("ignores its own packets that come back", () => {
    const { router, nowMs } = activeRouter();
    expect(step(router, heard(200, { host: 2 }), nowMs + 1)).toEqual([]);
    expect(router.state).toBe(routerState.active);
  });

  test("the tick of an active router needs no more than two actions", () => {
    const { router, nowMs } = activeRouter({ hasPeer: true });
    const list = transition(router, { type: "tick" }, nowMs + 20);
    expect(list).toBe(router.actions);
    expect(list.count).toBe(2);
  });

  test("keeps what it is told in states that do not act upon it", () => {
    const router = createTestRouter({ hasPeer: true });
    step(router, { type: "fitness", isFit: false, liveServers: 3 }, 0);
    step(router, { type: "witness", isReached: false }, 0);
    step(router, { type: "complete", isComplete: false }, 0);
    step(router, { type: "carrier", index: 0, isUp: false }, 0);
    step(router, { type: "carrier", index: 7, isUp: false }, 0);
    step(router, peerSays({ priority: 77 }), 0);
    expect(router).toMatchObject({
      isFit: false,
      liveServers: 3,
      isWitnessReached: false,
      isComplete: false,
      carriers: Uint8Array.of(0),
      peer: { priority: 77 },
    });
  });
});
