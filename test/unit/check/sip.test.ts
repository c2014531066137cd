import { describe, expect, test } from "bun:test";

import { encodeOptions, judgeStatusLine, sipScript } from "../../../src/check/sip.ts";

const question = {
  transport: "UDP",
  address: "2001:db8::1",
  port: 5060,
  login: undefined,
  local: { address: "192.0.2.5", port: 40000 },
  token: "t0",
} as const;

test("encodeOptions() asks the server itself, and names where the answer goes", () => {
  expect(encodeOptions(question).split("\r\n")).toEqual([
    "OPTIONS sip:[2001:db8::1]:5060 SIP/2.0",
    "Via: SIP/2.0/UDP 192.0.2.5:40000;branch=z9hG4bKt0;rport",
    "Max-Forwards: 70",
    "From: <sip:appliance@192.0.2.5:40000>;tag=t0",
    "To: <sip:[2001:db8::1]:5060>",
    "Call-ID: t0",
    "CSeq: 1 OPTIONS",
    "Contact: <sip:appliance@192.0.2.5:40000>",
    "Accept: application/sdp",
    "Content-Length: 0",
    "",
    "",
  ]);
});

test("encodeOptions() asks for the login, by the login", () => {
  const text = encodeOptions({ ...question, login: "eve@example.com" });
  expect(text).toContain("OPTIONS sip:eve@example.com SIP/2.0\r\n");
  expect(text).toContain("\r\nFrom: <sip:eve@example.com>;tag=t0\r\n");
});

test.each([
  ["SIP/2.0 200 OK", "up"],
  ["SIP/2.0 200", "up"],
  ["SIP/2.0 100 Trying", "ignored"],
  [
    "SIP/2.0 404 Not Found",
    { reason: "bad-status", detail: 'OPTIONS answered by "SIP/2.0 404 Not Found"' },
  ],
  ["HTTP/1.1 200 OK", { reason: "bad-answer", detail: 'not SIP: "HTTP/1.1 200 OK"' }],
  ["", { reason: "bad-answer", detail: 'not SIP: ""' }],
])("judgeStatusLine() of %j", (line, verdict) => {
  expect(judgeStatusLine(line)).toEqual(verdict as never);
});

describe(sipScript.name, () => {
  test("goes past provisional answers", () => {
    const script = sipScript("ask");
    expect(script.next().value).toBe("ask");
    for (const line of ["SIP/2.0 100 Trying", "Via: x", ""]) {
      expect(script.next(line)).toEqual({ done: false, value: "" });
    }
    expect(script.next("SIP/2.0 200 OK")).toEqual({ done: true, value: undefined });
  });

  test("ends with a refusal", () => {
    const script = sipScript("ask");
    script.next();
    expect(script.next("SIP/2.0 503 Busy").value).toMatchObject({ reason: "bad-status" });
  });
});
