import { describe, expect, test } from "bun:test";

import { RTM_NEWQDISC, RTM_NEWTFILTER } from "../../../../ffi/constants/traffic-control.ts";
import {
  decodeFilter,
  decodeQdisc,
  encodeClsact,
  encodeGetFilters,
  encodeGetQdiscs,
  encodeNewFilter,
  encodeOldFilter,
} from "../../../../src/netlink/route/traffic-control.ts";
import { hex, messageOf } from "../../../helpers/fake-kernel.ts";

const place = { index: 3, direction: "in", preference: 1, handle: 2 } as const;

test("encodeClsact() names the device, the place and the kind", () => {
  expect(encodeClsact(3)).toEqual(
    hex("00000000 03000000 0000ffff f1ffffff 00000000  0b00 0100 636c7361637400 00"),
  );
});

test("encodeNewFilter() describes a direct-action program of all protocols", () => {
  expect(encodeNewFilter({ ...place, program: 9, name: "abc" })).toEqual(
    hex(`
      00000000 03000000 02000000 f2ffffff 00030100   # ETH_P_ALL, preference 1
      0800 0100 62706600                             # kind bpf
      0800 0b00 00000000                             # chain 0
      2400 0280
        0800 0600 09000000                           # program
        0800 0700 61626300                           # name
        0800 0800 01000000                           # direct-action
        0800 0900 01000000                           # not in the card
    `),
  );
});

test("encodeOldFilter() and encodeGetFilters() tell ingress from egress", () => {
  expect(encodeOldFilter({ ...place, direction: "out", chain: 5 })).toEqual(
    hex(`
      00000000 03000000 02000000 f3ffffff 00030100
      0800 0100 62706600 0800 0b00 05000000
    `),
  );
  expect(encodeGetFilters(3, "in")).toEqual(hex("00000000 03000000 00000000 f2ffffff 00000000"));
  expect(encodeGetFilters(3, "out")).toEqual(hex("00000000 03000000 00000000 f3ffffff 00000000"));
  expect(encodeGetQdiscs()).toEqual(new Uint8Array(20));
});

describe("decodeQdisc()", () => {
  const read = (text: string) => decodeQdisc(messageOf(RTM_NEWQDISC, hex(text)));

  test.each([
    ["0000ffff f1ffffff", true],
    ["00000000 ffffffff", false],
  ])("%s: at ingress %p", (ids, isAtIngress) => {
    const text = `00000000 03000000 ${ids} 01000000  0b00 0100 636c7361637400 00`;
    expect(read(text)).toEqual({ ok: true, value: { index: 3, kind: "clsact", isAtIngress } });
  });

  test.each([
    ["truncated", "00000000 03000000"],
    ["missing", "00000000 03000000 00000000 ffffffff 01000000"],
    ["truncated", "00000000 03000000 00000000 ffffffff 01000000 0f00 0100 636c"],
  ] as const)("says that it is %s", (fault, text) => {
    expect(read(text)).toEqual({ ok: false, fault });
  });

  test("leaves other messages to others", () => {
    const other = decodeQdisc(messageOf(RTM_NEWTFILTER, new Uint8Array(20)));
    expect(other).toEqual({ ok: true, value: undefined });
  });
});

describe("decodeFilter()", () => {
  const read = (text: string) => decodeFilter(messageOf(RTM_NEWTFILTER, hex(text)));
  const head = "00000000 03000000 02000000 f2ffffff 00030700";

  test("reads a bpf filter", () => {
    const text = `
      ${head} 0800 0100 62706600 0800 0b00 04000000
      1400 0200 0800 0700 61626300 0800 0b00 2a000000
    `;
    expect(read(text)).toEqual({
      ok: true,
      value: { kind: "bpf", chain: 4, preference: 7, handle: 2, name: "abc", programId: 42 },
    });
  });

  test("does not read the options of other kinds", () => {
    const text = `${head} 0800 0100 75333200 0600 0200 0101 0000`;
    expect(read(text)).toEqual({
      ok: true,
      value: { kind: "u32", chain: 0, preference: 7, handle: 2, name: "", programId: 0 },
    });
  });

  test.each([
    ["truncated", "00000000 03000000"],
    ["missing", head],
    ["bad-length", `${head} 0800 0100 62706600 0500 0b00 04000000`],
  ] as const)("says that it is %s", (fault, text) => {
    expect(read(text)).toEqual({ ok: false, fault });
  });

  test("leaves other messages to others", () => {
    const other = decodeFilter(messageOf(RTM_NEWQDISC, new Uint8Array(20)));
    expect(other).toEqual({ ok: true, value: undefined });
  });
});
