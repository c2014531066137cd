/**
 * ICMP echo: golden bytes of both families, every fault, what is cut off.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";

import { decodeEcho, encodeEcho, ipv4Payload } from "../../../src/net/icmp.ts";
import type { Echo } from "../../../src/net/icmp.ts";

const request: Echo = {
  kind: "request",
  identifier: 0x1234,
  sequence: 0x0001,
  data: Uint8Array.from([0xab, 0xcd]),
};

/** By hand: 0800 + 1234 + 0001 + abcd = c602, complement 39fd. */
const requestV4 = [8, 0, 0x39, 0xfd, 0x12, 0x34, 0, 1, 0xab, 0xcd];
/** The kernel fills in the checksum. */
const requestV6 = [128, 0, 0, 0, 0x12, 0x34, 0, 1, 0xab, 0xcd];
/** 0000 + 1234 + 0001 + abcd = be02, complement 41fd. */
const replyV4 = [0, 0, 0x41, 0xfd, 0x12, 0x34, 0, 1, 0xab, 0xcd];

describe("encodeEcho", () => {
  test.each<[string, 4 | 6, Echo, number[]]>([
    ["an IPv4 request", 4, request, requestV4],
    ["an IPv4 reply", 4, { ...request, kind: "reply" }, replyV4],
    ["an IPv6 request", 6, request, requestV6],
    ["no data", 6, { ...request, data: new Uint8Array(0) }, requestV6.slice(0, 8)],
  ])("writes %s", (_name, family, echo, bytes) => {
    expect([...encodeEcho(family, echo)]).toEqual(bytes);
  });
});

describe("decodeEcho", () => {
  test("reads a reply", () => {
    expect(decodeEcho(4, Uint8Array.from(replyV4))).toEqual({
      ok: true,
      echo: { ...request, kind: "reply" },
    });
  });

  test("reads an IPv6 request in the middle of a buffer", () => {
    const buffer = Uint8Array.from([9, 9, ...requestV6]);
    expect(decodeEcho(6, buffer.subarray(2))).toEqual({ ok: true, echo: request });
  });

  test.each<[string, 4 | 6, number[]]>([
    ["truncated", 4, replyV4.slice(0, 7)],
    ["truncated", 6, []],
    ["other-type", 4, [3, ...replyV4.slice(1)]],
    ["other-type", 6, replyV4],
    ["bad-code", 4, [0, 1, ...replyV4.slice(2)]],
    ["bad-checksum", 4, [...replyV4.slice(0, 9), 0xce]],
  ])("refuses what is %s", (reason, family, bytes) => {
    expect(decodeEcho(family, Uint8Array.from(bytes))).toEqual({
      ok: false,
      reason: reason as never,
    });
  });
});

describe("ipv4Payload", () => {
  const packet = (first: number, length: number): Uint8Array => {
    const bytes = new Uint8Array(length);
    bytes[0] = first;
    bytes[length - 1] = 7;
    return bytes;
  };

  test.each<[string, Uint8Array, number[] | undefined]>([
    ["the payload after 20 bytes", packet(0x45, 22), [0, 7]],
    ["the payload after options", packet(0x46, 25), [7]],
    ["an empty payload", packet(0x45, 20), []],
    ["nothing of a short packet", packet(0x45, 19), undefined],
    ["nothing of a header longer than the packet", packet(0x4f, 40), undefined],
    ["nothing of a header below 20 bytes", packet(0x44, 40), undefined],
    ["nothing of IPv6", packet(0x60, 40), undefined],
  ])("gives %s", (_name, bytes, payload) => {
    const found = ipv4Payload(bytes);
    expect(found === undefined ? undefined : [...found]).toEqual(payload);
  });
});
