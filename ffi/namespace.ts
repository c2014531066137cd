/**
 * Network namespaces: setns(2).
 *
 * @module
 */

import { SyscallError } from "./errno.ts";
import { errno, libc } from "./libc.ts";

/** CLONE_NEWNET of linux/sched.h. */
const networkNamespace = 0x4000_0000;

/**
 * Moves this thread to another network namespace. Sockets that it has stay where they are.
 *
 * @param fd Descriptor of the namespace, as /proc/PID/ns/net and `ip netns` have it.
 * @throws {SyscallError} `EPERM` without CAP_SYS_ADMIN; `EINVAL` for another kind of file.
 */
export function enterNetwork(fd: number): void {
  if (libc.setns(fd, networkNamespace) === -1) throw new SyscallError("setns", errno(), `${fd}`);
}
