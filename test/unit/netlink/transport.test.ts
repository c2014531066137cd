import { expect, test } from "bun:test";

import { NETLINK_ROUTE } from "../../../ffi/constants/netlink.ts";
import { addressOf, libc } from "../../../ffi/libc.ts";
import { NetlinkError, openTransport } from "../../../src/netlink/index.ts";

/** RTM_GETLINK of interface 1, sequence 7. */
const getLoopback = Uint8Array.fromHex(
  "2000000012000100070000000000000000000000010000000000000000000000",
);

test("openTransport() talks with the kernel", () => {
  const transport = openTransport(NETLINK_ROUTE);
  try {
    expect(transport.receive(0)).toEqual({ kind: "nothing" });
    transport.send(getLoopback);
    const received = transport.receive(5_000);
    expect(received).toMatchObject({ kind: "datagram" });
    expect(transport.receive(10)).toEqual({ kind: "nothing" });
    expect(transport.port).toBeGreaterThan(0);
  } finally {
    transport.close();
  }
});

test("a transport takes nothing from another process", () => {
  const transport = openTransport(NETLINK_ROUTE);
  const stranger = openTransport(NETLINK_ROUTE);
  try {
    // AF_NETLINK and the port of the first socket.
    const to = new Uint32Array([16, transport.port, 0]);
    // Without CAP_NET_ADMIN the kernel does not even carry it.
    libc.sendto(stranger.fd, addressOf(getLoopback), 32, 0, addressOf(to), 12);
    transport.send(getLoopback);
    const received = transport.receive(5_000);
    // The kernel's answer is longer than the forged bytes, which came first.
    expect(received.kind === "datagram" ? received.bytes.length : 0).toBeGreaterThan(32);
  } finally {
    stranger.close();
    transport.close();
  }
});

test("a transport that is closed twice does not close the next one's descriptor", () => {
  const first = openTransport(NETLINK_ROUTE);
  first.close();
  const second = openTransport(NETLINK_ROUTE);
  first.close();
  second.send(getLoopback);
  expect(second.receive(5_000).kind).toBe("datagram");
  second.close();
});

test("a transport says that the kernel does not take its bytes", () => {
  const transport = openTransport(NETLINK_ROUTE);
  try {
    // More than the send buffer holds.
    expect(() => transport.send(new Uint8Array(64 * 1024 * 1024))).toThrow("EMSGSIZE");
  } finally {
    transport.close();
  }
});

test("openTransport() tells a missing protocol from other failures", () => {
  const codeOf = (protocol: number, groups: readonly number[]): string => {
    try {
      openTransport(protocol, { groups }).close();
      return "";
    } catch (error) {
      return error instanceof NetlinkError ? error.code : String(error);
    }
  };
  expect(codeOf(31, [])).toBe("NETLINK_NOT_SUPPORTED");
  expect(codeOf(NETLINK_ROUTE, [60_000])).toBe("NETLINK_SOCKET");
});
