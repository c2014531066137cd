/**
 * Descriptors of threads (pidfd_open(2)): readable once the thread has ended.
 *
 * @module
 */

import { libc } from "./libc.ts";

/** The same on all architectures. */
const SYS_pidfd_open = 434;
/** PIDFD_THREAD is O_EXCL: this thread, not the process that it leads. */
const PIDFD_THREAD = 0x80;

/**
 * Opens a descriptor of any thread of this host. The caller owns it.
 *
 * @returns Undefined before Linux 6.9, and if there is no such thread.
 */
export function openThreadDescriptor(threadId: number): number | undefined {
  // The third argument is what bpf(2) has as a pointer.
  const fd = libc.syscall(SYS_pidfd_open, threadId, PIDFD_THREAD, 0);
  return fd === -1 ? undefined : fd;
}
