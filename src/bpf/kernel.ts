/**
 * What the parts above need of the kernel's bpf, as an interface, so that tests have one without
 * privileges. The real one is bpf(2).
 *
 * @module
 */

import { BpfBatch, updateBpfEntries } from "../../ffi/bpf-batch.ts";
import type { BpfBatchSpec, BpfEntries } from "../../ffi/bpf-batch.ts";
import {
  bpfProgramId,
  createBpfLink,
  openBpfPin,
  pinBpf,
  queryBpfPrograms,
  updateBpfLink,
} from "../../ffi/bpf-link.ts";
import type { BpfAttachment } from "../../ffi/bpf-link.ts";
import { openBpfRing } from "../../ffi/bpf-ring.ts";
import type { BpfRing } from "../../ffi/bpf-ring.ts";
import {
  createBpfMap,
  deleteFromBpfMap,
  insertIntoBpfMap,
  loadBpfProgram,
  lookupBpfMap,
  nextBpfMapKey,
  updateBpfMap,
} from "../../ffi/bpf.ts";
import type { BpfMapSpec, BpfProgramSpec } from "../../ffi/bpf.ts";
import { closeDescriptor } from "../../ffi/socket.ts";

/** bpf(2), a function a command; each throws `SyscallError`. Descriptors belong to the caller. */
export interface BpfKernel {
  createMap(spec: BpfMapSpec): number;
  loadProgram(spec: BpfProgramSpec): number;
  lookup(map: number, key: Uint8Array, value: Uint8Array): boolean;
  update(map: number, key: Uint8Array, value: Uint8Array): void;
  /** As `update`, but only if the key has no value; false if it has. */
  insert(map: number, key: Uint8Array, value: Uint8Array): boolean;
  remove(map: number, key: Uint8Array): boolean;
  nextKey(map: number, key: Uint8Array | undefined, keyBytes: number): Uint8Array | undefined;
  /** A walk through a map, many entries at once. */
  openBatch(spec: BpfBatchSpec): Pick<BpfBatch, "keys" | "values" | "next">;
  /** As `update`, many entries at once. */
  updateMany(map: number, entries: BpfEntries): void;
  /** Reads what programs put into a ring buffer of `bytes`. */
  openRing(map: number, bytes: number): BpfRing;
  createLink(program: number, attachment: BpfAttachment): number;
  updateLink(link: number, program: number): void;
  programs(device: number, hook: number): number[];
  programId(program: number): number;
  pin(fd: number, path: string): void;
  openPin(path: string): number;
  close(fd: number): void;
}

/** This host's kernel. */
export const hostBpfKernel: BpfKernel = {
  createMap: createBpfMap,
  loadProgram: loadBpfProgram,
  lookup: lookupBpfMap,
  update: updateBpfMap,
  insert: insertIntoBpfMap,
  remove: deleteFromBpfMap,
  nextKey: nextBpfMapKey,
  openBatch: (spec) => new BpfBatch(spec),
  updateMany: updateBpfEntries,
  openRing: openBpfRing,
  createLink: createBpfLink,
  updateLink: updateBpfLink,
  programs: queryBpfPrograms,
  programId: bpfProgramId,
  pin: pinBpf,
  openPin: openBpfPin,
  close: closeDescriptor,
};
