import { describe, expect, test } from "bun:test";

import { assessService } from "../../../../src/daemon/assessment.ts";
import type { Health, ServiceAssessment } from "../../../../src/daemon/assessment.ts";
import {
  eventPhrases,
  failurePhrase,
  judgementPhrases,
  placePhrase,
  purgePhrases,
  virtualOf,
} from "../../../../src/daemon/ldirectord/phrase.ts";
import type { VirtualService } from "../../../../src/model/index.ts";
import { connectCheck, realServer, virtualService } from "../fixture.ts";

const [one, two] = ["192.0.2.11", "192.0.2.12"];

/** A service as an ldirectord.cf makes it; `weights` are those of its two real servers. */
function service(more: Partial<VirtualService> = {}, weights = [5, 1]): VirtualService {
  return virtualService({
    name: "tcp:192.0.2.100:80",
    quiescent: true,
    fallback: { host: "127.0.0.1", port: 80 },
    realServers: [
      realServer(one, 80, { weight: weights[0]! }),
      realServer(two, 80, { weight: weights[1]! }),
    ],
    ...more,
  });
}

/** Judgement of a service; `health` by the order of its real servers. */
function assess(
  from: VirtualService,
  health: readonly Health[],
  before?: ServiceAssessment,
): ServiceAssessment {
  const source = {
    addressOf: (host: string) => host,
    server: (_: unknown, key: string) => ({
      address: key.replace(":80", ""),
      health: health[from.realServers.findIndex(({ host }) => key === `${host}:80`)]!,
      reason: "because",
      override: undefined,
    }),
  };
  return assessService(from, source, before);
}

type Pair = readonly [Health, Health];
const added = "Added real server: 192.0.2.11:80 (192.0.2.100:80) (Weight set to 5)";
const addedTwo = "Added real server: 192.0.2.12:80 (192.0.2.100:80) (Weight set to 1)";
const quiet = "Quiescent real server: 192.0.2.11:80 (192.0.2.100:80) (Weight set to 0)";
const quietTwo = "Quiescent real server: 192.0.2.12:80 (192.0.2.100:80) (Weight set to 0)";
const restored = "Restored real server: 192.0.2.11:80 (192.0.2.100:80) (Weight set to 5)";
const deleted = "Deleted real server: 192.0.2.11:80 (192.0.2.100:80)";
const fallbackOn = "Added fallback server: 127.0.0.1:80 (192.0.2.100:80) (Weight set to 1)";
const fallbackOff = "Deleted fallback server: 127.0.0.1:80 (192.0.2.100:80)";

describe("judgementPhrases()", () => {
  const fresh: Pair = ["unchecked", "unchecked"];
  test.each<[string, boolean, Pair, Pair, readonly string[]]>([
    ["nothing new", true, ["up", "up"], ["up", "up"], []],
    ["first checks", true, fresh, ["up", "up"], [added, addedTwo]],
    ["a first check fails", true, fresh, ["down", "up"], [quiet, addedTwo]],
    ["a first check fails, not quiescent", false, fresh, ["down", "up"], [deleted, addedTwo]],
    ["one goes down", true, ["up", "up"], ["down", "up"], [quiet]],
    ["one goes down, not quiescent", false, ["up", "up"], ["down", "up"], [deleted]],
    ["one comes back", true, ["down", "up"], ["up", "up"], [restored]],
    ["one comes back, not quiescent", false, ["down", "up"], ["up", "up"], [added]],
    ["the last goes down", true, ["up", "down"], ["down", "down"], [quiet, fallbackOn]],
    ["the first comes back", true, ["down", "down"], ["up", "down"], [restored, fallbackOff]],
    ["all fail at first", true, fresh, ["down", "down"], [quiet, quietTwo, fallbackOn]],
    ["one stays down", true, ["down", "up"], ["down", "up"], []],
  ])("%s", (_name, quiescent, was, now, expected) => {
    const from = service({ quiescent });
    const before = assess(from, was);
    expect(judgementPhrases(before, assess(from, now, before))).toEqual(expected);
  });

  test("a new service, and one whose own settings are others", () => {
    const first = assess(service(), ["up", "unchecked"]);
    expect(judgementPhrases(undefined, first)).toEqual([
      "Added virtual server: 192.0.2.100:80",
      added,
    ]);
    const changed = assess(service({ scheduler: "rr" }), ["up", "unchecked"], first);
    expect(judgementPhrases(first, changed)).toEqual(["Changed virtual server: 192.0.2.100:80"]);
  });

  test("another weight, and a real server that a new configuration does not have", () => {
    const first = assess(service(), ["up", "up"]);
    const heavier = assess(service({}, [7, 1]), ["up", "up"], first);
    expect(judgementPhrases(first, heavier)).toEqual([
      "Restored real server: 192.0.2.11:80 (192.0.2.100:80) (Weight set to 7)",
    ]);
    const less = assess(service({ realServers: [realServer(one, 80, { weight: 5 })] }), ["up"]);
    expect(judgementPhrases(first, less)).toEqual([
      "Purged real server (start): 192.0.2.12:80 (192.0.2.100:80)",
    ]);
  });
});

describe("purgePhrases()", () => {
  test("tells of the servers that had traffic, then of the service", () => {
    const mark = assess(service({ name: "fwm:7" }), ["up", "down"]);
    expect(purgePhrases(mark, "stop")).toEqual([
      "Purged real server (stop): 192.0.2.11:80 (7)",
      "Purged virtual server (stop): 7",
    ]);
  });
});

describe("failurePhrase()", () => {
  const from = service({
    realServers: [realServer(one, 80, { check: { ...connectCheck, fall: 3 } })],
  });
  const [server] = assess(from, ["up"]).servers;
  test.each([
    [0, 1, "Soft failure real server: 192.0.2.11:80 (tcp:192.0.2.100:80) failure 1/3"],
    [1, 2, "Soft failure real server: 192.0.2.11:80 (tcp:192.0.2.100:80) failure 2/3"],
    [2, 3, undefined],
    [1, 1, undefined],
    [2, 0, "Resetting soft failure count: 192.0.2.11:80 (tcp:192.0.2.100:80)"],
    [0, 0, undefined],
  ])("%d failures, then %d", (before, after, expected) => {
    expect(failurePhrase(from.name, server!, { before, after })).toBe(expected);
  });

  test("says nothing where the first failure counts", () => {
    const check = { ...connectCheck, fall: 1 };
    const [strict] = assess(service({ realServers: [realServer(one, 80, { check })] }), [
      "up",
    ]).servers;
    expect(failurePhrase("a", strict!, { before: 0, after: 1 })).toBeUndefined();
    expect(failurePhrase("a", strict!, { before: 1, after: 0 })).toBeUndefined();
  });
});

test.each([
  ["tcp:192.0.2.1:80", "192.0.2.1:80"],
  ["udp:[2001:db8::1]:53", "[2001:db8::1]:53"],
  ["fwm:12", "12"],
  ["web", "web"],
])("virtualOf(%j)", (name, expected) => {
  expect(virtualOf(name)).toBe(expected);
});

test.each([
  ["Error", 3, "Error [9] reading file a.cf at line 3: bad"],
  ["Warning", 0, "Warning [9] reading file a.cf: bad"],
] as const)("placePhrase(%s at line %d)", (kind, line, expected) => {
  expect(placePhrase(kind, { file: "a.cf", line, text: "bad", pid: 9 })).toBe(expected);
});

describe("eventPhrases()", () => {
  test.each<[string, Parameters<typeof eventPhrases>[0], readonly string[]]>([
    ["phrases say it", { level: "warning", event: "server-down" }, []],
    ["not important", { level: "debug", event: "hook" }, []],
    ["a reload that went well", { level: "info", event: "reload" }, []],
    [
      "any other event",
      { level: "error", event: "listener-failed", fields: { service: "web", reason: "in use" } },
      ['listener-failed service=web reason="in use"'],
    ],
    [
      "a file with faults",
      {
        level: "error",
        event: "reload",
        fields: { reason: "Cannot use:\n  /a b.cf:3: x: bad\n  c.cf: none\n  and 2 more" },
      },
      [
        "Error [9] reading file /a b.cf at line 3: x: bad",
        "Error [9]: c.cf: none",
        "Error [9]: and 2 more",
      ],
    ],
    [
      "a file that is missing",
      { level: "error", event: "reload", fields: { reason: "it does not exist" } },
      ["Error [9]: it does not exist"],
    ],
  ])("%s", (_name, event, expected) => {
    expect(eventPhrases(event, 9)).toEqual(expected);
  });
});
