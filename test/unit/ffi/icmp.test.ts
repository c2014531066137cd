/**
 * Echo sockets.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";

import { AF_INET, AF_INET6 } from "../../../ffi/constants/socket.ts";
import { openEchoSocket, receiveDatagram, sendDatagram } from "../../../ffi/icmp.ts";
import { libc } from "../../../ffi/libc.ts";
import { encodeSockaddr } from "../../../ffi/sockaddr.ts";
import { parseAddress } from "../../../src/net/address.ts";
import { decodeEcho, encodeEcho, ipv4Payload } from "../../../src/net/icmp.ts";
import { requireRoot } from "../../helpers/require-peer.ts";
import { waitFor } from "../../helpers/wait.ts";

const root = requireRoot();

describe.skipIf(root.skip)("an echo socket", () => {
  test.each<[4 | 6, number, string]>([
    [4, AF_INET, "127.0.0.9"],
    [6, AF_INET6, "::1"],
  ])("of IPv%i hears its reply, with the source", async (family, domain, address) => {
    const { fd, isRaw } = openEchoSocket(domain);
    const bytes = parseAddress(address)!;
    const data = crypto.getRandomValues(new Uint8Array(16));
    const echo = { kind: "request", identifier: 7, sequence: 9, data } as const;
    expect(sendDatagram(fd, encodeEcho(family, echo), encodeSockaddr(bytes, 0))).toBe(0);
    const buffer = new Uint8Array(512);
    const message = await waitFor(
      () => {
        const datagram = receiveDatagram(fd, buffer);
        if (datagram === undefined) return undefined;
        const payload = isRaw && family === 4 ? ipv4Payload(datagram.bytes)! : datagram.bytes;
        const decoded = decodeEcho(family, payload);
        const isMine = decoded.ok && Buffer.compare(decoded.echo.data, data) === 0;
        return isMine ? { ...decoded.echo, address: datagram.address.slice() } : undefined;
      },
      { what: "the reply" },
    );
    expect(message.kind).toBe("reply");
    expect(message.sequence).toBe(9);
    expect([...message.address]).toEqual([...bytes]);
    expect(receiveDatagram(fd, buffer)).toBeUndefined();
    libc.close(fd);
  });
});

test.skipIf(root.skip)("sendDatagram gives the errno of what cannot be sent", () => {
  const { fd } = openEchoSocket(AF_INET);
  const eacces = 13;
  const broadcast = encodeSockaddr(Uint8Array.of(255, 255, 255, 255), 0);
  const echo = { kind: "request", identifier: 1, sequence: 1, data: new Uint8Array(8) } as const;
  const error = sendDatagram(fd, encodeEcho(4, echo), broadcast);
  expect([eacces, 101]).toContain(error);
  libc.close(fd);
});
