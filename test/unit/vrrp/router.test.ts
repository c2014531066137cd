/**
 * What is derived from the state of a router.
 */
import { describe, expect, test } from "bun:test";

import { cause, override } from "../../../src/vrrp/index.ts";
import { advertise, becomeActive } from "../../../src/vrrp/move.ts";
import {
  blockOf,
  hasCarrier,
  isAnswering,
  isPeerFresh,
  priorityOf,
} from "../../../src/vrrp/router.ts";
import {
  activeRouter,
  backupRouter,
  createTestRouter,
  peerSays,
  step,
} from "../../helpers/vrrp/machine.ts";

describe("priorityOf()", () => {
  test.each([
    ["fit", {}, {}, 100],
    ["unfit with two live servers", {}, { isFit: false, liveServers: 2 }, 3],
    ["without a witness", {}, { isWitnessReached: false, liveServers: 2 }, 3],
    ["without a witness, with a peer", { hasPeer: true }, { isWitnessReached: false }, 100],
    ["takeover without a peer", {}, { override: override.takeover }, 254],
    ["takeover of the owner", { priority: 255 }, { override: override.takeover }, 255],
    ["takeover with a peer", { hasPeer: true }, { override: override.takeover }, 100],
  ] as const)("%s", (_name, options, state, expected) => {
    expect(priorityOf(Object.assign(createTestRouter(options), state))).toBe(expected);
  });
});

describe("hasCarrier()", () => {
  const interfaces = [{ hasAddresses: true }, { hasAddresses: false }];

  test.each([
    [[1, 1], true],
    [[1, 0], true],
    [[0, 1], false],
    [[0, 0], false],
  ])("%j is %s", (carriers, expected) => {
    const router = createTestRouter({ interfaces });
    router.carriers.set(carriers);
    expect(hasCarrier(router)).toBe(expected);
  });

  test("needs any where no interface has addresses", () => {
    const router = createTestRouter({ interfaces: [{ hasAddresses: false }] });
    router.carriers.fill(0);
    expect(hasCarrier(router)).toBe(false);
  });
});

test("blockOf() of a takeover by force is a missing carrier or fence only", () => {
  const state = { override: override.force, hasForeignHolder: true, isWitnessReached: false };
  const router = Object.assign(createTestRouter({ witness: "require" }), state);
  expect(blockOf(router)).toBe(cause.none);
  router.isFenced = false;
  expect(blockOf(router)).toBe(cause.fence);
  router.carriers.fill(0);
  expect(blockOf(router)).toBe(cause.carrier);
});

test("isAnswering() until the lease ends", () => {
  const { router, nowMs } = activeRouter({ hasPeer: true });
  expect([isAnswering(router, nowMs + 259), isAnswering(router, nowMs + 260)]).toEqual([
    true,
    false,
  ]);
});

test("advertise() keeps the beat after a late tick within an interval", () => {
  const router = createTestRouter({ hasPeer: true });
  becomeActive(router, cause.silence);
  router.nowMs = 25;
  advertise(router, 3);
  expect(router.advertiseAtMs).toBe(40);
  router.nowMs = 100;
  advertise(router, 3);
  expect(router.advertiseAtMs).toBe(120);
});

test("isPeerFresh() is true for a dead time", () => {
  const router = backupRouter({ hasPeer: true });
  step(router, peerSays(), 10);
  step(router, "tick", 310);
  expect(isPeerFresh(router)).toBe(true);
  step(router, "tick", 311);
  expect(isPeerFresh(router)).toBe(false);
});
