import { expect, test } from "bun:test";

import { attribute, decodeMessages } from "../../../../src/netlink/index.ts";
import {
  encodeNetfilter,
  encodeTransaction,
  nftablesType,
  transactionMessages,
} from "../../../../src/netlink/nftables/batch.ts";
import { hex } from "../../../helpers/fake-kernel.ts";

const change = { message: 2, flags: 0x400, attributes: [attribute.text(1, "t")] };

test("encodeTransaction() puts changes between marks, numbered on", () => {
  const bytes = encodeTransaction([change, change], 7);
  expect(bytes).toEqual(
    hex(`
      14000000 1000 0100 07000000 00000000  00 00 000a          # NFNL_MSG_BATCH_BEGIN, nf_tables
      1c000000 020a 0104 08000000 00000000  05 00 0000  0600 0100 7400 0000
      1c000000 020a 0504 09000000 00000000  05 00 0000  0600 0100 7400 0000   # asks for an ack
      14000000 1100 0100 0a000000 00000000  00 00 000a          # NFNL_MSG_BATCH_END
    `),
  );
  expect(decodeMessages(bytes).messages).toHaveLength(transactionMessages([change, change]));
});

test("encodeNetfilter() writes the head of nfnetlink", () => {
  expect(encodeNetfilter(5, 10, [])).toEqual(hex("05 00 000a"));
});

test("nftablesType() names the subsystem", () => {
  expect(nftablesType(12)).toBe(0x0a0c);
});
