import { describe, expect, test } from "bun:test";

import type { ServiceAssessment } from "../../../src/daemon/assessment.ts";
import { createFallbackCommands, fallbackCommandOf } from "../../../src/daemon/fallback-command.ts";
import { virtualService } from "./fixture.ts";

const service = virtualService({ fallbackCommand: ["/bin/fallback", "eth0"] });

function judged(liveWeight: number, more: Partial<ServiceAssessment> = {}): ServiceAssessment {
  return {
    service,
    servers: [],
    liveWeight,
    isSettled: true,
    state: liveWeight > 0 ? "up" : "down",
    reason: liveWeight > 0 ? "" : "no real server is up",
    fallback: undefined,
    ...more,
  };
}

function setUp() {
  const told: string[] = [];
  const commands = createFallbackCommands({
    enqueue: ({ command, user, service: name, environment }) =>
      void told.push(
        `${name} as ${user}: ${command.join(" ")} (${environment["APPLIANCE_REASON"]})`,
      ),
    user: () => "nobody",
  });
  return { told, commands };
}

const start = "web as nobody: /bin/fallback eth0 start 192.0.2.100:80 tcp (no real server is up)";
const stop = "web as nobody: /bin/fallback eth0 stop 192.0.2.100:80 tcp";

describe("createFallbackCommands()", () => {
  test("tells each change once, in order, and the end", () => {
    const { told, commands } = setUp();
    commands.follow([judged(0, { isSettled: false })]);
    expect(told).toEqual([]);
    for (const weight of [1, 2, 0, 0, 1, 0]) commands.follow([judged(weight)]);
    const served = `${stop} (a real server serves)`;
    expect(told.splice(0)).toEqual([served, start, served, start]);
    commands.stop();
    expect(told.splice(0)).toEqual([`${stop} (the director stops)`]);
    commands.stop();
    expect(told).toEqual([]);
  });

  test("a stop is not told to who was not told of a start", () => {
    const { told, commands } = setUp();
    commands.follow([judged(1)]);
    told.splice(0);
    commands.stop();
    expect(told).toEqual([]);
  });

  test("a service that goes, or loses its command, is told to stop", () => {
    const { told, commands } = setUp();
    commands.follow([judged(0)]);
    commands.follow([]);
    expect(told.splice(0)).toEqual([start, `${stop} (the service is gone)`]);
    commands.follow([judged(0)]);
    commands.follow([judged(0, { service: virtualService() })]);
    expect(told.splice(0)).toEqual([start, `${stop} (the configuration has changed)`]);
    commands.follow([judged(1, { service: virtualService() })]);
    expect(told).toEqual([]);
  });

  test("another command takes over what the first was told", () => {
    const { told, commands } = setUp();
    commands.follow([judged(0)]);
    const other = virtualService({ fallbackCommand: ["/bin/other"] });
    commands.follow([judged(0, { service: other })]);
    expect(told.slice(1)).toEqual([
      `${stop} (the configuration has changed)`,
      "web as nobody: /bin/other start 192.0.2.100:80 tcp (no real server is up)",
    ]);
  });
});

test("fallbackCommandOf() puts IPv6 in brackets", () => {
  const listen = [{ address: "2001:db8::1", portFirst: 53, portLast: 60 }];
  const dns = virtualService({ fallbackCommand: ["/bin/x"], protocol: "udp", listen });
  expect(fallbackCommandOf(dns, "start")).toEqual(["/bin/x", "start", "[2001:db8::1]:53", "udp"]);
});
