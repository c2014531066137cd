/**
 * The codec of RADIUS: the worked examples of RFC 2865, section 7.1, and answers made by hand.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";
import { createHash, createHmac } from "node:crypto";

import { encodeAccessRequest, hidePassword, judgeRadiusAnswer } from "../../../src/check/radius.ts";

/** RFC 2865, section 7.1: user nemo, password arctangent, secret xyzzy5461. */
const authenticator = Buffer.from("0f403f9473978057bd83d5cb98f4227a", "hex");
const example = { id: 0, authenticator };
const spec = {
  service: "radius",
  login: "nemo",
  password: "arctangent",
  secret: "xyzzy5461",
} as const;

test("hidePassword() is the example of RFC 2865", () => {
  const hidden = hidePassword(Buffer.from("arctangent"), Buffer.from("xyzzy5461"), authenticator);
  expect(Buffer.from(hidden).toString("hex")).toBe("0dbe708d93d413ce3196e43f782a0aee");
});

test.each([
  ["", 16],
  ["a".repeat(16), 16],
  ["a".repeat(17), 32],
  ["a".repeat(128), 128],
])("hidePassword() of %j has %d bytes", (password, length) => {
  expect(hidePassword(Buffer.from(password), Buffer.from("x"), authenticator)).toHaveLength(length);
});

test("encodeAccessRequest() is signed first, then says who asks for whom", () => {
  const packet = Buffer.from(encodeAccessRequest(spec, example));
  expect([packet[0], packet[1], packet.readUInt16BE(2)]).toEqual([1, 0, packet.length]);
  expect(packet.subarray(4, 20)).toEqual(authenticator);
  expect([packet[20], packet[21]]).toEqual([80, 18]);
  expect(packet.toString("hex", 38)).toBe(
    "01066e656d6f02120dbe708d93d413ce3196e43f782a0aee200b6170706c69616e6365",
  );
  const unsigned = Buffer.from(packet);
  unsigned.fill(0, 22, 38);
  const signature = createHmac("md5", spec.secret).update(unsigned).digest();
  expect(packet.subarray(22, 38)).toEqual(signature);
});

/** An answer, signed by `secret`; with `isSigned` by Message-Authenticator, too. */
function answer(
  code: number,
  { id = 0, secret = "xyzzy5461", text = "", isSigned = false, padding = 0 } = {},
): Buffer {
  const message = text === "" ? [] : [18, text.length + 2, ...Buffer.from(text)];
  const signature = isSigned ? [80, 18, ...Buffer.alloc(16)] : [];
  const attributes = Buffer.from([...signature, ...message]);
  const packet = Buffer.concat([Buffer.from([code, id, 0, 0]), authenticator, attributes]);
  packet.writeUInt16BE(packet.length, 2);
  if (isSigned) packet.set(createHmac("md5", secret).update(packet).digest(), 22);
  packet.set(createHash("md5").update(packet).update(secret).digest(), 4);
  return Buffer.concat([packet, Buffer.alloc(padding)]);
}

describe("judgeRadiusAnswer()", () => {
  test("takes the Access-Accept of RFC 2865", () => {
    const bytes = Buffer.from(
      "0200002686fe220e7624ba2a1005f6bf9b55e0b20606000000010f06000000000e06c0a80103",
      "hex",
    );
    expect(judgeRadiusAnswer(bytes, spec, example)).toBe("up");
  });

  test.each([
    ["accept", answer(2), "up"],
    ["accept, signed twice", answer(2, { isSigned: true }), "up"],
    ["accept with padding", answer(2, { padding: 5 }), "up"],
    [
      "reject",
      answer(3),
      { reason: "bad-status", detail: 'the login answered by "Access-Reject"' },
    ],
    [
      "reject with a text that repeats the password",
      answer(3, { text: "not arctangent" }),
      { reason: "bad-status", detail: 'the login answered by "Access-Reject: not ********"' },
    ],
    [
      "challenge",
      answer(11),
      { reason: "bad-status", detail: 'the login answered by "Access-Challenge"' },
    ],
    ["another code", answer(5), { reason: "bad-answer" }],
    ["another request's", answer(2, { id: 1 }), "ignored"],
    ["another secret's", answer(2, { secret: "x" }), "unsigned"],
    ["too short", answer(2).subarray(0, 19), { reason: "bad-answer" }],
    ["cut off", answer(3, { text: "hello" }).subarray(0, 25), { reason: "bad-answer" }],
  ])("takes %s", (_name, bytes, expected) => {
    const verdict = judgeRadiusAnswer(bytes, spec, example);
    if (typeof expected === "string") expect(verdict).toBe(expected as never);
    else expect(verdict).toMatchObject(expected);
  });

  test("does not take a wrong Message-Authenticator, whoever signed the rest", () => {
    const bytes = answer(2, { isSigned: true });
    bytes.fill(7, 22, 38);
    bytes.set(authenticator, 4);
    bytes.set(createHash("md5").update(bytes).update(spec.secret).digest(), 4);
    expect(judgeRadiusAnswer(bytes, spec, example)).toBe("unsigned");
  });

  test.each([[0], [1], [200]])("does not take an attribute of length %d", (length) => {
    const bytes = answer(3, { text: "hello" });
    bytes[21] = length;
    expect(judgeRadiusAnswer(bytes, spec, example)).toMatchObject({ reason: "bad-answer" });
  });
});
