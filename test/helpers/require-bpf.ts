/**
 * Requires the right to load bpf programs and to mount a bpf file system, found out by doing both.
 *
 * @module
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createBpfMap } from "../../ffi/bpf.ts";
import { BPF_MAP_TYPE_HASH } from "../../ffi/constants/bpf.ts";
import { mountFileSystem } from "../../ffi/mount.ts";
import { closeDescriptor } from "../../ffi/socket.ts";
import { errorText } from "../../src/errors/index.ts";
import { missing, satisfied } from "./require-peer.ts";
import type { Requirement } from "./require-peer.ts";

/** A bpf file system of a test's own, gone with it. */
export interface BpfFolder extends Disposable {
  readonly path: string;
}

/** Mounts a bpf file system on a new folder. */
export function createBpfFolder(): BpfFolder {
  const path = mkdtempSync(join(tmpdir(), "appliance-bpf-"));
  mountFileSystem("bpf", path);
  return {
    path,
    [Symbol.dispose]() {
      Bun.spawnSync(["umount", path]);
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** Requires bpf. */
export function requireBpf(): Requirement {
  const spec = { type: BPF_MAP_TYPE_HASH, keyBytes: 4, valueBytes: 4, entriesMax: 1 };
  try {
    closeDescriptor(createBpfMap(spec));
    createBpfFolder()[Symbol.dispose]();
    return satisfied;
  } catch (error) {
    return missing(`needs bpf (${errorText(error)})`);
  }
}
