import { describe, expect, test } from "bun:test";

import { cleanText, createPalette, formatTable, sleep } from "../../../src/cli/terminal.ts";

test("createPalette colours only when asked", () => {
  expect(createPalette(true).bad("x")).toBe("\u001b[31mx\u001b[0m");
  expect(createPalette(false).bad("x")).toBe("x");
});

test("cleanText lets nothing move the cursor", () => {
  expect(cleanText("a\u001b[2Jb\nc\u009bd\u007f\u00e9")).toBe("a·[2Jb·c·d·é");
});

test("formatTable pads columns by what is seen, not by what is painted", () => {
  const { good } = createPalette(true);
  const rows = [
    [{ text: "A" }, { text: "STATE" }, { text: "C" }],
    [{ text: "long" }, { text: "up", paint: good }, { text: "" }],
    [{ text: "x" }, { text: "down" }, { text: "y" }],
  ];
  expect(formatTable(rows, "  ")).toBe(
    "  A     STATE  C\n  long  \u001b[32mup\u001b[0m\n  x     down   y\n",
  );
});

describe("sleep", () => {
  test("ends when its signal aborts, before or after it starts", async () => {
    const stop = new AbortController();
    const sleeping = sleep(60_000, stop.signal);
    stop.abort();
    await sleeping;
    await sleep(60_000, stop.signal);
    expect(stop.signal.aborted).toBe(true);
  });

  test("ends by itself", async () => {
    const startedMs = performance.now();
    await sleep(2, new AbortController().signal);
    expect(performance.now() - startedMs).toBeGreaterThan(1);
  });
});
