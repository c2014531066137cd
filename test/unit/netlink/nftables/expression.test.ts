import { expect, test } from "bun:test";

import { encodeAttributes } from "../../../../src/netlink/index.ts";
import type { Attribute } from "../../../../src/netlink/index.ts";
import {
  accept,
  compare,
  decide,
  drop,
  isIn,
  isNotIn,
  jump,
  jumpVerdict,
  meta,
  payload,
} from "../../../../src/netlink/nftables/expression.ts";
import { hex } from "../../../helpers/fake-kernel.ts";

/** By linux/netfilter/nf_tables.h: NFTA_LIST_ELEM { NFTA_EXPR_NAME, NFTA_EXPR_DATA { … } }. */
test.each<[string, Attribute, string]>([
  [
    "meta",
    meta(1, 1),
    `2400 0180  0900 0100 6d65746100 000000  1400 0280
       0800 0200 00000001  0800 0100 00000001`,
  ],
  [
    "payload",
    payload({ header: "transport", offset: 8, length: 16 }, 1),
    `3400 0180  0c00 0100 7061796c6f616400  2400 0280
       0800 0100 00000001  0800 0200 00000002  0800 0300 00000008  0800 0400 00000010`,
  ],
  [
    "cmp",
    compare(1, Uint8Array.of(8, 6)),
    `2c00 0180  0800 0100 636d7000  2000 0280
       0800 0100 00000001  0800 0200 00000000  0c00 0380 0600 0100 0806 0000`,
  ],
  [
    "lookup, inverted",
    isNotIn("s", 1),
    `2c00 0180  0b00 0100 6c6f6f6b757000 00  1c00 0280
       0600 0100 7300 0000  0800 0200 00000001  0800 0500 00000001`,
  ],
  [
    "lookup",
    isIn("s", 1),
    `2400 0180  0b00 0100 6c6f6f6b757000 00  1400 0280
       0600 0100 7300 0000  0800 0200 00000001`,
  ],
  [
    "lookup into the verdict",
    decide("s", 1),
    `2c00 0180  0b00 0100 6c6f6f6b757000 00  1c00 0280
       0600 0100 7300 0000  0800 0200 00000001  0800 0300 00000000`,
  ],
  [
    "drop",
    drop,
    `3000 0180  0e00 0100 696d6d65646961746500 0000  1c00 0280
       0800 0100 00000000  1000 0280 0c00 0280 0800 0100 00000000`,
  ],
  [
    "accept",
    accept,
    `3000 0180  0e00 0100 696d6d65646961746500 0000  1c00 0280
       0800 0100 00000000  1000 0280 0c00 0280 0800 0100 00000001`,
  ],
  [
    "jump",
    jump("c"),
    `3800 0180  0e00 0100 696d6d65646961746500 0000  2400 0280
       0800 0100 00000000  1800 0280 1400 0280 0800 0100 fffffffd 0600 0200 6300 0000`,
  ],
  ["a verdict", jumpVerdict("c"), "1400 0280 0800 0100 fffffffd 0600 0200 6300 0000"],
])("%s is written as the kernel reads it", (_name, one, bytes) => {
  expect(encodeAttributes([one])).toEqual(hex(bytes));
});
