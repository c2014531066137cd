/** Answers are put together by hand after linux/inet_diag.h. */
import { describe, expect, test } from "bun:test";

import * as fc from "fast-check";

import {
  decodeConnection,
  encodeConnectionQuestion,
} from "../../../../src/netlink/diag/connection.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? 1);

/** An answer of the kernel: family and state, this side's address, the socket's inode. */
function answer(head: readonly [family: number, state: number], source: string, inode: number) {
  const payload = new Uint8Array(72);
  payload.set(head);
  payload.set(Uint8Array.fromHex(source), 8);
  new DataView(payload.buffer).setUint32(68, inode, true);
  return { type: 20, flags: 2, sequence: 1, port: 0, payload };
}

test.each([
  [4, 2],
  [6, 10],
] as const)("encodeConnectionQuestion() of IPv%d", (family, number) => {
  // TCP; states 1, 3, 4, 5, 8, 9 and 11.
  const head = `${number.toString(16).padStart(2, "0")}0600003a0b0000`;
  expect(encodeConnectionQuestion(family).toHex()).toBe(head + "00".repeat(48));
});

describe("decodeConnection()", () => {
  test.each([
    ["of IPv4", answer([2, 1], "c0000201", 77), "192.0.2.1"],
    ["of IPv6", answer([10, 1], "20010db8000000000000000000000001", 77), "2001:db8::1"],
    ["that a program has closed, with data to send", answer([2, 4], "c0000201", 0), "192.0.2.1"],
    ["half closed by a program that still reads", answer([2, 5], "c0000201", 9), "192.0.2.1"],
    ["where only the other's end is waited for", answer([2, 5], "c0000201", 0), undefined],
  ])("one %s", (_name, message, value) => {
    expect(decodeConnection(message)).toEqual({ ok: true, value });
  });

  test("never throws, and reads nothing that is too short", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (payload) => {
        const result = decodeConnection({ type: 20, flags: 0, sequence: 1, port: 0, payload });
        expect(result.ok).toBe(payload.length >= 72);
      }),
      { seed },
    );
  });
});
