import { describe, expect, test } from "bun:test";

import {
  align4,
  attribute,
  AttributeReader,
  concatenate,
  encodeAttributes,
} from "../../../src/netlink/attribute.ts";
import type { Attribute } from "../../../src/netlink/attribute.ts";
import { hex } from "../../helpers/fake-kernel.ts";

test.each([
  ["bytes", attribute.bytes(1, Uint8Array.of(1, 2, 3)), "0700 0100 010203 00"],
  ["flag", attribute.flag(2), "0400 0200"],
  ["u8", attribute.u8(3, 0xab), "0500 0300 ab 000000"],
  ["u16", attribute.u16(4, 0x1234), "0600 0400 3412 0000"],
  ["u32", attribute.u32(5, 0x12345678), "0800 0500 78563412"],
  ["u64", attribute.u64(6, 0x0102030405060708n), "0c00 0600 0807060504030201"],
  ["be16", attribute.be16(7, 80), "0600 0700 0050 0000"],
  ["be32", attribute.be32(8, 0xffffff00), "0800 0800 ffffff00"],
  ["be64", attribute.be64(9, 300n), "0c00 0900 000000000000012c"],
  ["text", attribute.text(10, "lo"), "0700 0a00 6c6f00 00"],
  ["nested", attribute.nested(11, [attribute.u8(1, 2)]), "0c00 0b80 0500 0100 02 000000"],
])("encodeAttributes() writes %s", (_name, one: Attribute, bytes) => {
  expect(encodeAttributes([one])).toEqual(hex(bytes));
});

test("encodeAttributes() refuses data that its length field cannot say", () => {
  const long = attribute.bytes(1, new Uint8Array(65_532));
  expect(() => encodeAttributes([long])).toThrow("attribute 1 fits its length field");
  expect(encodeAttributes([attribute.bytes(1, new Uint8Array(65_531))])).toHaveLength(65_536);
});

test.each([
  [0, 0],
  [1, 4],
  [4, 4],
  [5, 8],
])("align4(%i) is %i", (length, aligned) => {
  expect(align4(length)).toBe(aligned);
});

test("concatenate() joins bytes", () => {
  expect(concatenate(Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3))).toEqual(
    Uint8Array.of(1, 2, 3),
  );
});

describe("AttributeReader", () => {
  const reader = (text: string): AttributeReader => new AttributeReader(hex(text));

  test("reads each kind", () => {
    const bytes = encodeAttributes([
      attribute.u8(1, 0xab),
      attribute.u16(2, 0x1234),
      attribute.u32(3, 0x89abcdef),
      attribute.u64(4, 0xffff_ffff_ffff_ffffn),
      attribute.be16(5, 443),
      attribute.be32(6, 0xc0000201),
      attribute.be64(7, 300n),
      attribute.text(8, "eth0"),
      attribute.flag(9),
      attribute.nested(10, [attribute.u8(1, 7), attribute.u8(1, 8)]),
    ]);
    const read = new AttributeReader(bytes);
    expect(read.u8(1)).toBe(0xab);
    expect(read.u16(2)).toBe(0x1234);
    expect(read.u32(3)).toBe(0x89abcdef);
    expect(read.u64(4)).toBe(0xffff_ffff_ffff_ffffn);
    expect(read.be16(5)).toBe(443);
    expect(read.be32(6)).toBe(0xc0000201);
    expect(read.be64(7)).toBe(300n);
    expect(read.text(8)).toBe("eth0");
    expect(read.has(9)).toBe(true);
    expect(read.nested(10)?.u8(1)).toBe(8);
    expect(read.list(10)).toEqual([Uint8Array.of(7), Uint8Array.of(8)]);
    expect(read.fault).toBeUndefined();
  });

  test("gives undefined for what is not there, which is no fault", () => {
    const read = reader("");
    expect([read.u8(1), read.u64(1), read.text(1), read.bytes(1, 4), read.nested(1)]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect([read.has(1), read.list(1), read.fault]).toEqual([false, [], undefined]);
  });

  test("knows a type whatever flags it has", () => {
    expect(reader("0500 03c0 09 000000").u8(3)).toBe(9);
  });

  test("takes the last of doubles, as the kernel does", () => {
    expect(reader("0500 0100 07 000000 0500 0100 08 000000").u8(1)).toBe(8);
  });

  test("ends text at the first zero byte, or at the end", () => {
    expect(reader("0800 0100 61006200").text(1)).toBe("a");
    expect(reader("0600 0100 6162 0000").text(1)).toBe("ab");
  });

  test.each([
    ["a head that is longer than the rest", "0900 0100 01 000000"],
    ["a length below its own head", "0300 0100 00000000"],
    ["a length of zero", "0000 0100 00000000"],
  ])("notes %s", (_name, text) => {
    const read = reader(text);
    expect(read.fault).toBe("truncated");
    expect(read.has(1)).toBe(false);
  });

  test("keeps what stood before a fault", () => {
    const read = reader("0500 0100 07 000000 ff00 0200");
    expect(read.u8(1)).toBe(7);
    expect(read.fault).toBe("truncated");
  });

  test("takes fewer bytes than a head as padding", () => {
    expect(reader("0500 0100 07 000000 010203").fault).toBeUndefined();
  });

  test.each(["u8", "u32", "u64", "be16", "be32", "be64"] as const)(
    "notes a length that %s does not have",
    (kind) => {
      const read = reader("0700 0100 010203 00");
      expect(read[kind](1)).toBeUndefined();
      expect(read.fault).toBe("bad-length");
    },
  );

  test("notes bytes that are too short, not those that are longer", () => {
    const read = reader("0700 0100 010203 00");
    expect(read.bytes(1, 2)).toEqual(Uint8Array.of(1, 2, 3));
    expect(read.fault).toBeUndefined();
    expect(read.bytes(1, 4)).toBeUndefined();
    expect(read.fault).toBe("bad-length");
  });

  test("a fault in a nest is one of the message", () => {
    const read = reader("0c00 0180 0900 0100 01000000");
    expect(read.nested(1)?.has(1)).toBe(false);
    expect(read.fault).toBe("truncated");
  });
});
