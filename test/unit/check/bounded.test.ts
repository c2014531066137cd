import { describe, expect, test } from "bun:test";

import { compilePattern } from "../../../src/check/body-search.ts";
import { answerBytesMax, SearchedAnswer } from "../../../src/check/bounded.ts";

async function answerFor(receive: string): Promise<SearchedAnswer> {
  return new SearchedAnswer(receive, await compilePattern(receive));
}

describe(SearchedAnswer.name, () => {
  test("is content with the first match, in parts too", async () => {
    const answer = await answerFor("O+K");
    expect(answer.push(Buffer.from("xO"))).toBe(false);
    expect(answer.push(Buffer.from("OK"))).toBe(true);
    expect(answer.verdict("enough")).toBeUndefined();
  });

  test("tries a pattern that waits for the end at the end", async () => {
    const answer = await answerFor("OK$");
    expect(answer.push(Buffer.from("OK\n"))).toBe(false);
    expect(answer.verdict("closed")).toBeUndefined();
  });

  test("takes any byte without a pattern", () => {
    const answer = new SearchedAnswer(undefined, undefined);
    expect(answer.push(Buffer.from("x"))).toBe(true);
    expect(answer.verdict("enough")).toBeUndefined();
  });

  test.each([
    ["", "closed", "closed", "closed before an answer"],
    ["no", "closed", "no-match", "OK is not in the 2 bytes of the answer"],
    ["no", { reason: "reset", detail: "x" }, "reset", "x"],
    [
      "x".repeat(answerBytesMax + 1),
      "enough",
      "answer-too-long",
      `no match in the first ${answerBytesMax} bytes`,
    ],
  ] as const)("tells why there is no match (%#)", async (text, end, reason, detail) => {
    const answer = await answerFor("OK");
    expect(answer.push(Buffer.from(text))).toBe(text.length > answerBytesMax);
    expect(answer.verdict(end)).toEqual({ reason, detail });
  });
});
