/**
 * How connects of the portable engine begin: from where, with which options, and what stops them.
 *
 * @module
 */

import { describe, expect, test } from "bun:test";

import {
  IPPROTO_TCP,
  SO_KEEPALIVE,
  SOL_SOCKET,
  TCP_KEEPIDLE,
  TCP_NODELAY,
  TCP_USER_TIMEOUT,
} from "../../../../ffi/constants/socket.ts";
import { EADDRNOTAVAIL } from "../../../../ffi/errno.ts";
import { closeDescriptor, getOption, localAddress } from "../../../../ffi/socket.ts";
import { dial } from "../../../../src/datapath/portable/dial.ts";
import { formatAddress, parseAddress } from "../../../../src/net/address.ts";
import { longTimeouts } from "../../../helpers/traffic/forwarding.ts";
import { openTcpServer } from "../../../helpers/traffic/tcp.ts";

const loopback = parseAddress("127.0.0.1")!;

describe("dial", () => {
  test("connects from the source address with the options asked for", async () => {
    await using server = openTcpServer();
    const dialed = dial({
      address: loopback,
      port: server.port,
      source: parseAddress("127.0.0.44")!,
      timeouts: { ...longTimeouts, keepaliveMs: 7000, userTimeoutMs: 9000 },
    });
    if (!dialed.ok) throw new Error(`errno ${dialed.errno}`);
    const peer = await server.peer();
    expect(peer.remote).toStartWith("127.0.0.44:");
    expect(formatAddress(localAddress(dialed.fd)!.address)).toBe("127.0.0.44");
    expect(getOption(dialed.fd, IPPROTO_TCP, TCP_NODELAY)).toBe(1);
    expect(getOption(dialed.fd, SOL_SOCKET, SO_KEEPALIVE)).toBe(1);
    expect(getOption(dialed.fd, IPPROTO_TCP, TCP_KEEPIDLE)).toBe(7);
    expect(getOption(dialed.fd, IPPROTO_TCP, TCP_USER_TIMEOUT)).toBe(9000);
    closeDescriptor(dialed.fd);
  });

  test("leaves keep-alive off when it is not asked for", async () => {
    await using server = openTcpServer();
    const { port } = server;
    const dialed = dial({ address: loopback, port, source: undefined, timeouts: longTimeouts });
    if (!dialed.ok) throw new Error(`errno ${dialed.errno}`);
    expect(getOption(dialed.fd, SOL_SOCKET, SO_KEEPALIVE)).toBe(0);
    closeDescriptor(dialed.fd);
  });

  test("tells the errno of a source address that the host does not have", () => {
    const source = parseAddress("198.51.100.200")!;
    const dialed = dial({ address: loopback, port: 9, source, timeouts: longTimeouts });
    expect(dialed).toEqual({ ok: false, errno: EADDRNOTAVAIL });
  });
});
