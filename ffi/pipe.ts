/**
 * Pipes between processes (pipe2(2)), as the director has one to its guard.
 *
 * @module
 */

import { O_CLOEXEC } from "./constants/socket.ts";
import { addressOf, libc } from "./libc.ts";
import { checkResult } from "./socket.ts";

/** Opens a pipe: read end, write end. The caller owns both; neither is inherited. */
export function openPipe(): [readFd: number, writeFd: number] {
  const ends = new Int32Array(2);
  checkResult(libc.pipe2(addressOf(ends), O_CLOEXEC), "pipe2", "");
  return [ends[0]!, ends[1]!];
}
