/**
 * `checktype=N`: whose turn it is.
 *
 * @module
 */
import { expect, test } from "bun:test";

import { createAlternatingCheck } from "../../../src/check/alternating.ts";
import type { Check, CheckResult, FailureReason } from "../../../src/check/check.ts";
import { checkTarget } from "../../helpers/check-fixture.ts";

/** Runs a check of 3 connects for each negotiate; `script` says what each run finds. */
async function turns(script: readonly ("up" | FailureReason)[]): Promise<string> {
  const asked: string[] = [];
  const part = (name: string): Check => ({
    name,
    run: () => {
      const outcome = script[asked.length]!;
      asked.push(name);
      const result: CheckResult =
        outcome === "up"
          ? { up: true, tookMs: 1 }
          : { up: false, tookMs: 1, reason: outcome, detail: "" };
      return Promise.resolve(result);
    },
  });
  const check = createAlternatingCheck(part("c"), part("n"), 3);
  for (let index = 0; index < script.length; index++) await check.run(checkTarget(80), 100);
  return asked.join("");
}

test.each<[string, ("up" | FailureReason)[], string]>([
  [
    "starts with a negotiate, then as many connects",
    Array.from({ length: 9 }, () => "up"),
    "ncccncccn",
  ],
  ["negotiates after a failed connect", ["up", "up", "refused", "up", "up"], "nccnc"],
  ["negotiates until one passes", ["timeout", "no-match", "up", "up"], "nnnc"],
  [
    "keeps its turn when the director lacks something",
    ["up", "up", "no-resources", "up", "up", "up"],
    "nccccn",
  ],
])("createAlternatingCheck %s", async (_name, script, expected) => {
  expect(await turns(script)).toBe(expected);
});
