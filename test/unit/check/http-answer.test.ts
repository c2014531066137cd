/**
 * The reader of HTTP answers: framings, bounds, faults; each answer whole and byte by byte.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";

import { bodyBytesMax, headBytesMax, HttpAnswer } from "../../../src/check/http-answer.ts";

type Feed = (answer: HttpAnswer, text: string) => void;

const feeds: readonly (readonly [string, Feed])[] = [
  ["at once", (answer, text) => answer.push(Buffer.from(text, "latin1"))],
  [
    "byte by byte",
    (answer, text) => {
      for (const byte of Buffer.from(text, "latin1")) answer.push(Uint8Array.of(byte));
    },
  ],
];

function read(feed: Feed, text: string, method: "GET" | "HEAD" = "GET"): HttpAnswer {
  const answer = new HttpAnswer(method);
  feed(answer, text);
  return answer;
}

function bodyOf(answer: HttpAnswer): string {
  return Buffer.from(answer.body).toString("latin1");
}

describe.each(feeds)("HttpAnswer fed %s", (_name, feed) => {
  test.each<[string, string, string]>([
    ["a length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"],
    ["a length in other letters", "HTTP/1.0 200 OK\r\ncOnTeNt-LeNgTh:5\r\n\r\nhello", "hello"],
    [
      "the same length twice",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
      "hello",
    ],
    ["bytes after the length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhellohello", "hello"],
    ["a length of 0", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""],
    ["bare line feeds", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", "hello"],
    ["no reason phrase", "HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello", "hello"],
    [
      "chunks",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
      "hello",
    ],
    [
      "chunks with extensions",
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a="b"\r\nhello\r\n0;x\r\n\r\n',
      "hello",
    ],
    [
      "a chunk size with leading zeros",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0005\r\nhello\r\n000\r\n",
      "hello",
    ],
    [
      "chunks that overrule a length",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n",
      "hello",
    ],
    [
      "an interim answer first",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
      "hello",
    ],
    ["status 204", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", ""],
    ["status 304", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", ""],
  ])("finds the end by %s", (_case, text, body) => {
    const answer = read(feed, text);
    expect(answer.state).toBe("done");
    expect(bodyOf(answer)).toBe(body);
  });

  test("takes no body after HEAD", () => {
    const answer = read(feed, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD");
    expect(answer.state).toBe("done");
    expect(answer.status).toBe(200);
  });

  test.each([
    ["without a length", "HTTP/1.0 200 OK\r\n\r\nhello"],
    ["with another coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello"],
  ])("takes a body %s until the connection ends", (_case, text) => {
    const answer = read(feed, text);
    expect(answer.state).toBe("body");
    expect(answer.end()).toBe(true);
    expect(answer.state).toBe("done");
    expect(bodyOf(answer)).toBe("hello");
  });

  test.each([
    ["within a length", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", "body"],
    ["within a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello", "body"],
    [
      "before the last chunk",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
      "body",
    ],
    ["within the head", "HTTP/1.1 200 OK\r\nContent-", "head"],
    ["before anything", "", "head"],
  ])("knows that an end %s cuts it off", (_case, text, state) => {
    const answer = read(feed, text);
    expect(answer.end()).toBe(false);
    expect(answer.state).toBe(state as never);
  });

  test.each([
    ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n\r\n", "no HTTP status line: SSH-2.0-OpenSSH_9.2"],
    ["a greeting that goes on", "220 mail\r\n", "no HTTP status line: 220 mail"],
    ["HTTP/2", "HTTP/2 200\r\n\r\n", "no HTTP status line: HTTP/2 200"],
    ["a status of two digits", "HTTP/1.1 20 OK\r\n\r\n", "no HTTP status line: HTTP/1.1 20 OK"],
    [
      "a status of four digits",
      "HTTP/1.1 2000 OK\r\n\r\n",
      "no HTTP status line: HTTP/1.1 2000 OK",
    ],
    ["nothing but an empty line", "\r\n", "no HTTP status line: "],
    [
      "a negative length",
      "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
      "bad Content-Length",
    ],
    [
      "a length that is no number",
      "HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nhello",
      "bad Content-Length",
    ],
    [
      "a length of 16 digits",
      "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000000\r\n\r\n",
      "bad Content-Length",
    ],
    [
      "two lengths",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
      "bad Content-Length",
    ],
    [
      "a chunk size that is no number",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
      "bad chunk size",
    ],
    [
      "a negative chunk size",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n",
      "bad chunk size",
    ],
    [
      "no chunk size",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\nhello",
      "bad chunk size",
    ],
    [
      "a chunk size of 13 digits",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000000000000\r\n",
      "bad chunk size",
    ],
    [
      "a chunk longer than its size",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n",
      "chunk longer than its size",
    ],
  ])("refuses %s", (_case, text, fault) => {
    const answer = read(feed, text);
    expect([answer.state, answer.fault]).toEqual(["bad", fault]);
  });

  test("keeps status and location", () => {
    const answer = read(
      feed,
      "HTTP/1.1 302 Found\r\nlocation:  /next \r\nContent-Length: 0\r\n\r\n",
    );
    expect([answer.status, answer.location]).toEqual([302, "/next"]);
  });
});

describe("the bounds of HttpAnswer", () => {
  const statusLine = "HTTP/1.1 200 OK\r\n";

  test("a head may fill its bound and not more", () => {
    const fill = (bytes: number): string => `${statusLine}X: ${"a".repeat(bytes)}\r\n\r\n`;
    const overhead = fill(0).length;
    expect(read(feeds[0]![1], fill(headBytesMax - overhead)).state).toBe("body");
    expect(read(feeds[0]![1], fill(headBytesMax - overhead + 1)).state).toBe("long");
  });

  test("a header line of 1 MB ends the head, whatever the parts it comes in", () => {
    const answer = new HttpAnswer("GET");
    answer.push(Buffer.from(`${statusLine}X: `));
    let parts = 0;
    for (; answer.isOpen && parts < 1000; parts++) answer.push(Buffer.alloc(1024, "a"));
    expect(answer.state).toBe("long");
    expect(parts).toBe(32);
  });

  test("interim answers cannot go on for ever", () => {
    const answer = new HttpAnswer("GET");
    const interim = Buffer.from("HTTP/1.1 103 Early Hints\r\n\r\n");
    for (let count = 0; answer.isOpen && count < 10_000; count++) answer.push(interim);
    expect(answer.state).toBe("long");
  });

  test("a body of exactly the bound is complete", () => {
    const answer = new HttpAnswer("GET");
    answer.push(Buffer.from(`${statusLine}Content-Length: ${bodyBytesMax}\r\n\r\n`));
    answer.push(Buffer.alloc(bodyBytesMax, "a"));
    expect([answer.state, answer.bodyBytes]).toEqual(["done", bodyBytesMax]);
  });

  test.each([
    ["a length of 1 GB", "Content-Length: 1000000000\r\n"],
    ["an endless body", ""],
  ])("%s is looked at as far as the bound", (_name, header) => {
    const answer = new HttpAnswer("GET");
    answer.push(Buffer.from(`${statusLine}${header}\r\n`));
    for (let count = 0; answer.isOpen && count < 1000; count++)
      answer.push(Buffer.alloc(1000, "a"));
    expect([answer.state, answer.bodyBytes]).toEqual(["full", bodyBytesMax]);
  });

  test("a chunk line has a bound", () => {
    const answer = new HttpAnswer("GET");
    answer.push(Buffer.from(`${statusLine}Transfer-Encoding: chunked\r\n\r\n5;`));
    for (let count = 0; answer.isOpen && count < 100; count++) answer.push(Buffer.alloc(100, "a"));
    expect([answer.state, answer.fault]).toEqual(["bad", "chunk line too long"]);
  });
});
