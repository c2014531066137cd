import { describe, expect, test } from "bun:test";

import { createEngineListener } from "../../../src/daemon/engine-events.ts";
import type { Report } from "../../../src/daemon/report.ts";
import { createFakeLogger } from "./fake-logger.ts";

/** A listener with what it did. */
function setUp() {
  const { logger, lines } = createFakeLogger();
  const suspected: string[] = [];
  const reports: Report[] = [];
  const listener = createEngineListener({
    logger,
    report: (report) => void reports.push(report),
    idsAt: (service, endpoint) => [`${service} ${endpoint} 1`, `${service} ${endpoint} 2`],
    suspect: (id) => void suspected.push(id),
  });
  return { listener, lines, suspected, reports };
}

describe("createEngineListener()", () => {
  test("a failed connect makes every server there suspect", () => {
    const { listener, lines, suspected } = setUp();
    listener({ type: "connect-failed", service: "web", serverKey: "a:1", reason: "ECONNREFUSED" });
    expect(suspected).toEqual(["web a:1 1", "web a:1 2"]);
    expect(lines()).toEqual(["warning connect-failed service=web server=a:1 reason=ECONNREFUSED"]);
  });

  test("what another program changed is an event", () => {
    const { listener, reports } = setUp();
    listener({ type: "put-back", service: "web", text: "weight is 5, not 1" });
    expect(reports).toEqual([
      {
        level: "warning",
        name: "engine-put-back",
        kind: "engine",
        service: "web",
        text: "weight is 5, not 1",
      },
    ]);
  });

  test("logs connections", () => {
    const { listener, lines } = setUp();
    listener({
      type: "connection-closed",
      service: "web",
      client: "198.51.100.7:4711",
      serverKey: "192.0.2.1:80",
      cause: "idle-timeout",
      durationMs: 12.6,
      bytesIn: 3,
      bytesOut: 4,
    });
    expect(lines()).toEqual([
      "info connection service=web client=198.51.100.7:4711 server=192.0.2.1:80 cause=idle-timeout duration_ms=13 bytes_in=3 bytes_out=4",
    ]);
  });

  test("logs what the engine says", () => {
    const { listener, lines } = setUp();
    listener({ type: "log", level: "warning", text: "out of descriptors" });
    expect(lines()).toEqual(['warning engine text="out of descriptors"']);
  });
});
