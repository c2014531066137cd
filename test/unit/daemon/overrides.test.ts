import { describe, expect, test } from "bun:test";

import * as fc from "fast-check";

import { formatOverrides, parseOverrides, withOverride } from "../../../src/daemon/overrides.ts";
import type { OverrideAction, Overrides, ServerOverride } from "../../../src/daemon/overrides.ts";
import { serverId } from "../../../src/daemon/server-id.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 200);

const subject = { service: "web", server: "192.0.2.11:80" };
const id = serverId(subject);

/** Overrides after these requests; the server's configured weight is 1. */
function after(...requests: readonly OverrideAction[]): Overrides {
  let overrides: Overrides = new Map();
  for (const request of requests) {
    const change = { subject, request, configuredWeight: 1, by: "uid 0", at: "T" };
    overrides = withOverride(overrides, change);
  }
  return overrides;
}

describe("withOverride()", () => {
  test.each([
    ["drain", [{ action: "drain" }], { admin: "draining", kill: false, weight: undefined }],
    ["disable", [{ action: "disable", kill: false }], { admin: "disabled", kill: false }],
    ["disable with kill", [{ action: "disable", kill: true }], { admin: "disabled", kill: true }],
    ["weight", [{ action: "weight", weight: 7 }], { admin: "enabled", weight: 7 }],
    ["weight 0", [{ action: "weight", weight: 0 }], { admin: "enabled", weight: 0 }],
    [
      "drain keeps the weight",
      [{ action: "weight", weight: 7 }, { action: "drain" }],
      { admin: "draining", weight: 7 },
    ],
    [
      "enable keeps the weight",
      [{ action: "drain" }, { action: "weight", weight: 7 }, { action: "enable" }],
      { admin: "enabled", weight: 7 },
    ],
    [
      "drain after disable with kill",
      [{ action: "disable", kill: true }, { action: "drain" }],
      { admin: "draining", kill: false },
    ],
  ] as const)("%s", (_name, requests, expected) => {
    expect(after(...requests).get(id)).toMatchObject({ ...expected, by: "uid 0", at: "T" });
  });

  test.each([
    ["enable", [{ action: "drain" }, { action: "enable" }]],
    [
      "the configured weight",
      [
        { action: "weight", weight: 7 },
        { action: "weight", weight: 1 },
      ],
    ],
  ] as const)("%s leaves nothing behind", (_name, requests) => {
    expect(after(...requests).size).toBe(0);
  });

  test("does not touch what it was given", () => {
    const before = after({ action: "drain" });
    withOverride(before, {
      subject,
      request: { action: "enable" },
      configuredWeight: 1,
      by: "",
      at: "",
    });
    expect(before.get(id)?.admin).toBe("draining");
  });
});

describe("parseOverrides()", () => {
  test("reads what formatOverrides() wrote", () => {
    const overrides = after({ action: "weight", weight: 7 }, { action: "drain" });
    expect(formatOverrides(overrides)).toBe(
      '{ "version": 1, "overrides": [\n' +
        '{"service":"web","server":"192.0.2.11:80","admin":"draining","kill":false,"weight":7,"by":"uid 0","at":"T"}\n' +
        "] }\n",
    );
    expect(parseOverrides(formatOverrides(overrides))).toEqual({
      ok: true,
      overrides,
      revision: 0,
    });
  });

  test.each([
    ["nothing", "", "it is not JSON"],
    ["half a file", '{ "version": 1, "overr', "it is not JSON"],
    ["a number", "1", "no object"],
    ["null", "null", "no object"],
    ["another version", '{"version":2,"overrides":[]}', "it is not of version 1"],
    ["no list", '{"version":1,"overrides":{}}', "it has no list of overrides"],
    ["an entry that is none", '{"version":1,"overrides":[null]}', "entry 1 is damaged"],
    [
      "a weight too large",
      '{"version":1,"overrides":[{"service":"a","server":"b:1","admin":"enabled","weight":65536}]}',
      "entry 1 is damaged",
    ],
    [
      "an unknown state",
      '{"version":1,"overrides":[{"service":"a","server":"b:1","admin":"gone"}]}',
      "entry 1 is damaged",
    ],
  ])("refuses %s", (_name, text, reason) => {
    expect(parseOverrides(text)).toEqual({ ok: false, reason });
  });

  test("never throws", () => {
    const property = fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      parseOverrides(text);
    });
    fc.assert(property, { seed, numRuns });
  });

  test("reads back whatever was written", () => {
    const override = fc.record<ServerOverride>({
      admin: fc.constantFrom("enabled", "draining", "disabled"),
      kill: fc.boolean(),
      weight: fc.option(fc.integer({ min: 0, max: 65_535 }), { nil: undefined }),
      by: fc.string(),
      at: fc.string(),
    });
    const entry = fc.tuple(fc.string(), fc.nat(65_535), override);
    const property = fc.property(fc.array(entry), (entries) => {
      const overrides = new Map(
        entries.map(([service, port, value]) => [
          serverId({ service, server: `h:${port}` }),
          value,
        ]),
      );
      expect(parseOverrides(formatOverrides(overrides))).toEqual({
        ok: true,
        overrides,
        revision: 0,
      });
    });
    fc.assert(property, { seed, numRuns });
  });
});
