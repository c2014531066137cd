/**
 * Handshakes of checks against real sockets of loopback.
 *
 * @module
 */
import { afterEach, describe, expect, test } from "bun:test";

import { libc } from "../../../ffi/libc.ts";
import { createConnector, prepareDestination, timedOut } from "../../../src/check/connector.ts";
import { createPollLoop } from "../../../src/check/poll-loop.ts";
import { systemClock } from "../../../src/clock/index.ts";
import {
  closedPort,
  openDescriptors,
  startFullServer,
  startServer,
} from "../../helpers/check-fixture.ts";
import { waitFor } from "../../helpers/wait.ts";

const pollLoop = createPollLoop(systemClock);
const connector = createConnector(systemClock, pollLoop);
const within = (limitMs: number) => ({ atMs: systemClock.nowMs() + limitMs, limitMs });

afterEach(() => {
  pollLoop.close();
});

describe.each([["127.0.0.1"], ["::1"]])("touch on %s", (address) => {
  test("succeeds where somebody listens, and the program sees no connection", async () => {
    await using server = await startServer((socket) => void socket.end("hello"), address);
    const destination = prepareDestination(address, server.port);
    const before = openDescriptors();
    for (let round = 0; round < 20; round++) {
      expect(await connector.touch(destination, within(2000))).toBeUndefined();
    }
    expect(openDescriptors()).toBeLessThanOrEqual(before + 1);
    // The queue is in order: once this one is accepted, an earlier one would have been.
    const dialled = await connector.dial(destination, within(2000));
    await waitFor(() => server.accepted() > 0, { what: "the dialled connection" });
    expect(server.accepted()).toBe(1);
    if (dialled.ok) libc.close(dialled.fd);
  });

  test("is refused where nobody listens", async () => {
    const port = await closedPort();
    expect(await connector.touch(prepareDestination(address, port), within(2000))).toEqual({
      reason: "refused",
      detail: "connect: ECONNREFUSED",
    });
  });
});

describe("touch", () => {
  test("gives up at the deadline and closes", async () => {
    await using server = await startFullServer();
    const destination = prepareDestination("127.0.0.1", server.port);
    const before = openDescriptors();
    const startedAtMs = performance.now();
    expect(await connector.touch(destination, within(120))).toEqual({
      reason: "timeout",
      detail: "no connection within 120 ms",
    });
    expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(119);
    expect(openDescriptors()).toBeLessThanOrEqual(before + 1);
  });

  test("says unreachable where TCP cannot go", async () => {
    const failure = await connector.touch(prepareDestination("224.0.0.1", 80), within(2000));
    expect(failure).toEqual({ reason: "unreachable", detail: "connect: ENETUNREACH" });
  });

  test("makes a thousand handshakes at once", async () => {
    await using server = await startServer(() => undefined);
    const { port } = server;
    const touches = Array.from({ length: 1000 }, (_, index) =>
      connector.touch(prepareDestination(`127.0.${index >> 8}.${index & 255}`, port), within(5000)),
    );
    const failures = (await Promise.all(touches)).filter((failure) => failure !== undefined);
    // The server listens on 127.0.0.1 only: that one answers.
    expect(failures).toHaveLength(999);
    expect(new Set(failures.map(({ reason }) => reason))).toEqual(new Set(["refused"]));
  });
});

describe("dial", () => {
  test("hands over a connected descriptor", async () => {
    await using server = await startServer((socket) => void socket.end("hello"));
    const dialled = await connector.dial(
      prepareDestination("127.0.0.1", server.port),
      within(2000),
    );
    expect(dialled.ok).toBe(true);
    await waitFor(() => server.accepted() === 1, { what: "the connection" });
    if (dialled.ok) expect(libc.close(dialled.fd)).toBe(0);
  });

  test("tells why there is none", async () => {
    const port = await closedPort();
    const dialled = await connector.dial(prepareDestination("127.0.0.1", port), within(2000));
    expect(dialled).toEqual({
      ok: false,
      failure: { reason: "refused", detail: "connect: ECONNREFUSED" },
    });
  });
});

test("timedOut names what did not come and the limit", () => {
  expect(timedOut("no reply", { atMs: 77, limitMs: 1500 })).toEqual({
    reason: "timeout",
    detail: "no reply within 1500 ms",
  });
});
