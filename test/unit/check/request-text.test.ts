import { expect, test } from "bun:test";

import { simpleTcpRequest, udpRequest } from "../../../src/check/request-text.ts";

test.each([
  ["/", ""],
  ["", ""],
  ["/PING\\n", "PING\n"],
  ["//x", "/x"],
  ["a\\nb\\r\n", "a\nb\\r\n"],
])("simpleTcpRequest() of %j is %j", (text, expected) => {
  expect(Buffer.from(simpleTcpRequest(text)).toString()).toBe(expected);
});

test.each([
  ["an", "616e"],
  ["/a", "2f61"],
  ["\\n\\r\\t\\\\", "0a0d095c"],
  ["\\x00\\xFFf", "00ff66"],
  ["\\q\\", "5c715c"],
  ["ö", "c3b6"],
])("udpRequest() of %j has the bytes %s", (text, expected) => {
  expect(Buffer.from(udpRequest(text)).toString("hex")).toBe(expected);
});
