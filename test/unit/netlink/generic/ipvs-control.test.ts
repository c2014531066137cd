import { describe, expect, test } from "bun:test";

import {
  decodeDaemon,
  decodeInfo,
  decodeTimeouts,
  encodeDaemon,
  encodeTimeouts,
} from "../../../../src/netlink/generic/ipvs-control.ts";
import { encodeAttributes } from "../../../../src/netlink/index.ts";
import { hex, messageOf } from "../../../helpers/fake-kernel.ts";

const message = (text: string) => messageOf(0x22, hex(text));

test("decodeInfo() reads version and size", () => {
  const info = decodeInfo(message("0e 01 0000  0800 0100 01020100  0800 0200 00100000"));
  expect(info).toEqual({ ok: true, value: { version: "1.2.1", connectionTableSize: 4096 } });
  expect(decodeInfo(message("0e 01 0000"))).toEqual({ ok: false, fault: "missing" });
  expect(decodeInfo(message("0e 01"))).toEqual({ ok: false, fault: "truncated" });
});

test("encodeTimeouts() and decodeTimeouts() are of the same bytes", () => {
  const timeouts = { tcpSeconds: 900, tcpFinSeconds: 120, udpSeconds: 300 };
  const bytes = "0800 0400 84030000  0800 0500 78000000  0800 0600 2c010000";
  expect(encodeAttributes(encodeTimeouts(timeouts))).toEqual(hex(bytes));
  expect(decodeTimeouts(message(`0c 01 0000 ${bytes}`))).toEqual({ ok: true, value: timeouts });
  expect(decodeTimeouts(message("0c 01 0000 0500 0400 01 000000"))).toEqual({
    ok: false,
    fault: "bad-length",
  });
});

describe("daemons", () => {
  const full = {
    role: "active",
    interfaceName: "eth1",
    syncId: 3,
    payloadBytes: 1400,
    group: "224.0.0.85",
    port: 8849,
    ttl: 2,
  } as const;
  const fullBytes = `
    4000 0380
    0800 0100 01000000                      # STATE, the one that sends
    0900 0200 6574683100 000000             # MCAST_IFN eth1
    0800 0300 03000000                      # SYNC_ID
    0600 0400 7805 0000                     # SYNC_MAXLEN
    0800 0500 e0000055                      # MCAST_GROUP
    0600 0700 9122 0000                     # MCAST_PORT, host order
    0500 0800 02 000000                     # MCAST_TTL
  `;

  test("encodeDaemon() and decodeDaemon() are of the same bytes", () => {
    expect(encodeAttributes([encodeDaemon(full)])).toEqual(hex(fullBytes));
    expect(decodeDaemon(message(`09 01 0000 ${fullBytes}`))).toEqual({ ok: true, value: full });
  });

  test("encodeDaemon() leaves out what the kernel chooses", () => {
    const daemon = { role: "backup", interfaceName: "eth1", syncId: 0 } as const;
    expect(encodeAttributes([encodeDaemon(daemon)])).toEqual(
      hex("2000 0380 0800 0100 02000000 0900 0200 6574683100 000000 0800 0300 00000000"),
    );
  });

  test("a group of IPv6 has an attribute of its own", () => {
    const group = "ff02::81";
    const bytes = encodeAttributes([encodeDaemon({ ...full, group })]);
    const read = decodeDaemon(messageOf(0x22, [9, 1, 0, 0, ...bytes]));
    expect(read).toEqual({ ok: true, value: { ...full, group } });
    expect(bytes.toHex()).toContain("14000600ff02000000000000");
  });

  test.each([
    ["missing", "09 01 0000"],
    ["missing", "09 01 0000 0c00 0380 0800 0100 07000000"],
    ["truncated", "09 01 0000 0c00 0380 0900 0100 01000000"],
  ] as const)("decodeDaemon() says that it is %s", (fault, text) => {
    expect(decodeDaemon(message(text))).toEqual({ ok: false, fault });
  });
});
