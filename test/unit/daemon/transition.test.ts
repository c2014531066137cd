import { describe, expect, test } from "bun:test";

import { assessService } from "../../../src/daemon/assessment.ts";
import type { Health, ServiceAssessment } from "../../../src/daemon/assessment.ts";
import { transitions } from "../../../src/daemon/transition.ts";
import { realServer, virtualService } from "./fixture.ts";

const service = virtualService({
  quorum: 2,
  fallback: { host: "127.0.0.1", port: 80 },
  realServers: [realServer("192.0.2.11", 80), realServer("192.0.2.12", 80)],
});

/** Judgement of a service whose servers have this health. */
function assess(one: Health, two: Health, before?: ServiceAssessment): ServiceAssessment {
  const health: Readonly<Record<string, Health>> = { "192.0.2.11": one, "192.0.2.12": two };
  const source = {
    addressOf: (host: string) => host,
    server: (_service: unknown, _key: string, { host }: { host: string }) => ({
      address: host,
      health: health[host]!,
      reason: "because",
      override: undefined,
    }),
  };
  return assessService(service, source, before);
}

describe("transitions()", () => {
  // Health of both servers before and after; the changes in their order.
  test.each([
    ["start", undefined, ["unchecked", "unchecked"], []],
    [
      "first check of one",
      ["unchecked", "unchecked"],
      ["up", "unchecked"],
      ["server-up", "service-live"],
    ],
    ["quorum reached", ["up", "unchecked"], ["up", "up"], ["server-up", "service-up"]],
    [
      "both up at once",
      ["unchecked", "unchecked"],
      ["up", "up"],
      ["server-up", "server-up", "service-live", "service-up"],
    ],
    [
      "quorum missed at start",
      ["up", "unchecked"],
      ["up", "down"],
      ["server-down", "service-down"],
    ],
    [
      "all down at start",
      ["down", "unchecked"],
      ["down", "down"],
      ["server-down", "service-dead", "service-down", "fallback-on"],
    ],
    ["quorum lost", ["up", "up"], ["up", "down"], ["server-down", "service-down"]],
    [
      "last one lost",
      ["up", "down"],
      ["down", "down"],
      ["server-down", "service-dead", "fallback-on"],
    ],
    [
      "first one back",
      ["down", "down"],
      ["up", "down"],
      ["server-up", "service-live", "fallback-off"],
    ],
    ["nothing", ["up", "down"], ["up", "down"], []],
  ] as const)("%s", (_name, before, after, expected) => {
    const old = before === undefined ? undefined : assess(before[0], before[1]);
    const now = assess(after[0], after[1], old);
    expect(transitions(old, now).map(({ name }) => name)).toEqual([...expected]);
  });

  test("tells which server and why", () => {
    const old = assess("up", "up");
    expect(transitions(old, assess("up", "down", old))).toEqual([
      { name: "server-down", service: "web", server: "192.0.2.12:80", reason: "because" },
      {
        name: "service-down",
        service: "web",
        server: undefined,
        reason: "live weight 1 is below the quorum of 2",
      },
    ]);
  });

  test("a server that is checked anew is not told until its check ends", () => {
    const old = assess("up", "up");
    expect(transitions(old, assess("up", "unchecked", old)).map(({ name }) => name)).toEqual([
      "service-down",
    ]);
  });

  test("a service that is new and up at once tells it", () => {
    expect(transitions(undefined, assess("up", "up")).map(({ name }) => name)).toEqual([
      "server-up",
      "server-up",
      "service-live",
      "service-up",
    ]);
  });
});
