/**
 * The ping check: what it makes of a pinger's answers.
 *
 * @module
 */
import { expect, test } from "bun:test";

import type { Deadline } from "../../../src/check/connector.ts";
import { createPingCheck } from "../../../src/check/ping.ts";
import { checkTarget } from "../../helpers/check-fixture.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";

test("run asks the target's address and takes the time", async () => {
  const clock = createFakeClock(1000);
  const asked: [string, Deadline][] = [];
  const check = createPingCheck(clock, {
    ping(address, deadline) {
      asked.push([address, deadline]);
      clock.advance(7);
      return Promise.resolve(undefined);
    },
  });
  expect(await check.run(checkTarget(80, { address: "192.0.2.1" }), 500)).toEqual({
    up: true,
    tookMs: 7,
  });
  expect(asked).toEqual([["192.0.2.1", { atMs: 1500, limitMs: 500 }]]);
});

test("run passes the reason of a failure on", async () => {
  const failure = { reason: "not-permitted", detail: "open ICMP socket: EPERM" } as const;
  const check = createPingCheck(createFakeClock(), { ping: () => Promise.resolve(failure) });
  expect(await check.run(checkTarget(80), 500)).toEqual({ up: false, tookMs: 0, ...failure });
});
