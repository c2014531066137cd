/**
 * Locks of whole files that end with the process (fcntl_locking(2), open file descriptions).
 *
 * ```text
 * struct flock: type i16 | whence i16 | pad 4 | start i64 | length i64 | pid i32 | pad 4  32 bytes
 * ```
 *
 * @module
 */

import { F_OFD_SETLK, F_WRLCK } from "./constants/fcntl.ts";
import { EACCES, EAGAIN, SyscallError } from "./errno.ts";
import { addressOf, errno, libc } from "./libc.ts";

const flockBytes = 32;

/**
 * Locks the file open at `fd`, without waiting. The lock ends when `fd` is closed.
 *
 * @returns False if somebody else has it.
 * @throws {SyscallError} if `fd` is not open for writing, or its file system has no locks.
 */
export function tryLockFile(fd: number): boolean {
  // From the start, length 0: the whole file. The pid must be 0.
  const lock = new Uint8Array(flockBytes);
  new DataView(lock.buffer).setInt16(0, F_WRLCK, true);
  if (libc.fcntl(fd, F_OFD_SETLK, addressOf(lock)) !== -1) return true;
  const reason = errno();
  if (reason === EAGAIN || reason === EACCES) return false;
  throw new SyscallError("fcntl", reason, `lock of fd ${fd}`);
}
