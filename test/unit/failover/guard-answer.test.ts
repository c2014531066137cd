import { expect, test } from "bun:test";

import { encodeAnswer, GuardAnswerReader } from "../../../src/failover/guard-answer.ts";
import type { GuardAnswer } from "../../../src/failover/guard-answer.ts";

const answers: readonly GuardAnswer[] = [
  { type: "done", sequence: 1 },
  { type: "problem", sequence: 2, text: "Cannot make the fence appliance: EPERM" },
  { type: "repaired" },
  // Above 32 bits: 256 virtual routers count so far within four days.
  { type: "done", sequence: 2 ** 40 + 1 },
];
const stream = Uint8Array.from(answers.flatMap((answer) => [...encodeAnswer(answer)]));

test.each([1, 2, 3, 5, 8, 100])("answers come back whole from pieces of %d bytes", (piece) => {
  const reader = new GuardAnswerReader();
  const read: GuardAnswer[] = [];
  for (let at = 0; at < stream.length; at += piece) {
    read.push(...reader.read(stream.subarray(at, at + piece)));
  }
  expect(read).toEqual([...answers]);
});

test("what is not of this protocol is no answer", () => {
  const broken = Uint8Array.of(9, 2, 1, 0, 0, 0, 0x7b, 3);
  expect(new GuardAnswerReader().read(broken)).toEqual([{ type: "repaired" }]);
});
