import { describe, expect, test } from "bun:test";

import { encodeTnsPing, TnsAnswer } from "../../../src/check/tns.ts";

test("encodeTnsPing() is a connect packet that asks the listener itself", () => {
  const packet = Buffer.from(encodeTnsPing());
  expect(packet.toString("hex", 0, 32)).toBe(
    "0057" + // its length
      "0000" +
      "0100" + // connect
      "0000" +
      "0136012c" + // versions
      "0000" +
      "08007fff" + // units
      "7f08" +
      "0000" +
      "0001" +
      "001d003a" + // length and place of the text
      "00000000",
  );
  expect(packet.toString("latin1", 58)).toBe("(CONNECT_DATA=(COMMAND=ping))");
});

describe("TnsAnswer", () => {
  const refuse = Uint8Array.of(0, 9, 0, 0, 4, 0, 0, 0, 0x22);

  test("takes a header in parts", () => {
    const answer = new TnsAnswer();
    expect([...refuse].map((byte) => answer.push(Uint8Array.of(byte)))).toEqual([
      ...Array.from({ length: 7 }, () => false),
      true,
      true,
    ]);
    expect(answer.verdict("enough")).toBeUndefined();
  });

  test.each([
    ["accept", 2, undefined],
    ["refuse", 4, undefined],
    ["redirect", 5, undefined],
    ["resend", 11, undefined],
    ["connect", 1, "bad-answer"],
    ["data", 6, "bad-answer"],
  ])("of type %s (%d) means %p", (_name, type, reason) => {
    const answer = new TnsAnswer();
    answer.push(Uint8Array.of(0, 8, 0, 0, type, 0, 0, 0));
    expect(answer.verdict("enough")?.reason).toBe(reason as never);
  });

  test("is none with a length below its header", () => {
    const answer = new TnsAnswer();
    answer.push(Uint8Array.of(0, 7, 0, 0, 4, 0, 0, 0));
    expect(answer.verdict("enough")?.reason).toBe("bad-answer");
  });

  test("is none if the connection ends before", () => {
    const answer = new TnsAnswer();
    answer.push(refuse.subarray(0, 7));
    expect(answer.verdict("closed")).toEqual({
      reason: "closed",
      detail: "closed before an answer",
    });
    const failure = { reason: "reset", detail: "x" } as const;
    expect(answer.verdict(failure)).toBe(failure);
  });
});
