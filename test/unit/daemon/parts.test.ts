import { expect, test } from "bun:test";

import { createLevelLogger } from "../../../src/daemon/parts.ts";

test("createLevelLogger() takes another level while it runs", () => {
  const lines: string[] = [];
  const logger = createLevelLogger("warning", (text) => lines.push(text), {
    JOURNAL_STREAM: "1:2",
  });
  logger.log("info", "one");
  logger.setLevel("info");
  logger.log("info", "two");
  logger.setLevel("error");
  logger.log("warning", "three");
  expect(lines).toEqual(["<6>two\n"]);
});

test("createLevelLogger() writes the time where no journal listens", () => {
  const lines: string[] = [];
  createLevelLogger("info", (text) => lines.push(text), {}).log("info", "one", { service: "web" });
  expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info one service=web\n$/);
});
