import { describe, expect, test } from "bun:test";

import {
  createPersistenceQuery,
  maskWords,
  setClientAddress,
  tagOf,
} from "../../../../src/datapath/persistence/query.ts";
import { formatAddress, maskAddress, parseAddress } from "../../../../src/net/address.ts";

const allOnes = [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff];

test.each([
  { prefixBits: 0, masked: [0, 0, 0, 0] },
  { prefixBits: 1, masked: [0x80000000, 0, 0, 0] },
  { prefixBits: 24, masked: [0xffffff00, 0, 0, 0] },
  { prefixBits: 31, masked: [0xfffffffe, 0, 0, 0] },
  { prefixBits: 32, masked: [0xffffffff, 0, 0, 0] },
  { prefixBits: 33, masked: [0xffffffff, 0x80000000, 0, 0] },
  { prefixBits: 64, masked: [0xffffffff, 0xffffffff, 0, 0] },
  { prefixBits: 127, masked: [0xffffffff, 0xffffffff, 0xffffffff, 0xfffffffe] },
  { prefixBits: 128, masked: allOnes },
])("maskWords keeps the first $prefixBits bits", ({ prefixBits, masked }) => {
  const words = Uint32Array.from(allOnes);
  maskWords(words, prefixBits);
  expect(words).toEqual(Uint32Array.from(masked));
});

describe("setClientAddress", () => {
  test.each([
    { address: "192.0.2.55", prefixBits: 32, isIpv6: false, words: [0xc0000237, 0, 0, 0] },
    { address: "192.0.2.55", prefixBits: 24, isIpv6: false, words: [0xc0000200, 0, 0, 0] },
    {
      address: "2001:db8:1:2:ffff::9",
      prefixBits: 128,
      isIpv6: true,
      words: [0x20010db8, 0x00010002, 0xffff0000, 9],
    },
    {
      address: "2001:db8:1:2:ffff::9",
      prefixBits: 56,
      isIpv6: true,
      words: [0x20010db8, 0x00010000, 0, 0],
    },
  ])("$address/$prefixBits", ({ address, prefixBits, isIpv6, words }) => {
    const query = createPersistenceQuery();
    setClientAddress(query, parseAddress(address)!, prefixBits);
    expect(query.isIpv6).toBe(isIpv6);
    expect(query.words).toEqual(Uint32Array.from(words));
  });

  test("leaves nothing of the client before", () => {
    const query = createPersistenceQuery();
    setClientAddress(query, parseAddress("2001:db8::ffff")!, 128);
    setClientAddress(query, parseAddress("192.0.2.1")!, 32);
    expect([...query.words]).toEqual([0xc0000201, 0, 0, 0]);
  });

  test.each([0, 1, 7, 8, 23, 24, 31, 32])("agrees with maskAddress for IPv4 /%i", (bits) => {
    const address = parseAddress("203.0.113.173")!;
    const query = createPersistenceQuery();
    setClientAddress(query, address, bits);
    const bytes = Uint8Array.of(24, 16, 8, 0).map((shift) => query.words[0]! >>> shift);
    expect(formatAddress(bytes)).toBe(formatAddress(maskAddress(address, bits)));
  });

  test("refuses bytes that are no address", () => {
    const query = createPersistenceQuery();
    expect(() => setClientAddress(query, new Uint8Array(5), 32)).toThrow("4 or 16 bytes");
  });
});

test("tagOf tells services and families apart, and is never 0", () => {
  const query = createPersistenceQuery();
  const tags = [0, 1, 2 ** 30 - 2].flatMap((serviceSlot) =>
    [false, true].map((isIpv6) => tagOf({ ...query, serviceSlot, isIpv6 })),
  );
  expect(tags).toEqual([2, 3, 4, 5, 2 ** 31 - 2, 2 ** 31 - 1]);
});

test.each([-1, 2 ** 30 - 1])("tagOf refuses service slot %i", (serviceSlot) => {
  expect(() => tagOf({ ...createPersistenceQuery(), serviceSlot })).toThrow("out of range");
});
