import { expect, test } from "bun:test";

import { assembleVerdict } from "../../../../src/datapath/proxy/sockmap-program.ts";

test("assembleVerdict writes the instructions with the map's descriptor", () => {
  const hex = Buffer.from(assembleVerdict(0x2a)).toString("hex");
  expect(hex.match(/.{16}/g)).toEqual([
    "bf16000000000000", // r6 = r1
    "850000002e000000", // call bpf_get_socket_cookie (46)
    "7b0af8ff00000000", // *(u64 *)(r10 - 8) = r0
    "bf61000000000000", // r1 = r6
    "181200002a000000", // r2 = map 42, lower half
    "0000000000000000", // upper half
    "bfa3000000000000", // r3 = r10
    "07030000f8ffffff", // r3 += -8
    "b704000000000000", // r4 = 0
    "8500000048000000", // call bpf_sk_redirect_hash (72)
    "5500010000000000", // if r0 != 0 skip one
    "b700000001000000", // r0 = SK_PASS
    "9500000000000000", // exit
  ]);
});
