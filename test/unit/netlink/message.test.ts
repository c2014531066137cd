import { describe, expect, test } from "bun:test";

import {
  decodeAcknowledgement,
  decodeMessages,
  encodeMessage,
} from "../../../src/netlink/message.ts";
import { hex } from "../../helpers/fake-kernel.ts";

/** RTM_GETLINK as a dump, sequence 7, written out by linux/netlink.h. */
const getLinks = `
  20000000  # length 32
  1200      # RTM_GETLINK
  0103      # NLM_F_REQUEST | NLM_F_DUMP
  07000000  # sequence
  00000000  # port
  00000000 00000000 00000000 00000000
`;

test("encodeMessage() writes the head in host order", () => {
  const message = { type: 18, flags: 0x301, sequence: 7, port: 0, payload: new Uint8Array(16) };
  expect(encodeMessage(message)).toEqual(hex(getLinks));
});

test("encodeMessage() pads to four bytes and does not count the padding", () => {
  const payload = Uint8Array.of(9);
  const bytes = encodeMessage({ type: 1, flags: 0, sequence: 0, port: 0, payload });
  expect(bytes).toHaveLength(20);
  expect(bytes[0]).toBe(17);
});

describe("decodeMessages()", () => {
  test("takes several apart", () => {
    const first = hex("11000000 1000 0200 01000000 05000000 aa000000");
    const second = hex("10000000 0300 0200 01000000 05000000");
    const { messages, fault } = decodeMessages(Uint8Array.from([...first, ...second]));
    expect(fault).toBeUndefined();
    expect(messages).toEqual([
      { type: 16, flags: 2, sequence: 1, port: 5, payload: Uint8Array.of(0xaa) },
      { type: 3, flags: 2, sequence: 1, port: 5, payload: new Uint8Array(0) },
    ]);
  });

  test.each([
    ["nothing", "", undefined, 0],
    ["half a head", "10000000 1000", "truncated", 0],
    ["a length below the head", "0f000000 1000 0000 00000000 00000000", "bad-length", 0],
    ["a length beyond the end", "14000000 1000 0000 00000000 00000000", "truncated", 0],
    ["a length of 2^32 - 1", "ffffffff 1000 0000 00000000 00000000", "truncated", 0],
    ["a good one and rubbish", "10000000 1000 0000 00000000 00000000 01", "truncated", 1],
  ] as const)("says what is wrong with %s", (_name, bytes, fault, count) => {
    const decoded = decodeMessages(hex(bytes));
    expect(decoded.fault).toBe(fault);
    expect(decoded.messages).toHaveLength(count);
  });
});

describe("decodeAcknowledgement()", () => {
  const message = (type: number, flags: number, text: string) => ({
    type,
    flags,
    sequence: 1,
    port: 0,
    payload: hex(text),
  });
  const request = "30000000 1400 0500 01000000 00000000";
  const nothing = { text: undefined, offset: undefined, missingType: undefined };

  test("reads success", () => {
    const read = decodeAcknowledgement(message(2, 0x100, `00000000 ${request}`));
    expect(read).toEqual({ ok: true, value: { errno: 0, ...nothing } });
  });

  test("reads a refusal without words", () => {
    const read = decodeAcknowledgement(message(2, 0x100, `edffffff ${request}`));
    expect(read).toEqual({ ok: true, value: { errno: 19, ...nothing } });
  });

  test("reads the kernel's words behind a capped request", () => {
    const words = "0700 0100 6e6f00 00  0800 0200 24000000  0800 0500 03000000";
    const read = decodeAcknowledgement(message(2, 0x300, `eaffffff ${request} ${words}`));
    const value = { errno: 22, text: "no", offset: 0x24, missingType: 3 };
    expect(read).toEqual({ ok: true, value });
  });

  test("reads them behind a whole request, too", () => {
    const whole = "15000000 1400 0500 01000000 00000000 ff000000 00000000";
    const words = "0700 0100 6e6f00 00";
    // The request is 21 bytes long and padded to 24.
    const read = decodeAcknowledgement(message(2, 0x200, `eaffffff ${whole} ${words}`));
    expect(read).toEqual({ ok: true, value: { errno: 22, ...nothing, text: "no" } });
  });

  test("reads the end of a list", () => {
    const read = decodeAcknowledgement(message(3, 0x202, "edffffff 0700 0100 6e6f00 00"));
    expect(read).toEqual({ ok: true, value: { errno: 19, ...nothing, text: "no" } });
    const empty = decodeAcknowledgement(message(3, 0x2, ""));
    expect(empty).toEqual({ ok: true, value: { errno: 0, ...nothing } });
  });

  test("a request that claims to be longer than it is has no words", () => {
    const long = "ffffffff 1400 0500 01000000 00000000";
    const read = decodeAcknowledgement(message(2, 0x200, `eaffffff ${long}`));
    expect(read).toEqual({ ok: true, value: { errno: 22, ...nothing } });
  });

  test("a short one is a fault", () => {
    expect(decodeAcknowledgement(message(2, 0, "00000000"))).toEqual({
      ok: false,
      fault: "truncated",
    });
  });
});
