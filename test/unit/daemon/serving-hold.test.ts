import { describe, expect, test } from "bun:test";

import { ServingHold } from "../../../src/daemon/serving-hold.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";

const settleMs = 2000;

function setUp() {
  const clock = createFakeClock();
  const seen = { due: 0 };
  const hold = new ServingHold({ clock, onDue: () => void seen.due++ });
  /** What is said of so many live servers: as text, `serving 2` or `failing 0`. */
  const say = (liveServers: number, isActive: boolean, isServing = liveServers > 0): string => {
    const said = hold.say({ name: "web", isActive, settleMs, isServing, liveServers });
    return `${said.isServing ? "serving" : "failing"} ${said.liveServers}`;
  };
  return { clock, hold, say, seen };
}

describe("ServingHold", () => {
  test("says the first judgement at once", () => {
    expect(setUp().say(0, true)).toBe("failing 0");
    expect(setUp().say(2, false)).toBe("serving 2");
  });

  test.each([
    ["the active one says at once that it is better", true, 0, 2, "serving 2"],
    ["the backup says at once that it is worse", false, 2, 0, "failing 0"],
    ["the active one waits with worse", true, 2, 0, "serving 2"],
    ["the backup waits with better", false, 0, 2, "failing 0"],
    ["a number that changes nothing waits for nobody", true, 3, 1, "serving 1"],
  ] as const)("%s", (_, isActive, before, after, expected) => {
    const { say } = setUp();
    say(before, isActive);
    expect(say(after, isActive)).toBe(expected);
  });

  test("of those that fail the better one waits, too", () => {
    const { say } = setUp();
    say(0, false, false);
    expect(say(1, false, false)).toBe("failing 0");
  });

  test("says it when it has lasted, and asks for that", () => {
    const { say, clock, seen } = setUp();
    say(2, true);
    say(0, true);
    clock.advance(settleMs - 1);
    expect([say(0, true), seen.due]).toEqual(["serving 2", 0]);
    clock.advance(1);
    expect([seen.due, say(0, true)]).toEqual([1, "failing 0"]);
    expect(clock.pendingCount()).toBe(0);
  });

  test("what has passed by then is not said, and the next one waits anew", () => {
    const { say, clock, seen } = setUp();
    say(2, true);
    say(0, true);
    clock.advance(settleMs - 1);
    expect(say(2, true)).toBe("serving 2");
    expect(clock.pendingCount()).toBe(0);
    expect(say(0, true)).toBe("serving 2");
    clock.advance(settleMs - 1);
    expect([say(0, true), seen.due]).toEqual(["serving 2", 0]);
  });

  test("a director that becomes backup says at once that it is worse", () => {
    const { say, clock } = setUp();
    say(2, true);
    say(0, true);
    expect(say(0, false)).toBe("failing 0");
    expect(clock.pendingCount()).toBe(0);
  });

  test("keep() forgets the others", () => {
    const { say, hold, clock } = setUp();
    say(2, true);
    say(0, true);
    hold.keep(["mail"]);
    expect(clock.pendingCount()).toBe(0);
    expect(say(0, true)).toBe("failing 0");
  });
});
