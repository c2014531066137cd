import { describe, expect, test } from "bun:test";

import { createEventLog } from "../../../src/daemon/event-log.ts";
import type { StatusEvent } from "../../../src/status/source.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";

describe("createEventLog()", () => {
  test("numbers events, with their time", () => {
    const clock = createFakeClock(1000);
    const log = createEventLog(clock);
    log.add({ kind: "start", text: "Started" });
    clock.advance(500);
    log.add({ kind: "health", service: "web", server: "192.0.2.1:80", text: "down" });
    expect(log.latest(10)).toEqual([
      {
        id: 2,
        at: "1970-01-01T00:00:01.500Z",
        kind: "health",
        service: "web",
        server: "192.0.2.1:80",
        text: "down",
      },
      {
        id: 1,
        at: "1970-01-01T00:00:01.000Z",
        kind: "start",
        service: null,
        server: null,
        text: "Started",
      },
    ]);
  });

  test("keeps the last thousand", () => {
    const log = createEventLog(createFakeClock());
    for (let index = 0; index < 1100; index++) log.add({ kind: "health", text: "" });
    const events = log.latest(5000);
    expect(events).toHaveLength(1000);
    expect(events[0]!.id).toBe(1100);
    expect(events.at(-1)!.id).toBe(101);
    expect(log.latest(2).map(({ id }) => id)).toEqual([1100, 1099]);
  });

  test("tells subscribers until they end it", () => {
    const log = createEventLog(createFakeClock());
    const seen: StatusEvent[] = [];
    const end = log.subscribe((event) => seen.push(event));
    log.add({ kind: "reload", text: "one" });
    end();
    log.add({ kind: "reload", text: "two" });
    expect(seen.map(({ text }) => text)).toEqual(["one"]);
  });
});
