/**
 * What virtual routers track, asked for real: the loopback address and programs of Debian.
 */
import { afterEach, beforeEach, expect, test } from "bun:test";

import { createTrackAsker } from "../../../src/check/track-asker.ts";
import type { AskedTarget, TrackAsker } from "../../../src/check/track-asker.ts";
import { systemClock } from "../../../src/clock/index.ts";

const times = { intervalMs: 5000, timeoutMs: 5000 };
let asker: TrackAsker;
const abort = new AbortController();
const context = { user: "nobody", signal: abort.signal };

beforeEach(() => {
  asker = createTrackAsker(systemClock);
});
afterEach(() => asker.close());

function script(...command: readonly string[]): AskedTarget {
  return { type: "script", command, ...times };
}

test.each(["127.0.0.1", "::1"])("ask() pings %s", async (address) => {
  expect(await asker.ask({ type: "ping", address, ...times }, context)).toBeUndefined();
});

test("ask() says why nobody answers", async () => {
  // The kernel sends to a broadcast address only who asked for the right to.
  const target = { type: "ping", address: "255.255.255.255", ...times } as const;
  expect(await asker.ask(target, context)).toEqual({
    reason: "not-permitted",
    detail: "send: EACCES",
  });
});

test("ask() runs a script with its own arguments only", async () => {
  expect(await asker.ask(script("/usr/bin/test", "a", "=", "a"), context)).toBeUndefined();
  expect(await asker.ask(script("/usr/bin/test", "a", "=", "b"), context)).toEqual({
    reason: "exit-status",
    detail: "exit 1",
  });
});

test("ask() kills a script that takes too long", async () => {
  const slow: AskedTarget = { ...script("/usr/bin/sleep", "60"), timeoutMs: 50 };
  expect(await asker.ask(slow, context)).toMatchObject({ reason: "timeout" });
});
