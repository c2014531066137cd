/**
 * The bpf file system that keeps maps and links without a process.
 *
 * The host's own at /sys/fs/bpf is used where there is one. `ip netns exec` puts another /sys
 * there, and containers often have none: then one is mounted in the runtime directory.
 *
 * @module
 */

import { existsSync, mkdirSync, readdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";

import {
  BPF_FS_MAGIC,
  fileSystemType,
  mountFileSystem,
  unmountFileSystem,
} from "../../ffi/mount.ts";

const hostFolder = "/sys/fs/bpf";

function isBpfFileSystem(path: string): boolean {
  try {
    return fileSystemType(path) === BPF_FS_MAGIC;
  } catch {
    return false;
  }
}

function ownMount(runtimeDirectory: string): string {
  return join(runtimeDirectory, "bpf");
}

/** Two directors on one host, each in a namespace, have a runtime directory each. */
function findRoot(runtimeDirectory: string): string | undefined {
  return [ownMount(runtimeDirectory), hostFolder].find(isBpfFileSystem);
}

/**
 * A folder of a bpf file system, made if need be.
 *
 * @param name Path below the file system's root, `appliance/fence-1`.
 * @param runtimeDirectory Where one is mounted if the host has none.
 * @throws {SyscallError} `EPERM` if none may be mounted; `EACCES`.
 */
export function openBpfFileSystem(name: string, runtimeDirectory: string): string {
  const own = ownMount(runtimeDirectory);
  if (findRoot(runtimeDirectory) === undefined) {
    mkdirSync(own, { recursive: true, mode: 0o700 });
    mountFileSystem("bpf", own);
  }
  const folder = join(findRoot(runtimeDirectory) ?? own, name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** The folder that {@link openBpfFileSystem} has made before; undefined if there is none. */
export function findBpfFolder(name: string, runtimeDirectory: string): string | undefined {
  const root = findRoot(runtimeDirectory);
  if (root === undefined) return undefined;
  const folder = join(root, name);
  return existsSync(folder) ? folder : undefined;
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Something is pinned there still, or another director's, or it is not ours to remove.
  }
}

/**
 * Takes away what {@link openBpfFileSystem} has made, as far as nothing is pinned there.
 *
 * @param name First folder of all names, `appliance`.
 */
export function closeBpfFileSystem(name: string, runtimeDirectory: string): void {
  const root = findRoot(runtimeDirectory);
  if (root === undefined) return;
  const folder = join(root, name);
  if (existsSync(folder)) {
    for (const entry of readdirSync(folder)) removeIfEmpty(join(folder, entry));
    removeIfEmpty(folder);
  }
  // Its folder stays, empty: where it is mounted in another mount namespace it is in use.
  if (root !== ownMount(runtimeDirectory) || readdirSync(root).some((entry) => !isView(entry)))
    return;
  try {
    unmountFileSystem(root);
  } catch {
    // In use: it stays for the next director, which finds it.
  }
}

/** Files that the kernel puts into each bpf file system. */
function isView(entry: string): boolean {
  return entry.endsWith(".debug");
}
