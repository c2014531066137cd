/**
 * Proof by a witness, round by round.
 */
import { expect, test } from "bun:test";

import { override } from "../../../src/vrrp/index.ts";
import { askForProof, endProof, lacksProof, takeProof } from "../../../src/vrrp/proof.ts";
import { actionsOf, createTestRouter } from "../../helpers/vrrp/machine.ts";

test("takeProof() takes an answer of the round that was asked in only", () => {
  const router = createTestRouter({ witness: "require" });
  expect([takeProof(router, 1), lacksProof(router)]).toEqual([false, true]);
  askForProof(router);
  askForProof(router);
  expect(actionsOf(router)).toEqual(["askWitness 1"]);
  expect([takeProof(router, 2), takeProof(router, 1)]).toEqual([false, true]);
  expect(lacksProof(router)).toBe(false);
});

test("endProof() counts a round only if one was begun", () => {
  const router = createTestRouter({ witness: "require" });
  endProof(router);
  expect(router.round).toBe(1);
  askForProof(router);
  endProof(router);
  expect(router.round).toBe(2);
  expect(takeProof(router, 1)).toBe(false);
});

test.each([
  ["required", { witness: "require" }, {}, true],
  ["preferred", { witness: "prefer" }, {}, false],
  ["required, by force", { witness: "require" }, { override: override.force }, false],
  ["required, after a resignation", { witness: "require" }, { isHandover: true }, false],
] as const)("lacksProof() of a witness that is %s", (_name, options, state, expected) => {
  expect(lacksProof(Object.assign(createTestRouter(options), state))).toBe(expected);
});
