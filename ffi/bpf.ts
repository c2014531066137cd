/**
 * bpf(2): one function a command, through libc's syscall(2).
 *
 * `union bpf_attr` is built anew for each call; every command here uses its first fields only.
 *
 * @module
 */

import {
  BPF_MAP_CREATE,
  BPF_MAP_DELETE_ELEM,
  BPF_MAP_UPDATE_ELEM,
  BPF_PROG_ATTACH,
  BPF_PROG_LOAD,
} from "./constants/bpf.ts";
import { errnoName, SyscallError } from "./errno.ts";
import { addressOf, errno, libc } from "./libc.ts";
import type { Pointer } from "./libc.ts";

/** __NR_bpf of asm/unistd_64.h (x86-64) and asm-generic/unistd.h (arm64). */
const callNumber = process.arch === "x64" ? 321 : 280;

const attributeBytes = 128;
const logBytes = 65_536;

function call(command: number, attribute: DataView): number {
  return libc.syscall(callNumber, command, addressOf(attribute), attributeBytes);
}

function required(result: number, what: string, detail = ""): number {
  if (result !== -1) return result;
  const reason = errno();
  throw new SyscallError("bpf", reason, `${what}: ${errnoName(reason)}${detail}`);
}

function newAttribute(): DataView {
  return new DataView(new ArrayBuffer(attributeBytes));
}

/** Sizes and kind of a map. */
export interface BpfMapSpec {
  readonly type: number;
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly entriesMax: number;
}

/**
 * Creates a map. The caller owns the descriptor.
 *
 * @throws {SyscallError} `EPERM` without CAP_BPF and CAP_NET_ADMIN, `EINVAL` where the kernel has
 *   no such type.
 */
export function createBpfMap(spec: BpfMapSpec): number {
  const attribute = newAttribute();
  attribute.setUint32(0, spec.type, true);
  attribute.setUint32(4, spec.keyBytes, true);
  attribute.setUint32(8, spec.valueBytes, true);
  attribute.setUint32(12, spec.entriesMax, true);
  return required(call(BPF_MAP_CREATE, attribute), `create map of type ${spec.type}`);
}

/**
 * Loads a program. The caller owns the descriptor.
 *
 * @param instructions Eight bytes each.
 * @throws {SyscallError} With the verifier's log when it refused.
 */
export function loadBpfProgram(type: number, instructions: Uint8Array, license: string): number {
  const attribute = newAttribute();
  const licenseBytes = new TextEncoder().encode(`${license}\0`);
  const log = new Uint8Array(logBytes);
  attribute.setUint32(0, type, true);
  attribute.setUint32(4, instructions.length / 8, true);
  attribute.setBigUint64(8, BigInt(addressOf(instructions)), true);
  attribute.setBigUint64(16, BigInt(addressOf(licenseBytes)), true);
  attribute.setUint32(24, 1, true);
  attribute.setUint32(28, logBytes, true);
  attribute.setBigUint64(32, BigInt(addressOf(log)), true);
  const fd = call(BPF_PROG_LOAD, attribute);
  const end = log.indexOf(0);
  const text = fd === -1 ? `\n${new TextDecoder().decode(log.subarray(0, end)).trim()}` : "";
  return required(fd, `load program of type ${type}`, text);
}

/** Attaches a program to a map or cgroup. @throws {SyscallError} */
export function attachBpfProgram(target: number, program: number, type: number): void {
  const attribute = newAttribute();
  attribute.setUint32(0, target, true);
  attribute.setUint32(4, program, true);
  attribute.setUint32(8, type, true);
  required(call(BPF_PROG_ATTACH, attribute), "attach program");
}

/** Entries of one map, set and removed through buffers of their own: no allocation a call. */
export class BpfMapWriter {
  readonly #attribute = newAttribute();
  readonly #address: Pointer = addressOf(this.#attribute);

  /** @param key Holds the key at each call. @param value Holds the value at each call. */
  constructor(map: number, key: Uint8Array, value: Uint8Array) {
    this.#attribute.setUint32(0, map, true);
    this.#attribute.setBigUint64(8, BigInt(addressOf(key)), true);
    this.#attribute.setBigUint64(16, BigInt(addressOf(value)), true);
  }

  /** Sets the entry of the key at hand. @returns 0, or -1 with errno set. */
  update(): number {
    return libc.syscall(callNumber, BPF_MAP_UPDATE_ELEM, this.#address, 32);
  }

  /** Removes the entry of the key at hand. @returns 0, or -1 with errno set. */
  remove(): number {
    return libc.syscall(callNumber, BPF_MAP_DELETE_ELEM, this.#address, 16);
  }
}
