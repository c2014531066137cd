import { describe, expect, test } from "bun:test";
import { EventEmitter } from "node:events";

import { handleSignals } from "../../../src/daemon/signals.ts";

/** An emitter with the handlers on it, and what they did. */
function setUp() {
  const emitter = new EventEmitter();
  const done: string[] = [];
  const end = handleSignals(
    {
      stop: (signal) => void done.push(`stop ${signal}`),
      stopNow: () => void done.push("stop now"),
      reload: () => void done.push("reload"),
      dumpState: () => void done.push("dump"),
    },
    emitter,
  );
  return { emitter, done, end };
}

describe("handleSignals()", () => {
  test.each([
    [["SIGTERM"], ["stop SIGTERM"]],
    [["SIGINT"], ["stop SIGINT"]],
    [
      ["SIGTERM", "SIGTERM"],
      ["stop SIGTERM", "stop now"],
    ],
    [
      ["SIGTERM", "SIGINT", "SIGINT"],
      ["stop SIGTERM", "stop now", "stop now"],
    ],
    [
      ["SIGHUP", "SIGHUP"],
      ["reload", "reload"],
    ],
    [["SIGUSR1"], ["dump"]],
    [["SIGPIPE"], []],
  ])("%j does %j", (signals, expected) => {
    const { emitter, done } = setUp();
    for (const signal of signals) expect(emitter.emit(signal)).toBe(true);
    expect(done).toEqual(expected);
  });

  test("its result lets go of all signals", () => {
    const { emitter, end } = setUp();
    end();
    expect(emitter.eventNames()).toEqual([]);
  });
});
