/**
 * Datagrams to a Unix socket, as sd_notify(3) needs them: Bun has stream sockets only.
 *
 * ```text
 * struct sockaddr_un: family u16 host | path up to 108 bytes                       unix(7)
 * ```
 *
 * @module
 */

import { MSG_DONTWAIT, MSG_NOSIGNAL, SOCK_DGRAM } from "./constants/socket.ts";
import { AF_UNIX, UNIX_PATH_MAX } from "./constants/unix.ts";
import { addressOf, libc } from "./libc.ts";
import { checkResult, closeDescriptor, openSocket } from "./socket.ts";

/**
 * Encodes the address of a Unix socket; a leading `@` stands for the abstract namespace. Pure.
 *
 * @returns Undefined if the path is empty or too long.
 */
export function encodeUnixAddress(path: string): Uint8Array | undefined {
  const name = new TextEncoder().encode(path);
  if (name.length === 0 || name.length >= UNIX_PATH_MAX) return undefined;
  const isAbstract = path.startsWith("@");
  // A path ends with a zero byte; an abstract name is as long as the address says.
  const bytes = new Uint8Array(2 + name.length + (isAbstract ? 0 : 1));
  bytes[0] = AF_UNIX;
  bytes.set(name, 2);
  if (isAbstract) bytes[2] = 0;
  return bytes;
}

/**
 * Sends one datagram to the socket at `address` of {@link encodeUnixAddress}, without waiting.
 *
 * @throws {SyscallError} for example `ENOENT`, `ECONNREFUSED`, or `EAGAIN` if its queue is full.
 */
export function sendUnixDatagram(address: Uint8Array, payload: Uint8Array): void {
  const fd = openSocket(AF_UNIX, SOCK_DGRAM);
  try {
    const sent = libc.sendto(
      fd,
      addressOf(payload),
      payload.length,
      MSG_NOSIGNAL | MSG_DONTWAIT,
      addressOf(address),
      address.length,
    );
    checkResult(sent, "sendto", "datagram to a Unix socket");
  } finally {
    closeDescriptor(fd);
  }
}
