/**
 * The real ldirectord and this project's director with the same configuration, before the same real
 * servers: after each thing that happens to these, both want the same table. Where they do not,
 * `differences.ts` says why.
 */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";

import { requireAll, requirePeer, requireRoot } from "../../helpers/require-peer.ts";
import type { Case, Step } from "./case.ts";
import { checkCases } from "./cases-check.ts";
import { failureCases } from "./cases-failure.ts";
import { serviceCases } from "./cases-service.ts";
import { differences } from "./differences.ts";
import { runCase } from "./run-case.ts";
import type { StepOutcome } from "./run-case.ts";

// Its ping check needs root.
const needs = requireAll(requirePeer("ldirectord", "perl", "openssl"), requireRoot());
const cases = [...failureCases, ...checkCases, ...serviceCases];
/** Some run side by side, each for some 10 s of waiting; a busy machine takes its time. */
const caseTimeoutMs = 180_000;

/** What a step is to come to. The start-up has commands and changes of its own. */
function expectedOf(step: Step, outcome: StepOutcome, isFirst: boolean): StepOutcome {
  const { serves, differs = {}, commands = [], isSteady = false } = step;
  return {
    ...outcome,
    serves,
    differs: Object.values(differs).flat().toSorted(),
    ...(isFirst ? {} : { theirCommands: commands, ourCommands: commands }),
    ...(isSteady ? { theirChanges: 0, ourChanges: 0 } : {}),
  };
}

function refusedOf(outcomes: readonly StepOutcome[]): readonly string[] {
  return [...new Set(outcomes.flatMap(({ refused }) => refused))].toSorted();
}

describe.concurrent("ldirectord and the director want the same table", () => {
  test.concurrent.skipIf(needs.skip).each(cases.map((plan) => [plan.name, plan] as const))(
    "%s",
    async (_, plan: Case) => {
      const outcomes = await runCase(plan);
      const expected = outcomes.map((outcome, index) =>
        expectedOf(plan.steps[index]!, outcome, index === 0),
      );
      expect(outcomes).toEqual(expected);
      expect(refusedOf(outcomes)).toEqual([...(plan.refused ?? [])]);
    },
    caseTimeoutMs,
  );
});

describe("differences", () => {
  const met = cases.flatMap(({ steps }) =>
    steps.flatMap(({ differs = {} }) => Object.keys(differs)),
  );

  test.each(Object.entries(differences))("%s is met and documented", (name, difference) => {
    expect(met).toContain(name);
    const document = new URL(`../../../${difference.document}`, import.meta.url);
    expect(readFileSync(document, "utf8")).toContain(difference.words);
  });

  test("there are enough cases, each of its own name", () => {
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
    expect(cases.length).toBeGreaterThanOrEqual(20);
  });
});
