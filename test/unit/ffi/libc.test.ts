/**
 * Addresses of buffers: they must hold as long as the buffer does.
 *
 * @module
 */
import { expect, test } from "bun:test";

import { EPOLLIN } from "../../../ffi/constants/epoll.ts";
import { addressOf, errno, libc } from "../../../ffi/libc.ts";

test("addressOf stays right for a small typed array when hot code is compiled", () => {
  const written = new Int32Array(2);
  const address = addressOf(written);
  const read = new Int32Array(2);
  const [from, to] = [new Int32Array(2), addressOf(read)];
  libc.pipe2(addressOf(from), 0);
  let wrong = 0;
  const turn = (value: number): void => {
    written[0] = value;
    written[1] = -value;
    libc.write(from[1]!, address, 8);
    libc.read(from[0]!, to, 8);
    if (read[0] !== value || read[1] !== -value) wrong += 1;
  };
  for (let value = 1; value <= 20_000; value++) turn(value);
  for (const fd of from) libc.close(fd);
  expect(wrong).toBe(0);
  expect(addressOf(written)).toBe(address);
});

test.each<[string, (buffer: ArrayBuffer) => ArrayBuffer | ArrayBufferView, number]>([
  ["a buffer", (buffer) => buffer, 0],
  ["a view of all of it", (buffer) => new Uint8Array(buffer), 0],
  ["a view of its end", (buffer) => new Uint8Array(buffer, 12), 12],
  ["a view for words", (buffer) => new DataView(buffer, 4), 4],
])("addressOf of %s counts from the start of the buffer", (_name, view, offset) => {
  const buffer = new ArrayBuffer(16);
  expect(addressOf(view(buffer)) - addressOf(buffer)).toBe(offset);
});

test("errno tells of the call just made", () => {
  const ebadf = 9;
  const event = new Int32Array([EPOLLIN, 0, 0, 0]);
  expect(libc.epoll_ctl(-1, 1, 0, addressOf(event))).toBe(-1);
  expect(errno()).toBe(ebadf);
});
