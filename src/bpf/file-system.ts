/**
 * The bpf file system that keeps maps and links without a process.
 *
 * The host's own at /sys/fs/bpf is used where there is one. `ip netns exec` puts another /sys
 * there, and containers often have none: then one is mounted in the runtime directory.
 *
 * @module
 */

import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { BPF_FS_MAGIC, fileSystemType, mountFileSystem } from "../../ffi/mount.ts";

const hostFolder = "/sys/fs/bpf";

function isBpfFileSystem(path: string): boolean {
  try {
    return fileSystemType(path) === BPF_FS_MAGIC;
  } catch {
    return false;
  }
}

/**
 * A folder of a bpf file system, made if need be.
 *
 * @param name Path below the file system's root, `appliance/fence-1`.
 * @param runtimeDirectory Where one is mounted if the host has none.
 * @throws {SyscallError} `EPERM` if none may be mounted; `EACCES`.
 */
export function openBpfFileSystem(name: string, runtimeDirectory: string): string {
  const own = join(runtimeDirectory, "bpf");
  if (!isBpfFileSystem(hostFolder) && !isBpfFileSystem(own)) {
    mkdirSync(own, { recursive: true, mode: 0o700 });
    mountFileSystem("bpf", own);
  }
  // Two directors on one host, each in a namespace, have a runtime directory each.
  const root = isBpfFileSystem(own) ? own : hostFolder;
  const folder = join(root, name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}
