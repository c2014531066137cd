/**
 * Pings of loopback. Without privileges the kernel refuses, and that is what is tested then.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";

import { createPinger } from "../../../src/check/pinger.ts";
import { createPollLoop } from "../../../src/check/poll-loop.ts";
import { systemClock } from "../../../src/clock/index.ts";
import { openDescriptors } from "../../helpers/check-fixture.ts";
import { requireRoot } from "../../helpers/require-peer.ts";

const root = requireRoot();
const within = (limitMs: number) => ({ atMs: systemClock.nowMs() + limitMs, limitMs });

describe.skipIf(root.skip)("ping", () => {
  test.each(["127.0.0.1", "127.1.2.3", "::1"])("hears the reply of %s", async (address) => {
    const pollLoop = createPollLoop(systemClock);
    const pinger = createPinger(systemClock, pollLoop);
    const before = openDescriptors();
    expect(await pinger.ping(address, within(2000))).toBeUndefined();
    // The epoll descriptor stays for the next ping, the socket does not.
    expect(openDescriptors()).toBeLessThanOrEqual(before + 1);
    pollLoop.close();
  });

  test("tells hundreds of replies apart, on one socket a family", async () => {
    const pollLoop = createPollLoop(systemClock);
    const pinger = createPinger(systemClock, pollLoop);
    const before = openDescriptors();
    const pings = Array.from({ length: 300 }, (_, index) =>
      pinger.ping(index % 3 === 0 ? "::1" : `127.0.0.${1 + (index % 200)}`, within(5000)),
    );
    expect(openDescriptors()).toBeLessThanOrEqual(before + 3);
    expect((await Promise.all(pings)).filter((failure) => failure !== undefined)).toEqual([]);
    pollLoop.close();
  });

  test("fails at once where no route leads", async () => {
    const pollLoop = createPollLoop(systemClock);
    const pinger = createPinger(systemClock, pollLoop);
    const before = openDescriptors();
    // A broadcast address needs SO_BROADCAST, which no ping has.
    const failure = await pinger.ping("255.255.255.255", within(2000));
    expect(["not-permitted", "unreachable"]).toContain(failure!.reason);
    pollLoop.close();
    expect(openDescriptors()).toBeLessThanOrEqual(before);
  });
});
