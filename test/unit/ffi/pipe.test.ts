import { expect, test } from "bun:test";

import { addressOf, libc } from "../../../ffi/libc.ts";
import { openPipe } from "../../../ffi/pipe.ts";
import { closeDescriptor } from "../../../ffi/socket.ts";

test("openPipe() gives two ends of one pipe", () => {
  const [readFd, writeFd] = openPipe();
  const sent = Uint8Array.of(1, 2, 3);
  const received = new Uint8Array(8);
  expect(libc.write(writeFd, addressOf(sent), 3)).toBe(3);
  expect(libc.read(readFd, addressOf(received), 8)).toBe(3);
  expect(received.subarray(0, 3)).toEqual(sent);
  closeDescriptor(writeFd);
  // The end of the other side is how a guard learns that its director died.
  expect(libc.read(readFd, addressOf(received), 8)).toBe(0);
  closeDescriptor(readFd);
});
