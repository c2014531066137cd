/**
 * Two-way pipes between processes (socketpair(2)), as the director has one to its guard.
 *
 * @module
 */

import { MSG_DONTWAIT, MSG_NOSIGNAL, SOCK_CLOEXEC, SOCK_STREAM } from "./constants/socket.ts";
import { AF_UNIX } from "./constants/unix.ts";
import { addressOf, libc } from "./libc.ts";
import type { Pointer } from "./libc.ts";
import { checkResult } from "./socket.ts";

/** Opens a stream with two ends. The caller owns both; neither is inherited. */
export function openPipe(): [own: number, other: number] {
  const ends = new Int32Array(2);
  const type = SOCK_STREAM | SOCK_CLOEXEC;
  checkResult(libc.socketpair(AF_UNIX, type, 0, addressOf(ends)), "socketpair", "");
  return [ends[0]!, ends[1]!];
}

/**
 * Writes without waiting; an end whose other side is gone raises no signal.
 *
 * @returns Bytes that were taken, or -1 with errno set.
 */
export function writePipe(fd: number, address: Pointer, length: number): number {
  return libc.send(fd, address, length, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/**
 * Reads without waiting.
 *
 * @returns Bytes; 0 once the other side is gone; -1 with errno set, EAGAIN if nothing is there.
 */
export function readPipe(fd: number, address: Pointer, length: number): number {
  return libc.recv(fd, address, length, MSG_DONTWAIT);
}
