import { describe, expect, test } from "bun:test";

import { RTM_NEWLINK, RTM_NEWNEIGH } from "../../../../ffi/constants/rtnetlink.ts";
import { decodeNeighbour, encodeGetNeighbours } from "../../../../src/netlink/route/neighbour.ts";
import { hex, messageOf } from "../../../helpers/fake-kernel.ts";

describe("decodeNeighbour()", () => {
  const read = (text: string) => decodeNeighbour(messageOf(RTM_NEWNEIGH, hex(text)));

  test.each([
    [0x00, "none"],
    [0x01, "incomplete"],
    [0x02, "reachable"],
    [0x04, "stale"],
    [0x08, "delay"],
    [0x10, "asking"],
    [0x20, "failed"],
    [0x40, "noarp"],
    [0x80, "permanent"],
  ] as const)("reads state %i as %s", (bit, state) => {
    const bits = bit.toString(16).padStart(2, "0");
    const text = `02 000000 03000000 ${bits}00 00 01  0800 0100 c0000201`;
    expect(read(text)).toMatchObject({ value: { state } });
  });

  test("reads address and hardware address", () => {
    const text = `
      0a 000000 03000000 0200 80 01       # AF_INET6, interface 3, reachable, a router
      1400 0100 fe800000000000000000000000000001
      0a00 0200 020000000001 0000
    `;
    expect(read(text)).toEqual({
      ok: true,
      value: {
        index: 3,
        family: 6,
        address: "fe80::1",
        mac: "02:00:00:00:00:01",
        state: "reachable",
      },
    });
    const unknown = read("02 000000 03000000 0100 00 01  0800 0100 c0000201");
    expect(unknown).toMatchObject({ value: { mac: "" } });
  });

  test("leaves those of bridges and other messages to others", () => {
    const bridge = read("07 000000 03000000 8000 00 00  0a00 0200 020000000001 0000");
    expect(bridge).toEqual({ ok: true, value: undefined });
    const other = decodeNeighbour(messageOf(RTM_NEWLINK, new Uint8Array(12)));
    expect(other).toEqual({ ok: true, value: undefined });
  });

  test.each([
    ["truncated", "02 000000 03000000"],
    ["missing", "02 000000 03000000 0200 00 01"],
    ["bad-length", "02 000000 03000000 0200 00 01 0500 0100 c0 000000"],
  ] as const)("says that it is %s", (fault, text) => {
    expect(read(text)).toEqual({ ok: false, fault });
  });
});

test("encodeGetNeighbours() asks for all", () => {
  expect(encodeGetNeighbours()).toEqual(new Uint8Array(12));
});
