import { expect, test } from "bun:test";

import { createLogger, formatLine, formatValue } from "../../../src/log/index.ts";
import type { Logger } from "../../../src/log/index.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import type { FakeClock } from "../../helpers/fake-clock.ts";

function open(journal: boolean): { logger: Logger; lines: string[]; clock: FakeClock } {
  const lines: string[] = [];
  const clock = createFakeClock();
  const write = (text: string): void => void lines.push(text);
  return { logger: createLogger({ level: "info", clock, write, journal }), lines, clock };
}

test.each([
  ["a word", "web", "web"],
  ["a number", 12, "12"],
  ["blanks", "the check passed", '"the check passed"'],
  ["a quote", 'say "hi"', String.raw`"say \"hi\""`],
  ["a line end, which must not begin a line", "a\nb", String.raw`"a\nb"`],
  ["an equals sign", "a=b", '"a=b"'],
  ["nothing", "", '""'],
])("formatValue writes %s", (_name, value, text) => {
  expect(formatValue(value)).toBe(text);
});

test("formatLine leaves undefined values out", () => {
  expect(formatLine("server-up", { service: "web", by: undefined, took: 3 })).toBe(
    "server-up service=web took=3",
  );
});

test("a line has its time and level, under systemd its priority instead", () => {
  const plain = open(false);
  plain.logger.log("warning", "server-down", { service: "web" });
  expect(plain.lines).toEqual(["1970-01-01T00:00:00.000Z warning server-down service=web\n"]);
  const journal = open(true);
  journal.logger.log("error", "server-down");
  expect(journal.lines).toEqual(["<3>server-down\n"]);
});

test("what is below the level is not written", () => {
  const { logger, lines } = open(false);
  logger.log("debug", "detail");
  expect(lines).toEqual([]);
});

test("a flood of one event is held back, counted and told; others pass", () => {
  const { logger, lines, clock } = open(true);
  for (let turn = 0; turn < 300; turn++) logger.log("info", "flood");
  logger.log("info", "other");
  expect(lines.length).toBe(201);
  clock.advance(1000);
  logger.log("info", "flood");
  expect(lines.at(-1)).toBe("<6>flood suppressed=100\n");
});

test("the connection log is never held back", () => {
  const { logger, lines } = open(true);
  for (let turn = 0; turn < 1000; turn++) logger.log("info", "connection");
  expect(lines.length).toBe(1000);
});
