import { describe, expect, test } from "bun:test";

import { assessService } from "../../../src/daemon/assessment.ts";
import type { FactSource, ServerFacts, ServiceAssessment } from "../../../src/daemon/assessment.ts";
import type { ServerOverride } from "../../../src/daemon/overrides.ts";
import { realServer, virtualService } from "./fixture.ts";

const up = { health: "up", reason: "check ok" } as const;
const down = { health: "down", reason: "refused" } as const;
const unchecked = { health: "unchecked", reason: "" } as const;

function override(more: Partial<ServerOverride>): ServerOverride {
  return { admin: "enabled", kill: false, weight: undefined, by: "uid 0", at: "T", ...more };
}

/** Facts by configured key; every host is its own address, but names are not resolved. */
function factsOf(byKey: Readonly<Record<string, Partial<ServerFacts>>>): FactSource {
  const addressOf = (host: string) => (/^[a-z]/.test(host) ? undefined : host);
  return {
    addressOf,
    server: (_service, key, { host }) => ({
      address: addressOf(host),
      ...unchecked,
      override: undefined,
      ...byKey[key],
    }),
  };
}

const one = "192.0.2.11:80";
const two = "192.0.2.12:80";
const withFallback = virtualService({ fallback: { host: "127.0.0.1", port: 80 } });

function assess(
  byKey: Readonly<Record<string, Partial<ServerFacts>>>,
  before?: ServiceAssessment,
  service = withFallback,
): ServiceAssessment {
  return assessService(service, factsOf(byKey), before);
}

describe("assessService() judges a real server", () => {
  test.each([
    ["unchecked gets nothing", unchecked, undefined, "quiescent", 0, "not checked yet"],
    ["up gets its weight", up, undefined, "active", 1, "check ok"],
    ["down gets nothing", down, undefined, "down", 0, "refused"],
    ["draining", up, override({ admin: "draining" }), "quiescent", 0, "draining by uid 0 since T"],
    [
      "draining and down",
      down,
      override({ admin: "draining" }),
      "down",
      0,
      "draining by uid 0 since T",
    ],
    [
      "disabled",
      unchecked,
      override({ admin: "disabled" }),
      "quiescent",
      0,
      "disabled by uid 0 since T",
    ],
    [
      "disabled, kill",
      up,
      override({ admin: "disabled", kill: true }),
      "reset",
      0,
      "disabled by uid 0 since T",
    ],
    ["another weight", up, override({ weight: 9 }), "active", 9, "check ok"],
    ["weight 0 by command", up, override({ weight: 0 }), "active", 0, "weight 0 by uid 0"],
    ["weight while down", down, override({ weight: 9 }), "down", 0, "refused"],
  ] as const)("%s", (_name, health, said, state, effectiveWeight, reason) => {
    const { servers } = assess({ [one]: { ...health, override: said } });
    expect(servers[0]).toMatchObject({
      key: one,
      state,
      effectiveWeight,
      reason,
      healthReason: health.reason,
    });
  });

  test("weight 0 by the configuration", () => {
    const service = virtualService({ realServers: [realServer("192.0.2.11", 80, { weight: 0 })] });
    const { servers } = assess({ [one]: up }, undefined, service);
    expect(servers[0]).toMatchObject({
      effectiveWeight: 0,
      reason: "weight 0 by the configuration",
    });
  });

  test("a name that is not resolved is down though its check says up", () => {
    const service = virtualService({ realServers: [realServer("web1", 80)] });
    const { servers } = assess({ "web1:80": up }, undefined, service);
    expect(servers[0]).toMatchObject({ health: "down", reason: "its name is not resolved" });
  });
});

describe("assessService() judges a service", () => {
  // Facts of both servers; state, fallback, settled, reason.
  test.each([
    ["nothing checked", {}, "down", false, false, "first checks have not ended"],
    ["one up, one unchecked", { [one]: up }, "up", false, false, ""],
    [
      "one down, one unchecked",
      { [one]: down },
      "down",
      false,
      false,
      "first checks have not ended",
    ],
    ["both up", { [one]: up, [two]: up }, "up", false, true, ""],
    ["both down", { [one]: down, [two]: down }, "fallback", true, true, "no real server is up"],
    [
      "one down, one drained",
      { [one]: down, [two]: { ...up, override: override({ admin: "draining" }) } },
      "fallback",
      true,
      true,
      "no real server is up",
    ],
    [
      "one down, one up with weight 0",
      { [one]: down, [two]: { ...up, override: override({ weight: 0 }) } },
      "fallback",
      true,
      true,
      "no real server is up",
    ],
    [
      "one down, one disabled and so never checked",
      { [one]: down, [two]: { override: override({ admin: "disabled" }) } },
      "fallback",
      true,
      true,
      "no real server is up",
    ],
  ] as const)("%s", (_name, facts, state, isActive, isSettled, reason) => {
    const assessment = assess(facts);
    expect(assessment).toMatchObject({ state, isSettled, reason });
    expect(assessment.fallback?.isActive).toBe(isActive);
  });

  test("stays settled when a new server is unchecked, so that the fallback serves on", () => {
    const before = assess({ [one]: down, [two]: down });
    expect(assess({ [one]: down }, before)).toMatchObject({
      isSettled: true,
      state: "fallback",
      fallback: { isActive: true },
    });
  });

  test("the fallback goes when a real server is back", () => {
    const before = assess({ [one]: down, [two]: down });
    expect(assess({ [one]: up, [two]: down }, before).fallback?.isActive).toBe(false);
  });

  test("without a fallback it is down", () => {
    expect(assess({ [one]: down, [two]: down }, undefined, virtualService())).toMatchObject({
      state: "down",
      fallback: undefined,
    });
  });

  test("a fallback whose name is not resolved does not serve", () => {
    const service = virtualService({ fallback: { host: "sorry", port: 80 } });
    expect(assess({ [one]: down, [two]: down }, undefined, service)).toMatchObject({
      state: "down",
      fallback: { key: "sorry:80", isActive: false },
    });
  });

  test("below its quorum it is down, though what lives serves, and without the fallback", () => {
    const service = { ...withFallback, quorum: 3 };
    expect(assess({ [one]: down, [two]: up }, undefined, service)).toMatchObject({
      state: "down",
      liveWeight: 2,
      reason: "live weight 2 is below the quorum of 3",
      fallback: { isActive: false },
    });
    expect(assess({ [one]: up, [two]: up }, undefined, service).state).toBe("up");
  });

  test("without real servers the fallback serves", () => {
    const service = { ...withFallback, realServers: [] };
    expect(assess({}, undefined, service)).toMatchObject({ state: "fallback", isSettled: true });
  });
});
