/**
 * How two directors rank.
 */
import { describe, expect, test } from "bun:test";

import {
  comparePeer,
  createPeerView,
  peerAdvantage,
  storePeer,
} from "../../../src/vrrp/peer-view.ts";
import { peerSays } from "../../helpers/vrrp/machine.ts";

const own = { priority: 100, address: Uint8Array.of(10, 0, 0, 2), isWitnessReached: true };

describe("peerAdvantage()", () => {
  test.each([
    ["the higher priority", { priority: 150 }, true, 50],
    ["who alone lost the witness counts as unfit", { isWitnessReached: false }, true, -91],
    ["and so do we", { priority: 50 }, false, 41],
    ["both lost it: priority", { isWitnessReached: false, priority: 50 }, false, -50],
  ] as const)("%s", (_name, fields, isWitnessReached, expected) => {
    const view = createPeerView();
    storePeer(view, peerSays(fields), 5);
    expect(peerAdvantage(view, { ...own, isWitnessReached })).toBe(expected);
    expect(view.atMs).toBe(5);
  });
});

describe("comparePeer()", () => {
  test.each([
    ["priority first", { priority: 101 }, 1],
    ["then the address", { priority: 100 }, -1],
    ["then the address, higher", { priority: 100, address: Uint8Array.of(10, 0, 0, 3) }, 1],
  ] as const)("%s", (_name, fields, expected) => {
    const view = createPeerView();
    storePeer(view, peerSays(fields), 5);
    expect(Math.sign(comparePeer(view, own))).toBe(expected);
  });
});
