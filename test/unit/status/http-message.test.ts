import { describe, expect, test } from "bun:test";

import * as fc from "fast-check";

import {
  findHeadEnd,
  formatResponseHead,
  parseRequestHead,
} from "../../../src/status/http-message.ts";

const numRuns = Number(process.env["FUZZ_RUNS"] ?? 300);
const seed = process.env["FUZZ_SEED"];
const parameters = { numRuns, ...(seed === undefined ? {} : { seed: Number(seed) }) };

function parse(text: string) {
  return parseRequestHead(Buffer.from(text, "latin1"));
}

describe("parseRequestHead", () => {
  test("takes what curl and fetch send", () => {
    const text =
      "POST /servers/change?x=1 HTTP/1.1\r\nHost: localhost\r\nContent-Type:application/json\r\n" +
      "X-Empty:\r\nContent-Length: 12 \r\n\r\n";
    expect(parse(text)).toEqual({
      ok: true,
      head: {
        method: "POST",
        target: "/servers/change?x=1",
        headers: [
          ["host", "localhost"],
          ["content-type", "application/json"],
          ["x-empty", ""],
          ["content-length", "12"],
        ],
        bodyBytes: 12,
      },
    });
  });

  test.each([
    ["nothing", "\r\n\r\n", 400],
    ["no version", "GET /\r\n\r\n", 400],
    ["HTTP/2", "GET / HTTP/2.0\r\n\r\n", 400],
    ["a whole URL", "GET http://x/ HTTP/1.1\r\n\r\n", 400],
    ["a small method", "get / HTTP/1.1\r\n\r\n", 400],
    ["two blanks", "GET  / HTTP/1.1\r\n\r\n", 400],
    ["a folded line", "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", 400],
    ["a blank before the colon", "GET / HTTP/1.1\r\nA : b\r\n\r\n", 400],
    ["no colon", "GET / HTTP/1.1\r\nA\r\n\r\n", 400],
    ["a bare line feed", "GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n", 400],
    ["a zero byte", "GET / HTTP/1.1\r\nA: b\0c\r\n\r\n", 400],
    ["two lengths", "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400],
    ["a negative length", "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400],
    ["a length with a sign", "POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", 400],
    ["chunks", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411],
    ["65 headers", `GET / HTTP/1.1\r\n${"A: b\r\n".repeat(65)}\r\n`, 400],
  ])("refuses %s", (_name, text, status) => {
    const parsed = parse(text);
    expect<number>(parsed.ok ? 200 : parsed.status).toBe(status);
  });

  test("never throws, whatever arrives", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const parsed = parseRequestHead(bytes);
        if (parsed.ok) expect(parsed.head.target).toStartWith("/");
      }),
      parameters,
    );
  });
});

test.each([
  ["", -1],
  ["GET / HTTP/1.1\r\n", -1],
  ["\r\n\r\n", 4],
  ["A\r\n\r\nbody\r\n\r\n", 5],
  ["\n\r\n\r", -1],
])("findHeadEnd(%j) is %d", (text, expected) => {
  expect(findHeadEnd(Buffer.from(text))).toBe(expected);
});

test("formatResponseHead closes the connection and sets the length itself", () => {
  const headers = new Headers({ "Content-Type": "text/plain", "Content-Length": "99" });
  expect(formatResponseHead({ status: 404, headers }, 2)).toBe(
    "HTTP/1.1 404 Error\r\ncontent-type: text/plain\r\ncontent-length: 2\r\nconnection: close\r\n\r\n",
  );
  expect(formatResponseHead({ status: 200, headers: new Headers() }, undefined)).toBe(
    "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n",
  );
});
