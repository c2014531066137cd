import { describe, expect, test } from "bun:test";

import { createEventLog } from "../../../src/daemon/event-log.ts";
import { createReporter, reportOf } from "../../../src/daemon/report.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { createFakeLogger } from "./fake-logger.ts";

/** What one report makes of log and event. */
function tell(report: Parameters<ReturnType<typeof createReporter>>[0]) {
  const { logger, lines } = createFakeLogger();
  const events = createEventLog(createFakeClock());
  createReporter(logger, events)(report);
  return { line: lines()[0], event: events.latest(1)[0] };
}

describe("createReporter()", () => {
  test("tells what and why", () => {
    const { line, event } = tell({
      level: "warning",
      name: "server-down",
      kind: "health",
      service: "web",
      server: "192.0.2.1:80",
      text: "Real server is down",
      reason: "refused",
    });
    expect(line).toBe("warning server-down service=web server=192.0.2.1:80 reason=refused");
    expect(event).toMatchObject({
      kind: "health",
      service: "web",
      server: "192.0.2.1:80",
      text: "Real server is down: refused",
    });
  });

  test("tells who asked for it", () => {
    const { line, event } = tell({
      level: "info",
      name: "reload",
      kind: "reload",
      text: "Reloaded",
      reason: "no change",
      by: "uid 0",
    });
    expect(line).toBe('info reload by="uid 0" reason="no change"');
    expect(event).toMatchObject({
      service: null,
      server: null,
      text: "Reloaded by uid 0: no change",
    });
  });

  test("without a reason the text is it", () => {
    const { line, event } = tell({ level: "info", name: "stop", kind: "stop", text: "Stops" });
    expect(line).toBe("info stop reason=Stops");
    expect(event).toMatchObject({ text: "Stops" });
  });
});

describe("reportOf()", () => {
  test.each([
    ["server-up", "info", "health", "Real server is up"],
    ["server-down", "warning", "health", "Real server is down"],
    ["service-up", "info", "service", "Service is up"],
    ["service-down", "error", "service", "Service is down"],
    ["fallback-on", "warning", "service", "Fallback serves"],
    ["fallback-off", "info", "service", "Fallback serves no more"],
  ] as const)("%s", (name, level, kind, text) => {
    const transition = { name, service: "web", server: "s", reason: "because" };
    expect(reportOf(transition)).toEqual({ ...transition, level, kind, text });
  });

  test.each(["service-live", "service-dead"] as const)("%s is told by something else", (name) => {
    expect(reportOf({ name, service: "web", server: undefined, reason: "" })).toBeUndefined();
  });
});
