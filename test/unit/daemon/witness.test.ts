/**
 * Questions to witnesses: all at once, again and again, the first answer counts.
 */
import { expect, test } from "bun:test";

import type { AskedTarget } from "../../../src/check/index.ts";
import { WitnessQuestions } from "../../../src/daemon/witness.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { settle } from "./director-fixture.ts";

const target = (address: string, intervalMs = 1000): AskedTarget => {
  return { type: "ping", address, intervalMs, timeoutMs: 100 };
};

function setUp() {
  const clock = createFakeClock();
  const asked: string[] = [];
  const proofs: string[] = [];
  const good = new Set<string>();
  const questions = new WitnessQuestions({
    clock,
    async askNow(one) {
      const address = one.type === "ping" ? one.address : "";
      asked.push(address);
      return good.has(address);
    },
    onProof: (router, round) => void proofs.push(`${router} ${round}`),
  });
  return { clock, asked, proofs, good, questions };
}

test("WitnessQuestions asks all at once and proves once", async () => {
  const { questions, asked, proofs, good, clock } = setUp();
  good.add("192.0.2.1").add("192.0.2.2");
  questions.ask("web", 3, [target("192.0.2.1"), target("192.0.2.2")]);
  expect(asked).toEqual(["192.0.2.1", "192.0.2.2"]);
  await settle();
  expect(proofs).toEqual(["web 3"]);
  expect(clock.pendingCount()).toBe(0);
});

test("WitnessQuestions asks again until one answers", async () => {
  const { questions, asked, proofs, good, clock } = setUp();
  questions.ask("web", 1, [target("192.0.2.1", 10)]);
  await settle();
  expect(proofs).toEqual([]);
  good.add("192.0.2.1");
  // Not faster than 100 ms, whatever the interval.
  clock.advance(99);
  expect(asked).toHaveLength(1);
  clock.advance(1);
  await settle();
  expect(proofs).toEqual(["web 1"]);
});

test("WitnessQuestions gives an older question of the same router up", async () => {
  const { questions, proofs, good } = setUp();
  good.add("192.0.2.1");
  questions.ask("web", 1, [target("192.0.2.1")]);
  questions.ask("web", 2, [target("192.0.2.1")]);
  questions.ask("mail", 7, [target("192.0.2.1")]);
  await settle();
  expect(proofs).toEqual(["web 2", "mail 7"]);
});

test("WitnessQuestions.close() ends all of them, and nobody is asked without witnesses", async () => {
  const { questions, proofs, good, clock } = setUp();
  questions.ask("mail", 1, []);
  questions.ask("web", 1, [target("192.0.2.1")]);
  good.add("192.0.2.1");
  questions.close();
  await settle();
  expect([proofs, clock.pendingCount()]).toEqual([[], 0]);
});
