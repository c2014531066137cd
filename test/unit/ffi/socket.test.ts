import { expect, test } from "bun:test";

import { AF_INET, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET } from "../../../ffi/constants/socket.ts";
import { SyscallError } from "../../../ffi/errno.ts";
import { encodeSockaddr } from "../../../ffi/sockaddr.ts";
import {
  allowForeignAddress,
  closeDescriptor,
  getOption,
  localAddress,
  openSocket,
  setOption,
  tryBind,
} from "../../../ffi/socket.ts";

function withSocket(use: (fd: number) => void): void {
  const fd = openSocket(AF_INET, SOCK_STREAM);
  try {
    use(fd);
  } finally {
    closeDescriptor(fd);
  }
}

test("openSocket names the errno when the family is unknown", () => {
  expect(() => openSocket(9999, SOCK_STREAM)).toThrow(SyscallError);
  expect(() => openSocket(9999, SOCK_STREAM)).toThrow("EAFNOSUPPORT");
});

test("setOption sets what getOption reads", () => {
  withSocket((fd) => {
    setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    expect(getOption(fd, SOL_SOCKET, SO_REUSEADDR)).toBe(1);
  });
});

test("tryBind is false when another socket has the address", () => {
  withSocket((first) => {
    expect(tryBind(first, encodeSockaddr(Uint8Array.of(127, 0, 0, 1), 0), "any port")).toBe(true);
    const { port } = localAddress(first)!;
    withSocket((second) => {
      const taken = encodeSockaddr(Uint8Array.of(127, 0, 0, 1), port);
      expect(tryBind(second, taken, "the same port")).toBe(false);
    });
  });
});

test("allowForeignAddress lets a socket bind an address the host does not have", () => {
  // 192.0.2.0/24 is for documentation (RFC 5737): no host has it.
  const foreign = encodeSockaddr(Uint8Array.of(192, 0, 2, 77), 0);
  withSocket((fd) => expect(() => tryBind(fd, foreign, "192.0.2.77")).toThrow("EADDRNOTAVAIL"));
  withSocket((fd) => {
    allowForeignAddress(fd, AF_INET);
    expect(tryBind(fd, foreign, "192.0.2.77")).toBe(true);
  });
});
