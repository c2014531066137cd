/**
 * bpf(2): links of programs to devices (TCX, Linux 6.6), pins in a bpf file system, and what the
 * kernel says of them.
 *
 * @module
 */

import { callBpf, newBpfAttribute, requireBpf } from "./bpf.ts";
import {
  BPF_LINK_CREATE,
  BPF_LINK_UPDATE,
  BPF_OBJ_GET,
  BPF_OBJ_GET_INFO_BY_FD,
  BPF_OBJ_PIN,
  BPF_PROG_QUERY,
} from "./constants/bpf.ts";
import { addressOf } from "./libc.ts";

/** More programs at one hook are not told. */
const programsMax = 64;
const infoBytes = 256;

/** Where a program is attached, and in front of whom. */
export interface BpfAttachment {
  /** Index of the device. */
  readonly device: number;
  /** BPF_TCX_INGRESS or BPF_TCX_EGRESS. */
  readonly hook: number;
  /** BPF_F_BEFORE: in front of all that are there. */
  readonly flags: number;
}

/**
 * Links a program to a hook of a device. The caller owns the descriptor; without a pin the program
 * is gone when it is closed.
 *
 * @throws {SyscallError} `EEXIST` if this program is there already, `ENODEV`, `EPERM`, `EINVAL`
 * where
 *   the kernel has no TCX.
 */
export function createBpfLink(program: number, { device, hook, flags }: BpfAttachment): number {
  const attribute = newBpfAttribute();
  attribute.setUint32(0, program, true);
  attribute.setUint32(4, device, true);
  attribute.setUint32(8, hook, true);
  attribute.setUint32(12, flags, true);
  return requireBpf(callBpf(BPF_LINK_CREATE, attribute), `attach to device ${device}`);
}

/**
 * Puts another program in the place of a link's, without a gap.
 *
 * @throws {SyscallError} `ENOLINK` if the device is gone.
 */
export function updateBpfLink(link: number, program: number): void {
  const attribute = newBpfAttribute();
  attribute.setUint32(0, link, true);
  attribute.setUint32(4, program, true);
  requireBpf(callBpf(BPF_LINK_UPDATE, attribute), "replace the program of a link");
}

/** Keeps a map, program or link under a path of a bpf file system, without a process. */
export function pinBpf(fd: number, path: string): void {
  const attribute = newBpfAttribute();
  const bytes = new TextEncoder().encode(`${path}\0`);
  attribute.setBigUint64(0, BigInt(addressOf(bytes)), true);
  attribute.setUint32(8, fd, true);
  requireBpf(callBpf(BPF_OBJ_PIN, attribute), `pin ${path}`);
}

/**
 * Opens what is pinned at a path. The caller owns the descriptor.
 *
 * @throws {SyscallError} `ENOENT`; `EACCES`.
 */
export function openBpfPin(path: string): number {
  const attribute = newBpfAttribute();
  const bytes = new TextEncoder().encode(`${path}\0`);
  attribute.setBigUint64(0, BigInt(addressOf(bytes)), true);
  return requireBpf(callBpf(BPF_OBJ_GET, attribute), `open ${path}`);
}

/**
 * Numbers of the programs at a hook of a device, in the order in which they see a packet; at most
 * the first 64.
 *
 * @throws {SyscallError} `ENODEV`; `EINVAL` where the kernel has no TCX.
 */
export function queryBpfPrograms(device: number, hook: number): number[] {
  const attribute = newBpfAttribute();
  const ids = new Uint32Array(programsMax);
  attribute.setUint32(0, device, true);
  attribute.setUint32(4, hook, true);
  attribute.setBigUint64(16, BigInt(addressOf(ids)), true);
  attribute.setUint32(24, programsMax, true);
  requireBpf(callBpf(BPF_PROG_QUERY, attribute), `list programs of device ${device}`);
  return [...ids.subarray(0, attribute.getUint32(24, true))];
}

/** The kernel's number of a loaded program, as lists show it. @throws {SyscallError} */
export function bpfProgramId(program: number): number {
  const info = new Uint32Array(infoBytes / 4);
  const attribute = newBpfAttribute();
  attribute.setUint32(0, program, true);
  attribute.setUint32(4, infoBytes, true);
  attribute.setBigUint64(8, BigInt(addressOf(info)), true);
  requireBpf(callBpf(BPF_OBJ_GET_INFO_BY_FD, attribute), "describe a program");
  // struct bpf_prog_info: type, id.
  return info[1]!;
}
