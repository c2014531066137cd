import { describe, expect, test } from "bun:test";

import { describeFailover, requireSameFailover } from "../../../src/failover/handed.ts";
import type { FailoverFacts } from "../../../src/failover/handed.ts";
import type { InstancePlan } from "../../../src/failover/plan.ts";

const plan = {
  name: "web",
  slot: 3,
  vrid: 51,
  priority: 150,
  keys: [{ id: 1, secret: "a secret" }],
} as unknown as InstancePlan;
const facts: FailoverFacts = {
  plans: [plan, { ...plan, name: "mail", slot: 0, keys: undefined }],
  peer: { address: "192.0.2.3", port: 9781, keys: [{ id: "", secret: "another" }], digest: "00" },
  fencePins: "/sys/fs/bpf/appliance/fence-2",
};

describe("requireSameFailover()", () => {
  test("tells no secret", () => {
    const text = JSON.stringify(describeFailover(facts));
    expect(text).not.toContain("secret");
    expect(text).not.toContain("another");
  });

  test("takes the same, other keys of it, and more of what is unknown", () => {
    const handed = describeFailover(facts);
    const keys = [{ id: 2, secret: "a new secret" }];
    const plans = facts.plans.map((one) => ({ ...one, keys: one.keys && keys, isNew: true }));
    expect(() => requireSameFailover(handed, facts)).not.toThrow();
    expect(() => requireSameFailover(handed, { ...facts, plans })).not.toThrow();
    const order = facts.plans.toReversed();
    expect(() => requireSameFailover(handed, { ...facts, plans: order })).not.toThrow();
  });

  test.each([
    ["another priority", { plans: [{ ...plan, priority: 140 }, facts.plans[1]!] }],
    ["keys where there were none", { plans: [plan, { ...facts.plans[1]!, keys: plan.keys }] }],
    ["one less", { plans: [plan] }],
    ["one more", { plans: [...facts.plans, { ...plan, name: "more", slot: 7 }] }],
    ["another name", { plans: [plan, { ...plan, name: "other", slot: 0, keys: undefined }] }],
    ["another slot", { plans: [{ ...plan, slot: 4 }, facts.plans[1]!] }],
    ["no peer", { peer: undefined }],
    ["another peer", { peer: { ...facts.peer!, address: "192.0.2.4" } }],
    ["another fence", { fencePins: "/sys/fs/bpf/appliance/fence-3" }],
    ["no fence", { fencePins: undefined }],
  ] satisfies [string, Partial<FailoverFacts>][])("refuses %s", (_what, changes) => {
    const handed = describeFailover(facts);
    expect(() => requireSameFailover(handed, { ...facts, ...changes })).toThrow(
      expect.objectContaining({ code: "UPGRADE_REFUSED" }),
    );
  });

  test("a director without a peer takes one without", () => {
    const without = { ...facts, peer: undefined };
    expect(() => requireSameFailover(describeFailover(without), without)).not.toThrow();
    expect(() => requireSameFailover(describeFailover(without), facts)).toThrow();
  });
});
