import { expect, test } from "bun:test";

import { NETLINK_ROUTE } from "../../../ffi/constants/netlink.ts";
import { EAGAIN, SyscallError } from "../../../ffi/errno.ts";
import { addressOf, errno, libc } from "../../../ffi/libc.ts";
import { NetlinkBuffer, netlinkPort, openNetlinkSocket } from "../../../ffi/netlink.ts";
import { closeDescriptor } from "../../../ffi/socket.ts";

/** RTM_GETLINK of interface 1, sequence 7. */
const getLoopback = Uint8Array.fromHex(
  "2000000012000100070000000000000000000000010000000000000000000000",
);

test("NetlinkBuffer waits for the kernel's answer and takes it", () => {
  const fd = openNetlinkSocket(NETLINK_ROUTE);
  try {
    const buffer = new NetlinkBuffer();
    expect(buffer.receive(fd)).toBe(-1);
    expect(errno()).toBe(EAGAIN);
    expect(buffer.wait(fd, 0)).toBe(0);
    libc.send(fd, addressOf(getLoopback), getLoopback.length, 0);
    expect(buffer.wait(fd, 5_000)).toBe(1);
    const length = buffer.receive(fd);
    const view = new DataView(buffer.data.buffer);
    expect(view.getUint32(0, true)).toBe(length);
    expect(view.getUint32(8, true)).toBe(7);
    expect(view.getUint32(12, true)).toBe(netlinkPort(fd));
    expect(buffer.isFromKernel()).toBe(true);
  } finally {
    closeDescriptor(fd);
  }
});

test("openNetlinkSocket() throws for a protocol that is none", () => {
  expect(() => openNetlinkSocket(99)).toThrow(SyscallError);
  expect(() => openNetlinkSocket(99)).toThrow("EPROTONOSUPPORT");
});

test("openNetlinkSocket() throws for a group that is none, and leaves nothing open", () => {
  const open = () => openNetlinkSocket(NETLINK_ROUTE, { groups: [60_000] });
  expect(open).toThrow("setsockopt(2) failed with EINVAL");
  const fd = openNetlinkSocket(NETLINK_ROUTE);
  closeDescriptor(fd);
  expect(open).toThrow("EINVAL");
  const again = openNetlinkSocket(NETLINK_ROUTE);
  closeDescriptor(again);
  expect(again).toBe(fd);
});

test("each socket has a port of its own", () => {
  const fds = [1, 2].map(() => openNetlinkSocket(NETLINK_ROUTE, { receiveBytes: 65_536 }));
  const ports = fds.map(netlinkPort);
  for (const fd of fds) closeDescriptor(fd);
  expect(new Set(ports).size).toBe(2);
  expect(ports).not.toContain(0);
});
