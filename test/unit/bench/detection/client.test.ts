import { expect, test } from "bun:test";

import { judgeAnswer } from "../../../../bench/detection/client.ts";

test.each([
  ["HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell", "ok"],
  ["HTTP/1.1 200 OK\r\nX: well\r\n\r\nbad", "body"],
  ["HTTP/1.1 500 Internal Server Error\r\n\r\nwell", "status"],
  ["HTTP/1.1 200 OK\r\nContent-Le", "closed"],
  ["", "closed"],
] as const)("judgeAnswer(%j) is %s", (text, outcome) => {
  expect(judgeAnswer(text)).toBe(outcome);
});
