import { expect, test } from "bun:test";

import { EAGAIN, EPIPE } from "../../../ffi/errno.ts";
import { addressOf, errno } from "../../../ffi/libc.ts";
import { openPipe, readPipe, writePipe } from "../../../ffi/pipe.ts";
import { closeDescriptor } from "../../../ffi/socket.ts";

test("openPipe() gives two ends of one stream, which goes both ways", () => {
  const [own, other] = openPipe();
  const sent = Uint8Array.of(1, 2, 3);
  const received = new Uint8Array(8);
  for (const [from, to] of [
    [own, other],
    [other, own],
  ] as const) {
    expect(writePipe(from, addressOf(sent), 3)).toBe(3);
    expect(readPipe(to, addressOf(received), 8)).toBe(3);
    expect(received.subarray(0, 3)).toEqual(sent);
  }
  expect(readPipe(other, addressOf(received), 8)).toBe(-1);
  expect(errno()).toBe(EAGAIN);
  closeDescriptor(own);
  // The end of the other side is how a guard learns that its director died, and it of the guard.
  expect(readPipe(other, addressOf(received), 8)).toBe(0);
  expect(writePipe(other, addressOf(sent), 3)).toBe(-1);
  expect(errno()).toBe(EPIPE);
  closeDescriptor(other);
});
