import { expect, test } from "bun:test";

import { encodeAttributes } from "../../../../src/netlink/index.ts";
import type { Change } from "../../../../src/netlink/nftables/batch.ts";
import {
  addChain,
  addElements,
  addRule,
  addSet,
  addTable,
  deleteChain,
  deleteElements,
  deleteTable,
} from "../../../../src/netlink/nftables/change.ts";
import { drop } from "../../../../src/netlink/nftables/expression.ts";
import { hex } from "../../../helpers/fake-kernel.ts";

const tableT = "0600 0100 7400 0000";
const key = Uint8Array.of(192, 0, 2, 1);

/** By linux/netfilter/nf_tables.h. */
test.each<[string, Change, number, number, string]>([
  ["addTable()", addTable("t", true), 0, 0x400, `${tableT} 0800 0200 00000006`],
  ["addTable() without an owner", addTable("t", false), 0, 0x400, tableT],
  ["deleteTable()", deleteTable("t"), 2, 0, tableT],
  ["addChain()", addChain("t", "c"), 3, 0x400, `${tableT} 0600 0300 6300 0000`],
  [
    "addChain() with a hook",
    addChain("t", "c", { device: "lo", direction: "egress", priority: -1 }),
    3,
    0x400,
    `${tableT} 0600 0300 6300 0000
     1c00 0480 0800 0100 00000001 0800 0200 ffffffff 0700 0300 6c6f00 00
     0800 0500 00000001
     0b00 0700 66696c74657200 00`,
  ],
  ["deleteChain()", deleteChain("t", "c"), 5, 0, `${tableT} 0600 0300 6300 0000`],
  [
    "addRule()",
    addRule("t", "c", [drop]),
    6,
    0xc00,
    `${tableT} 0600 0200 6300 0000 3400 0480
     3000 0180 0e00 0100 696d6d65646961746500 0000 1c00 0280
     0800 0100 00000000 1000 0280 0c00 0280 0800 0100 00000000`,
  ],
  [
    "addSet() with timeouts",
    addSet("t", { name: "s", id: 3, key: "nfproto", hasTimeouts: true }),
    9,
    0x400,
    `${tableT} 0600 0200 7300 0000 0800 0300 00000010
     0800 0400 00000002 0800 0500 00000001 0800 0a00 00000003`,
  ],
  [
    "addSet() as a map",
    addSet("t", { name: "s", id: 3, key: "ipv6", data: "verdict", hasTimeouts: false }),
    9,
    0x400,
    `${tableT} 0600 0200 7300 0000 0800 0300 00000008
     0800 0400 00000008 0800 0500 00000010 0800 0a00 00000003
     0800 0600 ffffff00 0800 0700 00000010`,
  ],
  [
    "addElements() with a timeout",
    addElements("t", "s", [{ key, timeoutMs: 300.9 }]),
    12,
    0x400,
    `${tableT} 0600 0200 7300 0000 2000 0380
     1c00 0180 0c00 0180 0800 0100 c0000201 0c00 0400 000000000000012c`,
  ],
  [
    "addElements() of a map",
    addElements("t", "s", [{ key, jump: "c" }]),
    12,
    0x400,
    `${tableT} 0600 0200 7300 0000 2c00 0380
     2800 0180 0c00 0180 0800 0100 c0000201
     1800 0280 1400 0280 0800 0100 fffffffd 0600 0200 6300 0000`,
  ],
  [
    "deleteElements()",
    deleteElements("t", "s", [{ key }]),
    14,
    0,
    `${tableT} 0600 0200 7300 0000 1400 0380 1000 0180 0c00 0180 0800 0100 c0000201`,
  ],
])("%s is written as the kernel reads it", (_name, change, message, flags, bytes) => {
  expect([change.message, change.flags ?? 0]).toEqual([message, flags]);
  expect(encodeAttributes(change.attributes)).toEqual(hex(bytes));
});
