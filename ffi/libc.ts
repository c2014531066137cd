/**
 * libc as raw bindings: what the kernel said, as a number.
 *
 * Opened once a thread. Pointers are numbers from {@link addressOf}, computed once for buffers
 * that live as long as the program: that is 3 to 15 ns a call, a typed array argument costs 20
 * more. A binding returns what libc returns (-1 on failure) and {@link errno} must be read before
 * any other call. Thin wrappers that throw stand in `ffi/socket.ts` and others; hot loops, in
 * which EAGAIN is normal, use these.
 *
 * @module
 */

import { dlopen, FFIType, ptr, read } from "bun:ffi";
import type { Pointer } from "bun:ffi";

const { i32, u32, u64, i64, ptr: pointer } = FFIType;

/** Bindings; see the section 2 manual page of each name. */
export const { symbols: libc } = dlopen("libc.so.6", {
  __errno_location: { args: [], returns: pointer },
  socket: { args: [i32, i32, i32], returns: i32 },
  socketpair: { args: [i32, i32, i32, pointer], returns: i32 },
  bind: { args: [i32, pointer, u32], returns: i32 },
  listen: { args: [i32, i32], returns: i32 },
  accept4: { args: [i32, pointer, pointer, i32], returns: i32 },
  connect: { args: [i32, pointer, u32], returns: i32 },
  close: { args: [i32], returns: i32 },
  shutdown: { args: [i32, i32], returns: i32 },
  setsockopt: { args: [i32, i32, i32, pointer, u32], returns: i32 },
  getsockopt: { args: [i32, i32, i32, pointer, pointer], returns: i32 },
  getsockname: { args: [i32, pointer, pointer], returns: i32 },
  getpeername: { args: [i32, pointer, pointer], returns: i32 },
  recv: { args: [i32, pointer, u64, i32], returns: i32 },
  send: { args: [i32, pointer, u64, i32], returns: i32 },
  recvfrom: { args: [i32, pointer, u64, i32, pointer, pointer], returns: i32 },
  sendto: { args: [i32, pointer, u64, i32, pointer, u32], returns: i32 },
  recvmsg: { args: [i32, pointer, i32], returns: i32 },
  sendmsg: { args: [i32, pointer, i32], returns: i32 },
  splice: { args: [i32, pointer, i32, pointer, u64, u32], returns: i32 },
  pipe2: { args: [pointer, i32], returns: i32 },
  fcntl: { args: [i32, i32, i64], returns: i32 },
  ioctl: { args: [i32, u64, pointer], returns: i32 },
  epoll_create1: { args: [i32], returns: i32 },
  epoll_ctl: { args: [i32, i32, i32, pointer], returns: i32 },
  epoll_wait: { args: [i32, pointer, i32, i32], returns: i32 },
  poll: { args: [pointer, u64, i32], returns: i32 },
  eventfd: { args: [u32, i32], returns: i32 },
  read: { args: [i32, pointer, u64], returns: i32 },
  write: { args: [i32, pointer, u64], returns: i32 },
  getrlimit: { args: [i32, pointer], returns: i32 },
  setrlimit: { args: [i32, pointer], returns: i32 },
  clock_gettime: { args: [i32, pointer], returns: i32 },
  timerfd_create: { args: [i32, i32], returns: i32 },
  timerfd_settime: { args: [i32, i32, pointer, pointer], returns: i32 },
  sched_setscheduler: { args: [i32, i32, pointer], returns: i32 },
  setpriority: { args: [i32, i32, i32], returns: i32 },
  mlock2: { args: [u64, u64, u32], returns: i32 },
  mlockall: { args: [i32], returns: i32 },
  nanosleep: { args: [pointer, pointer], returns: i32 },
  prctl: { args: [i32, u64, u64, u64, u64], returns: i32 },
  getpagesize: { args: [], returns: i32 },
  mmap: { args: [u64, u64, i32, i32, i32, i64], returns: u64 },
  mount: { args: [pointer, pointer, pointer, u64, pointer], returns: i32 },
  umount2: { args: [pointer, i32], returns: i32 },
  setns: { args: [i32, i32], returns: i32 },
  statfs: { args: [pointer, pointer], returns: i32 },
  munmap: { args: [u64, u64], returns: i32 },
  madvise: { args: [u64, u64, i32], returns: i32 },
  syscall: { args: [i64, i32, pointer, u32], returns: i32 },
});

/** Address of this thread's errno. It never moves, so it is asked for once. */
const errnoAddress = libc.__errno_location()!;

/** Positive errno of the call just made on this thread. Read it before any other call. */
export function errno(): number {
  return read.i32(errnoAddress, 0);
}

/**
 * Address of a buffer. Valid as long as the buffer is referenced; it is never moved.
 *
 * A small typed array lives in the garbage collected heap until something asks for its `.buffer`
 * (the compiler of hot code does); then its bytes move, and an address taken before is stale. So
 * the buffer is asked for first.
 */
export function addressOf(buffer: ArrayBuffer | SharedArrayBuffer | ArrayBufferView): Pointer {
  if (ArrayBuffer.isView(buffer)) return ptr(buffer.buffer, buffer.byteOffset);
  return ptr(buffer);
}

/** Address `bytes` behind another one within the same buffer. */
export function offsetBy(address: Pointer, bytes: number): Pointer {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an address is a number.
  return (address + bytes) as Pointer;
}

export type { Pointer } from "bun:ffi";
