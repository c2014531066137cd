/**
 * Line dialogues: lines out of parts, bounds, farewell.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";

import { dialogueBytesMax, lineBytesMax, LineDialogue } from "../../../src/check/dialogue.ts";
import type { Script } from "../../../src/check/dialogue.ts";

const lost = { reason: "reset", detail: "connection reset by the real server" } as const;
const wrong = { reason: "bad-answer", detail: "wrong" } as const;

/** Waits for `ready`, asks, and is content with `yes`. */
function* script(): Script {
  let line = yield "";
  while (line !== "ready") line = yield "";
  line = yield "well?\r\n";
  return line === "yes" ? undefined : wrong;
}

function push(dialogue: LineDialogue, text: string): boolean | string {
  const next = dialogue.push(Buffer.from(text));
  return typeof next === "boolean" ? next : Buffer.from(next).toString();
}

describe(LineDialogue.name, () => {
  test("says what the script says, and bids farewell before it is up", () => {
    const dialogue = new LineDialogue(script(), "bye\r\n");
    expect(dialogue.start()).toHaveLength(0);
    expect(push(dialogue, "rea")).toBe(false);
    expect(push(dialogue, "dy\r\n")).toBe("well?\r\n");
    expect(push(dialogue, "yes\n")).toBe("bye\r\n");
    expect(push(dialogue, "go\r\n")).toBe(true);
    expect(dialogue.verdict("enough")).toBeUndefined();
  });

  test("is up although the farewell is not answered", () => {
    const dialogue = new LineDialogue(script(), "bye\r\n");
    dialogue.start();
    push(dialogue, "ready\r\nyes\r\n");
    expect(dialogue.verdict(lost)).toBeUndefined();
    expect(dialogue.verdict("closed")).toBeUndefined();
  });

  test("ends at once without a farewell, and with a failure", () => {
    const content = new LineDialogue(script(), "");
    content.start();
    push(content, "ready\n");
    expect(push(content, "yes\n")).toBe(true);
    const failed = new LineDialogue(script(), "bye\r\n");
    failed.start();
    expect(push(failed, "ready\nno\n")).toBe(true);
    expect(failed.verdict("enough")).toEqual(wrong);
  });

  test.each([
    ["", "closed", { reason: "closed", detail: "closed before an answer" }],
    ["ready\n", "closed", { reason: "closed", detail: "closed before the dialogue was over" }],
    ["ready\n", lost, lost],
  ] as const)("after %p and %p it is down", (text, end, expected) => {
    const dialogue = new LineDialogue(script(), "");
    dialogue.start();
    push(dialogue, text);
    expect(dialogue.verdict(end)).toEqual(expected);
  });

  test.each([
    ["x".repeat(lineBytesMax + 1), `a line exceeds ${lineBytesMax} bytes`],
    [`${"x".repeat(lineBytesMax + 1)}\n`, `a line exceeds ${lineBytesMax} bytes`],
    ["x\n".repeat(dialogueBytesMax / 2 + 1), `an answer exceeds ${dialogueBytesMax} bytes`],
  ])("takes no more than its bounds (%#)", (text, detail) => {
    const dialogue = new LineDialogue(script(), "");
    dialogue.start();
    expect(push(dialogue, text)).toBe(true);
    expect(dialogue.verdict("enough")).toEqual({ reason: "answer-too-long", detail });
  });

  test("takes a line and an answer as long as their bounds", () => {
    const dialogue = new LineDialogue(script(), "");
    dialogue.start();
    expect(push(dialogue, `${"x".repeat(lineBytesMax)}\n`)).toBe(false);
  });
});
