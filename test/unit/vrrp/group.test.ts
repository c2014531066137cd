/**
 * Instances that move together.
 */
import { describe, expect, test } from "bun:test";

import { groupTransition } from "../../../src/vrrp/group.ts";
import { claim, routerState } from "../../../src/vrrp/index.ts";
import type { Router, RouterEvent } from "../../../src/vrrp/index.ts";
import { actionsOf, createTestRouter, heard, peerSays } from "../../helpers/vrrp/machine.ts";

const wire = { intervalMs: 100 };

function createGroup(): Router[] {
  const members = [1, 2].map(() => createTestRouter({ hasPeer: true, isGrouped: true }));
  members.forEach((_, index) => apply(members, index, { type: "startup" }, 0));
  return members;
}

function apply(members: Router[], index: number, event: RouterEvent, nowMs: number): void {
  groupTransition(members, index, { event, nowMs });
}

function tickAll(members: Router[], nowMs: number): void {
  members.forEach((_, index) => apply(members, index, { type: "tick" }, nowMs));
}

function states(members: Router[]): number[] {
  return members.map(({ state }) => state);
}

function activeGroup(): Router[] {
  const members = createGroup();
  tickAll(members, members[0]!.downAtMs);
  return members;
}

describe("groupTransition()", () => {
  test("all members become active, each with its own actions", () => {
    const members = activeGroup();
    expect(states(members)).toEqual([routerState.active, routerState.active]);
    for (const member of members) expect(actionsOf(member)).toContain("log group");
  });

  test("none does while one of them still hears the active director", () => {
    const members = createGroup();
    for (let nowMs = 100; nowMs < 1000; nowMs += 20) {
      apply(members, 1, heard(150, wire), nowMs);
      tickAll(members, nowMs);
      expect(states(members)).toEqual([routerState.backup, routerState.backup]);
    }
    tickAll(members, 1279);
    expect(states(members)).toEqual([routerState.backup, routerState.backup]);
    tickAll(members, 1280);
    expect(states(members)).toEqual([routerState.active, routerState.active]);
  });

  test("the end of the program is one of all: every member drains and resigns", () => {
    const members = activeGroup();
    for (const [index, member] of members.entries()) {
      member.drainMs = 500;
      apply(members, index, peerSays({ priority: 50 }), member.nowMs + 1);
    }
    const nowMs = members[1]!.nowMs + 1;
    apply(members, 0, { type: "leave" }, nowMs);
    expect(states(members)).toEqual([routerState.initialize, routerState.initialize]);
    for (const member of members) {
      expect(actionsOf(member).slice(0, 2)).toEqual([`drainLease ${nowMs + 500}`, "advertise 0"]);
    }
  });

  test.each<[string, RouterEvent, string]>([
    ["drain if it does", peerSays({ priority: 150, claim: claim.takeover }), "drainLease"],
    ["close if it lost its carrier", { type: "carrier", index: 0, isUp: false }, "endLease"],
  ])("when one leaves, the others %s", (_name, event, done) => {
    const members = activeGroup();
    for (const [index, member] of members.entries()) {
      member.drainMs = 500;
      apply(members, index, peerSays({ priority: 50 }), member.nowMs + 1);
    }
    apply(members, 0, event, members[1]!.nowMs + 1);
    expect(actionsOf(members[1]!)[0]).toStartWith(done);
    expect(actionsOf(members[1]!)).toContain("log group");
  });

  test("as soon as one leaves, the others resign", () => {
    const members = activeGroup();
    apply(members, 0, { type: "carrier", index: 0, isUp: false }, members[0]!.nowMs + 1);
    expect(states(members)).toEqual([routerState.backup, routerState.backup]);
    const resigned = ["endLease", "advertise 0", "removeAddresses", "stopAnnouncing"];
    expect(actionsOf(members[1]!)).toEqual([...resigned, "notify backup", "log group", "tellPeer"]);
  });

  test("one that lost the election takes the others with it", () => {
    const members = activeGroup();
    apply(members, 1, heard(200, wire), members[1]!.nowMs + 1);
    expect(states(members)).toEqual([routerState.backup, routerState.backup]);
  });

  test("standby is said of the whole group", () => {
    const members = activeGroup();
    apply(members, 0, { type: "standby" }, members[0]!.nowMs + 1);
    expect(members.map((member) => member.lastCause)).toEqual([16, 16]);
  });

  test("a member that is blocked keeps all back", () => {
    const members = createGroup();
    apply(members, 0, { type: "carrier", index: 0, isUp: false }, 10);
    for (let nowMs = 340; nowMs < 2000; nowMs += 20) tickAll(members, nowMs);
    expect(states(members)).toEqual([routerState.backup, routerState.backup]);
  });

  test("an owner waits for its group as well", () => {
    const members = [1, 2].map(() => createTestRouter({ priority: 255, isGrouped: true }));
    members.forEach((_, index) => apply(members, index, { type: "startup" }, 0));
    expect(states(members)).toEqual([routerState.backup, routerState.backup]);
  });
});
