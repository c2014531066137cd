/**
 * The connect check.
 *
 * @module
 */
import { afterAll, expect, test } from "bun:test";

import { createConnectCheck, createDestinationCache } from "../../../src/check/connect.ts";
import { createConnector } from "../../../src/check/connector.ts";
import { createPollLoop } from "../../../src/check/poll-loop.ts";
import { systemClock } from "../../../src/clock/index.ts";
import { checkTarget, closedPort, startServer } from "../../helpers/check-fixture.ts";

const pollLoop = createPollLoop(systemClock);
const check = createConnectCheck(systemClock, createConnector(systemClock, pollLoop));
afterAll(() => pollLoop.close());

test("a port that answers is up, with the time it took", async () => {
  await using server = await startServer(() => undefined);
  const result = await check.run(checkTarget(server.port), 2000);
  expect(result.up).toBe(true);
  expect(result.tookMs).toBeGreaterThan(0);
  expect(result.tookMs).toBeLessThan(2000);
});

test("a closed port is down, refused", async () => {
  const result = await check.run(checkTarget(await closedPort()), 2000);
  expect(result).toMatchObject({ up: false, reason: "refused", detail: "connect: ECONNREFUSED" });
});

test("createDestinationCache makes a destination once for the same target", () => {
  const destinationOf = createDestinationCache();
  const first = destinationOf(checkTarget(80));
  expect(destinationOf(checkTarget(80, { virtualPort: 9 }))).toBe(first);
  expect(destinationOf(checkTarget(81))).not.toBe(first);
  expect([...destinationOf(checkTarget(0x1234, { address: "192.0.2.7" })).sockaddr]).toEqual([
    2, 0, 0x12, 0x34, 192, 0, 2, 7, 0, 0, 0, 0, 0, 0, 0, 0,
  ]);
});
