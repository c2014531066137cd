import { describe, expect, test } from "bun:test";

import * as fc from "fast-check";

import {
  decodePeerMessage,
  encodePeerMessage,
  judgeEnvelope,
  keyTagOf,
} from "../../../src/peer/codec.ts";
import {
  createPeerMessage,
  nameTag,
  peerMessageBytesMax,
  rankAddress,
} from "../../../src/peer/message.ts";
import type { PeerMessage } from "../../../src/peer/message.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 300);

function golden(): PeerMessage {
  const message = createPeerMessage();
  message.boot.set([0x01020304, 0x05060708]);
  message.sequence = 0x1_0000_0002;
  message.nonce.set([0x11, 0x12]);
  message.echo.set([0x21, 0x22]);
  message.heardSequence = 9;
  message.heldUs = 1500.7;
  message.digest.set([0x31, 0x32]);
  message.tableHash.set([0x41, 0x42]);
  message.tableEntries = 1000;
  message.isComplete = true;
  message.count = 2;
  const [first, second] = message.records;
  Object.assign(first!, {
    name: nameTag("web"),
    vrid: 51,
    family: 4,
    state: 2,
    priority: 150,
    claim: 1,
    override: 3,
    isEligible: true,
    isWitnessReached: true,
    announcements: 3,
    leaseMs: 259.9,
  });
  first!.address.set([192, 0, 2, 2, 9, 9]);
  Object.assign(second!, { name: 1, vrid: 255, family: 6, state: 1, priority: 10 });
  second!.address.fill(0xfd);
  return message;
}

/** Written by hand from the table in message.ts. */
const goldenHex = [
  "41445043 01 01 02 01",
  "aabbccdd 000005dc",
  "0102030405060708 0000000100000002",
  "0000001100000012 0000002100000022 0000000000000009",
  "0000003100000032 0000004100000042 000003e8 00000000",
  // nameTag("web"): FNV-1a of 77 65 62.
  "0fd9bc91 33 04 02 96 01 03 03 00 00000003 00000103",
  "c0000202 000000000000000000000000",
  "00000001 ff 06 01 0a 00 00 00 00 00000000 00000000",
  "fdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfd",
]
  .join("")
  .replaceAll(" ", "");

describe("encodePeerMessage()", () => {
  test("writes the bytes of the table", () => {
    const bytes = new Uint8Array(peerMessageBytesMax).fill(0xee);
    const length = encodePeerMessage(golden(), 0xaabbccdd, bytes);
    expect(bytes.subarray(0, length).toHex()).toBe(goldenHex);
  });
});

describe("decodePeerMessage()", () => {
  test("reads them back", () => {
    const message = createPeerMessage();
    const bytes = Uint8Array.fromHex(goldenHex);
    expect(keyTagOf(bytes)).toBe(0xaabbccdd);
    expect(decodePeerMessage(bytes, message)).toBe(true);
    expect(message).toMatchObject({
      sequence: 0x1_0000_0002,
      heardSequence: 9,
      heldUs: 1500,
      tableEntries: 1000,
      isComplete: true,
      count: 2,
    });
    expect([...message.boot, ...message.nonce, ...message.echo]).toEqual([
      0x01020304, 0x05060708, 0x11, 0x12, 0x21, 0x22,
    ]);
    const [first, second] = message.records;
    expect(first).toMatchObject({
      vrid: 51,
      family: 4,
      state: 2,
      priority: 150,
      claim: 1,
      override: 3,
      isEligible: true,
      isWitnessReached: true,
      announcements: 3,
      leaseMs: 259,
    });
    expect([...rankAddress(first!)]).toEqual([192, 0, 2, 2]);
    expect(second).toMatchObject({ vrid: 255, family: 6, isEligible: false });
    expect(rankAddress(second!)).toHaveLength(16);
  });

  test.each([
    ["a sequence of zero", 24, "0000000000000000"],
    ["a sequence above all doubles", 24, "0020000000000000"],
    ["a heard sequence above all doubles", 48, "ffffffffffffffff"],
    ["no boot id", 16, "0000000000000000"],
    ["a VRID of zero", 84, "00"],
    ["a family that is none", 85, "05"],
    ["a state that is none", 86, "03"],
    ["a claim that is none", 88, "05"],
    ["an override that is none", 89, "04"],
  ])("refuses %s", (_name, offset, hex) => {
    const bytes = Uint8Array.fromHex(goldenHex);
    bytes.set(Uint8Array.fromHex(hex), offset);
    expect(decodePeerMessage(bytes, createPeerMessage())).toBe(false);
  });

  test("never throws", () => {
    const message = createPeerMessage();
    const bytes = fc.uint8Array({ minLength: 112, maxLength: peerMessageBytesMax });
    fc.assert(
      fc.property(bytes, (some) => {
        const count = Math.floor((some.length - 112) / 36);
        some[6] = count;
        expect(typeof decodePeerMessage(some, message)).toBe("boolean");
      }),
      { seed, numRuns },
    );
  });
});

describe("judgeEnvelope()", () => {
  const whole = `${goldenHex}${"00".repeat(32)}`;

  test.each([
    ["a whole message", whole, "accepted"],
    ["nothing", "", "truncated"],
    ["a byte less", whole.slice(0, -2), "truncated"],
    ["a byte more", `${whole}00`, "truncated"],
    ["a count that is not its length", whole.replace("01010201", "01010101"), "truncated"],
    ["more records than there may be", whole.replace("01010201", "01012101"), "malformed"],
    ["another protocol", whole.replace("4144", "4145"), "foreign"],
    ["another version", whole.replace("4144504301", "4144504302"), "other-version"],
    ["another kind", whole.replace("414450430101", "414450430102"), "other-kind"],
    ["more than the longest", whole.padEnd(peerMessageBytesMax * 2 + 2, "0"), "truncated"],
  ] as const)("says of %s", (_name, hex, expected) => {
    const bytes = Uint8Array.fromHex(hex);
    expect(judgeEnvelope(bytes, bytes.length)).toBe(expected);
  });

  test("never throws", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1400 }), (bytes) => {
        expect(typeof judgeEnvelope(bytes, bytes.length)).toBe("string");
      }),
      { seed, numRuns },
    );
  });
});
