/**
 * Groups: what a new one starts from.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";

import type { CheckTarget } from "../../../src/check/check.ts";
import { createGroup, describeResult, inheritHealth } from "../../../src/check/group.ts";
import type { Group } from "../../../src/check/group.ts";
import type { Health } from "../../../src/check/monitor.ts";
import type { CheckSpec } from "../../../src/model/index.ts";
import { checkSpec, checkTarget } from "../../helpers/check-fixture.ts";

function group(spec: Partial<CheckSpec>, target: CheckTarget | undefined, health?: Health): Group {
  const made = createGroup(checkSpec(spec), target, {
    wallMs: 1000,
    createCheck: () => ({ name: "fake", run: () => Promise.reject(new Error("not run")) }),
  });
  if (health !== undefined) made.state = { ...made.state, health, failures: 7, reason: "known" };
  return made;
}

const target = checkTarget(80);

describe("createGroup", () => {
  test.each<[string, Partial<CheckSpec>, CheckTarget | undefined, Health, string]>([
    ["a checked server is unchecked", {}, target, "unchecked", "not checked yet"],
    ["type on is up", { type: "on" }, target, "up", "always up: the check is on"],
    ["type off is down", { type: "off" }, target, "down", "disabled: the check is off"],
    ["no address is down", {}, undefined, "down", "unresolved: the name has no address"],
    [
      "no address is down also with type on",
      { type: "on" },
      undefined,
      "down",
      "unresolved: the name has no address",
    ],
  ])("%s", (_name, spec, at, health, reason) => {
    const { state, check } = group(spec, at);
    expect([state.health, state.reason]).toEqual([health, reason]);
    expect(state.changedAtMs).toBe(health === "unchecked" ? undefined : 1000);
    expect(check === undefined).toBe(health !== "unchecked");
  });

  test("its phase lies within the interval and stays the same", () => {
    const { phaseMs } = group({ intervalMs: 5000 }, target);
    expect(phaseMs).toBeGreaterThanOrEqual(0);
    expect(phaseMs).toBeLessThan(5000);
    expect(group({ intervalMs: 5000 }, target).phaseMs).toBe(phaseMs);
  });
});

describe("inheritHealth", () => {
  const other = checkTarget(81);

  test.each<[string, Group[], Health]>([
    ["health when only the check has changed", [group({}, target, "up")], "up"],
    [
      "health that all its servers agree on",
      [group({}, target, "down"), group({ fall: 3 }, target, "down")],
      "down",
    ],
    [
      "nothing when they do not agree",
      [group({}, target, "up"), group({ fall: 3 }, target, "down")],
      "unchecked",
    ],
    ["nothing from another port", [group({}, other, "up")], "unchecked"],
    ["nothing from a check that was off", [group({ type: "off" }, target, "down")], "unchecked"],
    ["nothing from a name without address", [group({}, undefined, "down")], "unchecked"],
    ["what on has promised, until a check has ended", [group({ type: "on" }, target, "up")], "up"],
    ["nothing from nobody", [], "unchecked"],
  ])("takes over %s", (_name, previous, health) => {
    const made = group({ intervalMs: 3000 }, target);
    inheritHealth(made, previous);
    expect(made.state.health).toBe(health);
    expect(made.monitor).toEqual({ health, successes: 0, failures: 0 });
    expect(made.state.failures).toBe(0);
  });

  test("leaves a group alone whose state is fixed", () => {
    const made = group({ type: "off" }, target);
    inheritHealth(made, [group({}, target, "up")]);
    expect(made.state.health).toBe("down");
  });
});

test("describeResult names reason and detail", () => {
  expect(describeResult({ up: true, tookMs: 1 })).toBe("the check passed");
  expect(describeResult({ up: false, tookMs: 1, reason: "tls", detail: "expired" })).toBe(
    "tls: expired",
  );
});
