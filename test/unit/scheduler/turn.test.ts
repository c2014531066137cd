import { expect, test } from "bun:test";

import { Turn } from "../../../src/scheduler/turn.ts";
import { servers } from "./fixture.ts";
import type { TestServer } from "./fixture.ts";

/** Picks by turn alone, `count` times, among all of `list` or those in `among`. */
function order(turn: Turn, list: readonly TestServer[], count: number, among = ""): string {
  let text = "";
  for (let pick = 0; pick < count; pick++) {
    let best = -1;
    for (const [index, { key }] of list.entries()) {
      if (among !== "" && !among.includes(key)) continue;
      if (best === -1 || turn.isBefore(index, best)) best = index;
    }
    turn.take(best, list[best]!.weight);
    text += list[best]!.key;
  }
  return text;
}

function turnOf(list: readonly TestServer[]): Turn {
  const turn = new Turn();
  turn.update(list);
  return turn;
}

test.each([
  { weights: { a: 1, b: 1 }, expected: "abab" },
  { weights: { a: 2, b: 1 }, expected: "abaaba" },
  { weights: { a: 4, b: 1 }, expected: "abaaaabaaa" },
])("Turn shares by weight: $expected", ({ weights, expected }) => {
  const list = servers(weights);
  expect(order(turnOf(list), list, expected.length)).toBe(expected);
});

test("Turn gives a server that was left out one pick, not a burst", () => {
  const list = servers({ a: 1, b: 1, c: 1 });
  const turn = turnOf(list);
  expect(order(turn, list, 100, "ab")).toBe("ab".repeat(50));
  expect(order(turn, list, 6)).toBe("cabcab");
});

test("Turn lets a new server join at the present, and the others keep their place", () => {
  const list = servers({ a: 1, b: 1 });
  const turn = turnOf(list);
  expect(order(turn, list, 101)).toBe("ab".repeat(50) + "a");
  const more = servers({ a: 1, b: 1, c: 1 });
  turn.update(more);
  expect(order(turn, more, 6)).toBe("bcabca");
});
