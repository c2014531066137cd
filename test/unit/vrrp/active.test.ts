/**
 * State Active: the rows of RFC 9568, section 6.4.3, then what the peer and the host add.
 */
import { describe, expect, test } from "bun:test";

import { tickActive } from "../../../src/vrrp/active.ts";
import { claim, routerState } from "../../../src/vrrp/index.ts";
import { activeRouter, backupRouter, heard, peerSays, step } from "../../helpers/vrrp/machine.ts";

const resigned = ["endLease", "advertise 0", "removeAddresses", "stopAnnouncing", "notify backup"];
const steppedDown = ["endLease", "removeAddresses", "stopAnnouncing", "notify backup"];

describe("RFC 9568, section 6.4.3", () => {
  test("when the timer fires it advertises, renews the lease and resets the timer", () => {
    const { router, nowMs } = activeRouter();
    expect(step(router, "tick", nowMs + 499)).toEqual([]);
    const atMs = nowMs + 500;
    expect(step(router, "tick", atMs)).toEqual(["advertise 100", `renewLease ${atMs + 2000}`]);
    expect(router.advertiseAtMs).toBe(atMs + 500);
  });

  test("priority 0 is answered by an advertisement and resets the timer", () => {
    const { router, nowMs } = activeRouter();
    const atMs = nowMs + 100;
    expect(step(router, heard(0), atMs)).toEqual([
      "advertise 100",
      `renewLease ${atMs + 2000}`,
      "announce",
    ]);
    expect(router.advertiseAtMs).toBe(atMs + 500);
  });

  test("a higher priority: Backup, with the times of the sender", () => {
    const { router, nowMs } = activeRouter();
    const done = step(router, heard(150, { intervalMs: 2000 }), nowMs + 10);
    // The sender may not have heard it before: it announces once more when it does.
    expect(done).toEqual([...steppedDown, "log outranked", "concede 100"]);
    expect(router.activeIntervalMs).toBe(2000);
    expect(router.downAtMs).toBe(nowMs + 10 + 6000 + (156 / 256) * 2000);
    expect(router.advertiseAtMs).toBe(Infinity);
  });

  test("with a peer there is nothing to say to who outranks it", () => {
    const { router, nowMs } = activeRouter({ hasPeer: true });
    const done = step(router, heard(150, { intervalMs: 100 }), nowMs + 10);
    expect(done).toContain("log outranked");
    expect(done).not.toContain("concede 100");
  });

  test("an equal priority from a higher address: Backup", () => {
    const { router, nowMs } = activeRouter();
    expect(step(router, heard(100, { host: 3 }), nowMs + 10)).toContain("log outranked");
  });

  test.each([
    ["a lower priority", heard(50, { host: 3 })],
    ["an equal priority from a lower address", heard(100, { host: 1 })],
  ])("%s is discarded and answered at once", (_name, event) => {
    const { router, nowMs } = activeRouter();
    const done = step(router, event, nowMs + 10);
    expect(done).toEqual(["advertise 100", `renewLease ${nowMs + 2010}`, "announce"]);
    expect(router.state).toBe(routerState.active);
  });

  test("a flood of losing advertisements is answered with a bound", () => {
    const { router, nowMs } = activeRouter();
    let answers = 0;
    for (let index = 1; index <= 1000; index++) {
      answers += step(router, heard(50), nowMs + index / 100).length > 0 ? 1 : 0;
    }
    expect(answers).toBeLessThanOrEqual(6);
    expect(router.conflicts).toBe(1000);
  });

  test("with two owners of priority 255 the higher address stays", () => {
    const low = activeRouter({ priority: 255, startDelayMs: 1 });
    expect(step(low.router, heard(255, { host: 3 }), low.nowMs + 1)).toContain("log outranked");
    const high = activeRouter({ priority: 255, startDelayMs: 1 });
    step(high.router, heard(255, { host: 1 }), high.nowMs + 1);
    expect([high.router.state, high.router.conflicts]).toEqual([routerState.active, 1]);
  });
});

describe("what the host reports", () => {
  test("guard: Backup without a packet, as the guard has sent it", () => {
    const { router, nowMs } = activeRouter();
    expect(step(router, "guard-closed", nowMs + 1)).toEqual([...steppedDown, "log guard"]);
  });

  test("carrier: resigns when an interface with addresses has none", () => {
    const { router, nowMs } = activeRouter();
    const done = step(router, { type: "carrier", index: 0, isUp: false }, nowMs + 1);
    expect(done).toEqual([...resigned, "log carrier"]);
  });

  test("fence: resigns when it is not where it must be", () => {
    const { router, nowMs } = activeRouter();
    expect(step(router, { type: "fence", isWhole: true }, nowMs + 1)).toEqual([]);
    const done = step(router, { type: "fence", isWhole: false }, nowMs + 2);
    expect(done).toEqual([...resigned, "log fence"]);
  });

  test("carrier: an interface without addresses may lose it while another has one", () => {
    const interfaces = [{ hasAddresses: true }, { hasAddresses: false }];
    const { router, nowMs } = activeRouter({ interfaces });
    expect(step(router, { type: "carrier", index: 1, isUp: false }, nowMs + 1)).toEqual([]);
  });

  test("address lost: put back and announced, the third time in 10 s resigned", () => {
    const { router, nowMs } = activeRouter();
    const back = ["addAddresses", "log address-lost", "announce"];
    expect(step(router, "address-lost", nowMs + 1)).toEqual(back);
    expect(step(router, "address-lost", nowMs + 2)).toEqual(back);
    expect(step(router, "address-lost", nowMs + 3)).toEqual([...resigned, "log address-lost"]);
  });

  test("address lost: three times in a longer time are put back each time", () => {
    const { router, nowMs } = activeRouter();
    for (let atMs = nowMs; atMs < nowMs + 20_000; atMs += 500) {
      step(router, "tick", atMs);
      if (atMs % 6000 === nowMs % 6000) step(router, "address-lost", atMs);
    }
    expect(router.state).toBe(routerState.active);
  });

  test("another node's announcement is answered by ours, counted and logged", () => {
    const { router, nowMs } = activeRouter();
    expect(step(router, "address-seen", nowMs + 1)).toEqual(["log conflict", "announce"]);
    expect(router.conflicts).toBe(1);
  });

  test("a failed send gives the renewal back, and ends with the lease", () => {
    const { router, nowMs } = activeRouter({ hasPeer: true });
    const endMs = router.leaseEndMs;
    for (let atMs = nowMs + 20; atMs < endMs; atMs += 20) {
      step(router, "tick", atMs);
      expect(step(router, "send-failed", atMs)).toEqual([]);
      expect(router.leaseEndMs).toBe(endMs);
    }
    expect(step(router, "tick", endMs)).toContain("log stall");
  });

  test("a takeover whose first advertisement went nowhere is none", () => {
    const { router, nowMs } = activeRouter();
    const done = step(router, "send-failed", nowMs);
    expect(done).toEqual([...steppedDown, "log send-failure"]);
  });

  test("a new priority is told at once", () => {
    const { router, nowMs } = activeRouter();
    const done = step(router, { type: "fitness", isFit: false, liveServers: 2 }, nowMs + 1);
    expect(done[0]).toBe("advertise 3");
  });
});

describe("with a peer", () => {
  const options = { hasPeer: true } as const;

  test.each([
    ["standby", { type: "standby" }, "standby"],
    ["a claim of a better one", peerSays({ claim: claim.preempt }), "yielded"],
    ["a takeover there", peerSays({ claim: claim.takeover, priority: 50 }), "yielded"],
    [
      "a takeover by force there",
      peerSays({ claim: claim.force, priority: 1, isEligible: false }),
      "yielded",
    ],
  ] as const)("%s: ends the lease, then resigns", (_name, event, cause) => {
    const { router, nowMs } = activeRouter(options);
    expect(step(router, event, nowMs + 1)).toEqual([...resigned, `log ${cause}`, "tellPeer"]);
    expect(router.downAtMs).toBe(nowMs + 1 + 600);
  });

  test.each([
    ["a claim of a lower one", peerSays({ claim: claim.preempt, priority: 50 })],
    ["a takeover by one that cannot serve", peerSays({ claim: claim.takeover, priority: 5 })],
    ["a claim of one that may not", peerSays({ claim: claim.preempt, isEligible: false })],
    ["no claim", peerSays()],
  ])("%s changes nothing", (_name, event) => {
    const { router, nowMs } = activeRouter(options);
    step(router, event, nowMs + 1);
    expect(router.state).toBe(routerState.active);
  });

  test("a takeover here holds against a claim to preempt", () => {
    const { router, nowMs } = activeRouter(options);
    step(router, { type: "takeover", force: false }, nowMs + 1);
    step(router, peerSays({ claim: claim.preempt }), nowMs + 2);
    expect(router.state).toBe(routerState.active);
  });

  test("unfit: resigns to a better peer at once", () => {
    const { router, nowMs } = activeRouter(options);
    step(router, peerSays({ priority: 50 }), nowMs + 1);
    const done = step(router, { type: "fitness", isFit: false, liveServers: 0 }, nowMs + 2);
    expect(done).toContain("log unfit");
  });

  test("both unfit: the better one keeps the address", () => {
    const { router, nowMs } = activeRouter(options);
    step(router, peerSays({ priority: 2 }), nowMs + 1);
    step(router, { type: "fitness", isFit: false, liveServers: 3 }, nowMs + 2);
    expect(router.state).toBe(routerState.active);
    step(router, peerSays({ priority: 6 }), nowMs + 3);
    expect(router.state).toBe(routerState.backup);
  });

  test.each([
    ["that the peer still reaches: resigns", true, routerState.backup],
    ["that nobody reaches: keeps the address", false, routerState.active],
  ] as const)("a lost witness %s", (_name, isWitnessReached, state) => {
    const { router, nowMs } = activeRouter(options);
    step(router, peerSays({ isWitnessReached, priority: 50 }), nowMs + 1);
    step(router, { type: "witness", isReached: false }, nowMs + 2);
    expect(router.state).toBe(state);
  });

  test("two active ones that hear each other only there: the better one stays", () => {
    const { router, nowMs } = activeRouter(options);
    step(router, peerSays({ state: routerState.active, priority: 50 }), nowMs + 1);
    expect(router.state).toBe(routerState.active);
    const done = step(router, peerSays({ state: routerState.active, priority: 150 }), nowMs + 2);
    expect(done).toContain("log outranked");
  });

  test("announces again once the peer has announced, or was active", () => {
    const { router, nowMs } = activeRouter(options);
    step(router, peerSays({ state: routerState.active, priority: 50 }), nowMs + 1);
    expect(step(router, peerSays({ priority: 50 }), nowMs + 2)).toEqual(["announce"]);
    expect(step(router, peerSays({ priority: 50, announcements: 1 }), nowMs + 3)).toEqual([
      "announce",
    ]);
    expect(step(router, peerSays({ priority: 50, announcements: 1 }), nowMs + 4)).toEqual([]);
  });

  test("after a handover it ignores packets that the resignation overtook", () => {
    const router = backupRouter(options);
    step(router, heard(150, { intervalMs: 100 }), 100);
    step(router, heard(0, { intervalMs: 100 }), 110);
    step(router, "tick", 110);
    expect(step(router, heard(150, { intervalMs: 100 }), 111)).toEqual([]);
    expect(step(router, heard(150, { intervalMs: 100 }), 150)).toContain("log outranked");
  });

  test("a tie is broken by the same addresses on every interface", () => {
    const { router, nowMs } = activeRouter(options);
    step(router, peerSays({ priority: 50 }), nowMs + 1);
    // The peer's second interface has a higher address; its first, 10.0.0.1, is lower than ours.
    step(router, heard(100, { host: 200, intervalMs: 100 }), nowMs + 2);
    expect(router.state).toBe(routerState.active);
  });
});

test("tickActive() does nothing before its time", () => {
  const { router } = activeRouter();
  router.actions.count = 0;
  tickActive(router);
  expect(router.actions.count).toBe(0);
});
