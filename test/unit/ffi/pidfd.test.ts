import { expect, test } from "bun:test";
import { readlinkSync } from "node:fs";

import { POLLIN } from "../../../ffi/constants/poll.ts";
import { addressOf, libc } from "../../../ffi/libc.ts";
import { openThreadDescriptor } from "../../../ffi/pidfd.ts";
import { closeDescriptor } from "../../../ffi/socket.ts";
import { missing, satisfied } from "../../helpers/require-peer.ts";

function threadId(): number {
  return Number(readlinkSync("/proc/thread-self").split("/").at(-1));
}

function isKernelNewEnough(): boolean {
  const fd = openThreadDescriptor(threadId());
  if (fd !== undefined) closeDescriptor(fd);
  return fd !== undefined;
}

const needs = isKernelNewEnough() ? satisfied : missing("needs PIDFD_THREAD (Linux 6.9)");

/** True once it is readable; waits for that up to `timeoutMs`. */
function isReadable(fd: number, timeoutMs: number): boolean {
  return libc.poll(addressOf(new Int32Array([fd, POLLIN])), 1, timeoutMs) === 1;
}

test.skipIf(needs.skip)(
  "openThreadDescriptor() is readable once the thread has ended",
  async () => {
    const code = `
    const { readlinkSync } = require("node:fs");
    self.onmessage = () => process.exit(0);
    self.postMessage(Number(readlinkSync("/proc/thread-self").split("/").at(-1)));`;
    const worker = new Worker(URL.createObjectURL(new Blob([code])));
    const { promise, resolve } = Promise.withResolvers<number>();
    worker.onmessage = (event: MessageEvent<number>) => resolve(event.data);
    const fd = openThreadDescriptor(await promise)!;
    try {
      expect(isReadable(fd, 0)).toBe(false);
      worker.postMessage("end");
      expect(isReadable(fd, 10_000)).toBe(true);
    } finally {
      closeDescriptor(fd);
    }
  },
);

test("openThreadDescriptor() gives nothing for a thread that is not there", () => {
  expect(openThreadDescriptor(0x3fff_fff0)).toBeUndefined();
});
