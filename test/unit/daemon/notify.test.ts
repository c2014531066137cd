import { describe, expect, test } from "bun:test";

import { createNotifier, watchdogIntervalMs } from "../../../src/daemon/notify.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";

/** A notifier that keeps its messages. */
function setUp(environment: Readonly<Record<string, string>> = {}) {
  const clock = createFakeClock();
  const sent: string[] = [];
  const notifier = createNotifier({ environment, clock, send: (text) => void sent.push(text) });
  return { clock, sent, notifier };
}

describe("createNotifier()", () => {
  test("tells state as sd_notify(3) has it", () => {
    const { sent, notifier } = setUp();
    notifier.ready("2 virtual services\non port 80");
    notifier.reloading();
    notifier.stopping();
    expect(sent[0]).toBe("READY=1\nSTATUS=2 virtual services on port 80");
    expect(sent[1]).toMatch(/^RELOADING=1\nMONOTONIC_USEC=\d+$/);
    expect(sent[2]).toBe("STOPPING=1");
  });

  test("keeps the watchdog alive at half its interval, while all is well", () => {
    const { clock, sent, notifier } = setUp({ WATCHDOG_USEC: "10000000" });
    let isAlive = true;
    notifier.watch(() => isAlive);
    clock.advance(10_000);
    expect(sent).toEqual(["WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"]);
    isAlive = false;
    clock.advance(10_000);
    expect(sent).toHaveLength(3);
    notifier.close();
    expect(clock.pendingCount()).toBe(0);
  });

  test("without a watchdog nothing beats", () => {
    const { clock, sent, notifier } = setUp();
    notifier.watch(() => true);
    expect(sent).toEqual([]);
    expect(clock.pendingCount()).toBe(0);
  });

  test.each([undefined, "", "/nonexistent/notify", "@no-such-socket", `/${"x".repeat(200)}`])(
    "without a socket that listens (%p) nothing happens",
    (path) => {
      const environment = path === undefined ? {} : { NOTIFY_SOCKET: path };
      createNotifier({ environment, clock: createFakeClock() }).ready("well");
    },
  );
});

test.each([
  [{}, undefined],
  [{ WATCHDOG_USEC: "30000000" }, 30_000],
  [{ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "42" }, 30_000],
  [{ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "43" }, undefined],
  [{ WATCHDOG_USEC: "0" }, undefined],
  [{ WATCHDOG_USEC: "soon" }, undefined],
])("watchdogIntervalMs() of %j is %p", (environment, expected) => {
  expect(watchdogIntervalMs(environment, 42)).toBe(expected);
});
