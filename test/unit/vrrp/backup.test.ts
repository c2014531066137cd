/**
 * State Backup: the rows of RFC 9568, section 6.4.2, then what the peer channel adds.
 */
import { describe, expect, test } from "bun:test";

import { cause, claim, override, routerState } from "../../../src/vrrp/index.ts";
import { backupRouter, heard, peerSays, step } from "../../helpers/vrrp/machine.ts";

const wire = { intervalMs: 100 };

describe("RFC 9568, section 6.4.2", () => {
  test("when the timer fires it advertises, adds and announces the addresses, and is Active", () => {
    const router = backupRouter();
    const atMs = router.downAtMs;
    expect(step(router, "tick", atMs - 1)).toEqual([]);
    expect(step(router, "tick", atMs)).toEqual([
      "advertise 100",
      `beginLease ${atMs + 2000}`,
      "addAddresses",
      "announce",
      "notify active",
      "log silence",
    ]);
  });

  test("priority 0 sets the timer to the skew time", () => {
    const router = backupRouter();
    step(router, heard(0), 500);
    expect(router.downAtMs).toBe(500 + (156 / 256) * 1000);
    expect(router.state).toBe(routerState.backup);
  });

  test("priority 0 of the active director is the cause of what follows", () => {
    const router = backupRouter();
    step(router, heard(150), 500);
    step(router, heard(0), 501);
    expect(step(router, "tick", router.downAtMs)).toContain("log resignation");
  });

  test.each([
    ["a higher priority", 150],
    ["an equal priority", 100],
  ])("%s adopts its interval, recomputes the times and resets the timer", (_name, priority) => {
    const router = backupRouter();
    step(router, heard(priority, { intervalMs: 2000 }), 500);
    expect(router.activeIntervalMs).toBe(2000);
    expect(router.downAtMs).toBe(500 + 6000 + (156 / 256) * 2000);
  });

  test("a lower priority is discarded with preemption: the timer runs on", () => {
    const router = backupRouter();
    const atMs = router.downAtMs;
    for (let nowMs = 100; nowMs < atMs; nowMs += 1000) step(router, heard(50), nowMs);
    expect(router.downAtMs).toBe(atMs);
    expect(step(router, "tick", atMs)).toContain("log preempt");
  });

  test("a lower priority resets the timer without preemption", () => {
    const router = backupRouter({ preempt: false });
    step(router, heard(50), 500);
    expect(router.downAtMs).toBe(500 + 3000 + (156 / 256) * 1000);
  });

  test("with a preempt delay a lower priority is discarded only after it", () => {
    const router = backupRouter({ preemptDelayMs: 10_000 });
    let nowMs = 0;
    for (; nowMs <= 10_000; nowMs += 1000) {
      step(router, heard(50), nowMs);
      expect(step(router, "tick", nowMs)).toEqual([]);
    }
    const atMs = router.downAtMs;
    for (; nowMs < atMs; nowMs += 1000) step(router, heard(50), nowMs);
    expect(step(router, "tick", atMs)).toContain("log preempt");
  });

  test("adds no address and opens no fence", () => {
    const router = backupRouter();
    const done = [50, 100, 0, 150].flatMap((priority) => step(router, heard(priority), 100));
    expect(done).toEqual([]);
  });
});

describe("what blocks promotion", () => {
  test.each([
    ["no carrier", { type: "carrier", index: 0, isUp: false }, "carrier"],
    ["no fence", { type: "fence", isWhole: false }, "fence"],
    ["a foreign holder of the address", { type: "holder-found" }, "foreign-holder"],
  ] as const)("%s", (_name, event, why) => {
    const router = backupRouter();
    step(router, event, 10);
    expect(step(router, "tick", router.downAtMs)).toEqual([`log ${why}`]);
    // Said once, not at every look.
    expect(step(router, "tick", router.downAtMs)).toEqual([]);
  });

  test("what is gone is forgotten, though another is active by then", () => {
    const router = backupRouter();
    step(router, { type: "carrier", index: 0, isUp: false }, 10);
    step(router, "tick", router.downAtMs);
    expect(router.blockedBy).toBe(cause.carrier);
    step(router, { type: "carrier", index: 0, isUp: true }, router.nowMs);
    step(router, heard(150), router.nowMs + 1);
    expect(step(router, "tick", router.nowMs)).toEqual([]);
    expect([router.state, router.blockedBy]).toEqual([routerState.backup, cause.none]);
  });

  test("a missing witness, where one is required", () => {
    const router = backupRouter({ witness: "require" });
    step(router, { type: "witness", isReached: false }, 10);
    expect(step(router, "tick", router.downAtMs)).toEqual(["log witness"]);
    step(router, { type: "witness", isReached: true }, router.nowMs);
    // What answered before the silence does not count.
    expect(step(router, "tick", router.downAtMs)).toEqual(["askWitness 1"]);
    expect(step(router, "tick", router.downAtMs)).toEqual([]);
    step(router, { type: "witness-proof", round: 1 }, router.nowMs);
    expect(step(router, "tick", router.downAtMs)).toContain("log silence");
  });

  test("a witness that answered in an earlier silence", () => {
    const router = backupRouter({ witness: "require" });
    expect(step(router, "tick", router.downAtMs)).toEqual(["askWitness 1"]);
    step(router, heard(150), router.nowMs + 1);
    step(router, { type: "witness-proof", round: 1 }, router.nowMs + 1);
    expect(step(router, "tick", router.downAtMs)).toEqual(["askWitness 2"]);
    step(router, { type: "witness-proof", round: 1 }, router.nowMs + 1);
    expect(step(router, "tick", router.downAtMs)).toEqual([]);
    expect(router.state).toBe(routerState.backup);
  });

  test("no witness is asked after a resignation: who hears it is not cut off", () => {
    const router = backupRouter({ hasPeer: true, witness: "require" });
    step(router, heard(150, { intervalMs: 100 }), 10);
    step(router, heard(0, { intervalMs: 100 }), 11);
    expect(step(router, "tick", 11)).toContain("log resignation");
  });

  test("not a missing witness, where one is preferred", () => {
    const router = backupRouter({ witness: "prefer" });
    step(router, { type: "witness", isReached: false }, 10);
    expect(step(router, "tick", router.downAtMs)).toContain("log silence");
  });

  test("a clock alarm, for one dead time", () => {
    const router = backupRouter();
    const atMs = router.downAtMs;
    step(router, "clock-alarm", atMs - 1);
    expect(step(router, "tick", atMs)).toEqual(["log clock-alarm"]);
    const done: string[] = [];
    for (let nowMs = atMs; nowMs < atMs + 2999; nowMs += 500)
      done.push(...step(router, "tick", nowMs));
    expect(done).toEqual([]);
    expect(step(router, "tick", atMs + 3000)).toContain("log silence");
  });

  test("a foreign holder no more, once an active director is heard", () => {
    const router = backupRouter();
    step(router, "holder-found", 10);
    step(router, heard(150), 20);
    step(router, "holder-found", 30);
    expect(step(router, "tick", router.downAtMs)).toContain("log silence");
  });

  test("another node that announces the address counts as hearing it", () => {
    const router = backupRouter();
    step(router, "address-seen", 1000);
    expect(router.downAtMs).toBe(4000 + (156 / 256) * 1000);
  });
});

describe("with a peer", () => {
  test("silence is three intervals, without skew", () => {
    const router = backupRouter({ hasPeer: true });
    step(router, heard(150, wire), 100);
    expect(router.downAtMs).toBe(400);
    expect(step(router, "tick", 400)).toContain("log silence");
  });

  test("a resignation is taken at once, after the queues are empty", () => {
    const router = backupRouter({ hasPeer: true });
    step(router, heard(150, wire), 100);
    expect(step(router, heard(0, wire), 110)).toEqual([]);
    expect(step(router, "tick", 110)).toContain("log resignation");
  });

  test("a resignation does not count if something newer says that one is active", () => {
    const router = backupRouter({ hasPeer: true });
    step(router, heard(150, wire), 100);
    step(router, heard(0, wire), 110);
    step(router, heard(150, wire), 110);
    expect(step(router, "tick", 110)).toEqual([]);
  });

  test("a resignation of one that was not active changes nothing", () => {
    const router = backupRouter({ hasPeer: true });
    step(router, heard(150, wire), 100);
    step(router, heard(0, { ...wire, host: 9 }), 110);
    expect(step(router, "tick", 110)).toEqual([]);
    expect(router.downAtMs).toBe(400);
  });

  test("the peer that was active and says it is not is as good as a resignation", () => {
    const router = backupRouter({ hasPeer: true });
    step(router, peerSays({ state: routerState.active }), 100);
    step(router, peerSays({ state: routerState.backup }), 110);
    expect(step(router, "tick", 110)).toContain("log resignation");
  });

  test("the peer channel is a path to hear the active director by", () => {
    const router = backupRouter({ hasPeer: true });
    step(router, peerSays({ state: routerState.active }), 300);
    expect(router.downAtMs).toBe(600);
  });

  test("it claims the address of a lower one and waits for its resignation", () => {
    const router = backupRouter({ hasPeer: true, priority: 200 });
    step(router, peerSays({ state: routerState.active, priority: 100 }), 90);
    expect(router.claim).toBe(claim.preempt);
    step(router, heard(100, wire), 100);
    expect(router.downAtMs).toBe(400);
    step(router, heard(0, wire), 110);
    expect(step(router, "tick", 110)).toContain("log preempt");
  });

  test.each([
    ["not asked to preempt", { preempt: false }, {}, true, claim.none],
    ["its tables are not complete", {}, {}, false, claim.none],
    ["the other one was told to take over", {}, { override: override.takeover }, true, claim.none],
    [
      "the other one is unfit, even if not asked",
      { preempt: false },
      { priority: 5 },
      true,
      claim.preempt,
    ],
  ] as const)("it claims or not: %s", (_name, options, peer, isComplete, expected) => {
    const router = backupRouter({ hasPeer: true, priority: 200, ...options });
    step(router, { type: "complete", isComplete }, 10);
    step(router, peerSays({ state: routerState.active, priority: 100, ...peer }), 90);
    expect(router.claim).toBe(expected);
  });

  test("an unfit active director is preempted by silence if the peer channel is dead", () => {
    const router = backupRouter({ hasPeer: true, preempt: false });
    const atMs = router.downAtMs;
    step(router, heard(5, wire), atMs - 10);
    expect(step(router, "tick", atMs)).toContain("log preempt");
  });

  test("of two backups the better one is first", () => {
    const router = backupRouter({ hasPeer: true });
    step(router, peerSays({ priority: 150 }), 350);
    const atMs = router.downAtMs;
    step(router, peerSays({ priority: 150 }), atMs);
    expect(step(router, "tick", atMs)).toEqual([]);
    expect(router.downAtMs).toBe(atMs + 300);
  });

  test("the better of two backups tells the other before it is active", () => {
    const router = backupRouter({ hasPeer: true, priority: 200 });
    const atMs = router.downAtMs;
    step(router, peerSays(), atMs);
    expect(step(router, "tick", atMs)).toEqual(["tellPeer"]);
    expect(router.claim).toBe(claim.promote);
    expect(step(router, "tick", atMs + 40)).toContain("log silence");
  });

  test("a backup that is told so waits as if the other were active", () => {
    const router = backupRouter({ hasPeer: true });
    step(router, peerSays({ claim: claim.promote }), 300);
    expect(router.downAtMs).toBe(600);
  });

  test("standby comes after any priority", () => {
    const router = backupRouter({ hasPeer: true, priority: 200 });
    step(router, "standby", 10);
    const atMs = router.downAtMs;
    step(router, peerSays({ priority: 50 }), atMs);
    expect(step(router, "tick", atMs)).toEqual([]);
  });
});

describe("takeover", () => {
  test("without a peer is active at once with priority 254", () => {
    const router = backupRouter();
    step(router, heard(150), 100);
    const done = step(router, { type: "takeover", force: false }, 110);
    expect(done[0]).toBe("advertise 254");
    expect(done).toContain("log takeover");
  });

  test("with a peer asks for it, and ends asking", () => {
    const router = backupRouter({ hasPeer: true });
    step(router, { type: "takeover", force: false }, 100);
    expect(router.claim).toBe(claim.takeover);
    for (let nowMs = 120; nowMs <= 1000; nowMs += 20) {
      step(router, heard(150, wire), nowMs);
      step(router, "tick", nowMs);
    }
    expect([router.state, router.claim, router.override]).toEqual([1, claim.none, override.none]);
  });

  test("by force is active in the end, whoever does not answer", () => {
    const router = backupRouter({ hasPeer: true, witness: "require" });
    step(router, { type: "witness", isReached: false }, 90);
    step(router, { type: "takeover", force: true }, 100);
    const done: string[] = [];
    for (let nowMs = 120; nowMs <= 1000; nowMs += 20) {
      done.push(...step(router, heard(150, wire), nowMs), ...step(router, "tick", nowMs));
      if (router.state === routerState.active) break;
    }
    expect(done).toContain("log takeover");
  });

  test("by force ignores a foreign holder", () => {
    const router = backupRouter();
    step(router, "holder-found", 10);
    expect(step(router, { type: "takeover", force: true }, 20)).toContain("log takeover");
  });
});
