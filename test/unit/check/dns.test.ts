import { describe, expect, test } from "bun:test";

import * as codec from "dns-packet";

import { compilePattern } from "../../../src/check/body-search.ts";
import {
  DnsFrame,
  dnsQuestion,
  encodeDnsQuery,
  frameDns,
  judgeDnsAnswer,
} from "../../../src/check/dns.ts";

test.each([
  ["www.example.com", { name: "www.example.com", type: "A" }],
  ["192.0.2.1", { name: "1.2.0.192.in-addr.arpa", type: "PTR" }],
  [
    "2001:db8::1",
    {
      name: "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
      type: "PTR",
    },
  ],
] as const)("dnsQuestion() of %s", (request, question) => {
  expect(dnsQuestion(request)).toEqual(question);
});

test("encodeDnsQuery() has the bytes of RFC 1035", () => {
  const query = encodeDnsQuery(codec, { name: "a.bc", type: "A" }, 0x1234);
  expect(Buffer.from(query).toString("hex")).toBe("12340100000100000000000001610262630000010001");
});

describe(judgeDnsAnswer.name, () => {
  const question = { name: "www.example.com", type: "A" } as const;
  const alias = { name: question.name, type: "CNAME", data: "x.example.com" } as const;
  const record = { name: "x.example.com", type: "A", data: "192.0.2.7" } as const;

  function answer(packet: Partial<codec.Packet>): Uint8Array {
    return codec.encode({ type: "response", id: 7, questions: [question], ...packet });
  }
  async function judge(bytes: Uint8Array, receive?: string) {
    const pattern = receive === undefined ? undefined : await compilePattern(receive);
    return judgeDnsAnswer(codec, bytes, { question, id: 7, pattern });
  }

  test("is up with an address, past an alias, that matches", async () => {
    const bytes = answer({ answers: [alias, record] });
    expect(await judge(bytes)).toBe("up");
    expect(await judge(bytes, "^192\\.0\\.2\\.7$")).toBe("up");
    expect(await judge(bytes, "^10\\.")).toEqual({
      reason: "no-match",
      detail: "192.0.2.7 for www.example.com",
    });
  });

  test("is down without an address", async () => {
    expect(await judge(answer({ answers: [alias] }))).toEqual({
      reason: "no-match",
      detail: "no A record for www.example.com",
    });
    expect(await judge(answer({ flags: 3 }))).toEqual({
      reason: "bad-status",
      detail: "answered NXDOMAIN for www.example.com",
    });
  });

  test("passes over the answer to another question", async () => {
    expect(await judge(answer({ id: 8, answers: [record] }))).toBe("ignored");
  });

  test.each([
    ["noise", Buffer.from("hello, this is no DNS message")],
    ["nothing", new Uint8Array()],
    ["a query", codec.encode({ type: "query", id: 7, questions: [question] })],
    ["a name that points to itself", Buffer.from("000780000001000000000000c00c00010001", "hex")],
  ])("calls %s a bad answer", async (_name, bytes) => {
    expect(await judge(bytes)).toEqual({ reason: "bad-answer", detail: "not DNS" });
  });
});

test("DnsFrame gives the message once it is complete", () => {
  const framed = frameDns(Buffer.from("abc"));
  expect(Buffer.from(framed).toString("hex")).toBe("0003616263");
  const frame = new DnsFrame();
  expect(frame.push(framed.subarray(0, 1))).toBeUndefined();
  expect(frame.push(framed.subarray(1, 4))).toBeUndefined();
  expect(Buffer.from(frame.push(Buffer.from("cd"))!).toString()).toBe("abc");
});
