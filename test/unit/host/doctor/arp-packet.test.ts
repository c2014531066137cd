import { expect, test } from "bun:test";

import { decodeArpReply, encodeArpQuestion } from "../../../../src/host/doctor/arp-packet.ts";

const hardware = Uint8Array.of(2, 0, 0, 0, 0, 9);
const reply = Uint8Array.of(
  0,
  1, // Ethernet
  8,
  0, // IPv4
  6,
  4, // lengths of the addresses
  0,
  2, // reply
  2,
  0,
  0,
  0,
  0,
  9, // sender
  192,
  0,
  2,
  100,
  2,
  0,
  0,
  0,
  0,
  1, // target
  0,
  0,
  0,
  0,
);

test("encodeArpQuestion() asks without an address of its own", () => {
  expect([...encodeArpQuestion(hardware, Uint8Array.of(192, 0, 2, 100))]).toEqual([
    0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 100,
  ]);
});

test("decodeArpReply() finds who answers, also behind padding", () => {
  const padded = new Uint8Array(46);
  padded.set(reply);
  for (const bytes of [reply, padded]) {
    expect(decodeArpReply(bytes)).toEqual({
      hardware,
      address: Uint8Array.of(192, 0, 2, 100),
    });
  }
});

test.each([
  ["a request", 7, 1],
  ["another hardware", 1, 6],
  ["another protocol", 2, 0x86],
  ["other lengths", 5, 16],
  ["an operation of two bytes", 6, 1],
])("decodeArpReply() drops %s", (_what, offset, value) => {
  expect(decodeArpReply(reply.with(offset, value))).toBeUndefined();
});

test("decodeArpReply() drops what is too short", () => {
  for (let length = 0; length < reply.length; length++) {
    expect(decodeArpReply(reply.subarray(0, length))).toBeUndefined();
  }
});
