/**
 * File systems: what kind one is (statfs(2)), mounting (mount(2)), and the end of it (umount2(2)).
 *
 * @module
 */

import { SyscallError } from "./errno.ts";
import { addressOf, errno, libc } from "./libc.ts";

const statfsBytes = 256;

/** `f_type` of a bpf file system (linux/magic.h). */
export const BPF_FS_MAGIC = 0xcafe_4a11;

function pathBytes(path: string): Uint8Array {
  return new TextEncoder().encode(`${path}\0`);
}

/** The kind of the file system that holds a path. @throws {SyscallError} `ENOENT`. */
export function fileSystemType(path: string): number {
  const result = new BigUint64Array(statfsBytes / 8);
  if (libc.statfs(addressOf(pathBytes(path)), addressOf(result)) === -1) {
    throw new SyscallError("statfs", errno(), path);
  }
  return Number(result[0]! & 0xffff_ffffn);
}

/** Mounts a file system without a device on a folder. @throws {SyscallError} `EPERM`. */
export function mountFileSystem(type: string, path: string): void {
  const name = pathBytes(type);
  const status = libc.mount(addressOf(name), addressOf(pathBytes(path)), addressOf(name), 0, null);
  if (status === -1) throw new SyscallError("mount", errno(), `${type} on ${path}`);
}

/** Takes a file system off a folder. @throws {SyscallError} `EBUSY`; `EPERM`. */
export function unmountFileSystem(path: string): void {
  if (libc.umount2(addressOf(pathBytes(path)), 0) === -1) {
    throw new SyscallError("umount2", errno(), path);
  }
}
