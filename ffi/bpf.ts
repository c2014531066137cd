/**
 * bpf(2): one function a command, through libc's syscall(2). Links and pins: `ffi/bpf-link.ts`.
 *
 * `union bpf_attr` is built anew for each call; offsets are those of linux/bpf.h.
 *
 * @module
 */

import {
  BPF_MAP_CREATE,
  BPF_MAP_DELETE_ELEM,
  BPF_MAP_GET_NEXT_KEY,
  BPF_MAP_LOOKUP_ELEM,
  BPF_MAP_UPDATE_ELEM,
  BPF_NOEXIST,
  BPF_PROG_ATTACH,
  BPF_PROG_LOAD,
  BPF_PROG_TEST_RUN,
} from "./constants/bpf.ts";
import { EEXIST, ENOENT, errnoName, SyscallError } from "./errno.ts";
import { addressOf, errno, libc } from "./libc.ts";
import type { Pointer } from "./libc.ts";

/** __NR_bpf of asm/unistd_64.h (x86-64) and asm-generic/unistd.h (arm64). */
const callNumber = process.arch === "x64" ? 321 : 280;

const attributeBytes = 128;
/** The verifier says more about large programs; what does not fit is cut by the kernel. */
const logBytes = 1 << 20;
/** Room for a name with its closing zero. */
const nameBytes = 16;

/** A command with its attributes. @returns The kernel's answer, -1 with errno set if it failed. */
export function callBpf(command: number, attribute: DataView): number {
  return libc.syscall(callNumber, command, addressOf(attribute), attributeBytes);
}

/** The result, unless it is -1. @throws {SyscallError} */
export function requireBpf(result: number, what: string, detail = ""): number {
  if (result !== -1) return result;
  const reason = errno();
  throw new SyscallError("bpf", reason, `${what}: ${errnoName(reason)}${detail}`);
}

/** Attributes of a call, all zero. */
export function newBpfAttribute(): DataView<ArrayBuffer> {
  return new DataView(new ArrayBuffer(attributeBytes));
}

function setName(attribute: DataView<ArrayBuffer>, offset: number, name: string): void {
  const bytes = new Uint8Array(attribute.buffer, offset, nameBytes - 1);
  new TextEncoder().encodeInto(name.replaceAll(/\W/g, "_"), bytes);
}

function setPointer(attribute: DataView, offset: number, buffer: ArrayBufferView): void {
  attribute.setBigUint64(offset, BigInt(addressOf(buffer)), true);
}

/** Sizes and kind of a map. */
export interface BpfMapSpec {
  readonly type: number;
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly entriesMax: number;
  readonly flags?: number;
  /** Shown by bpftool; at most 15 letters, digits and `_` are kept. */
  readonly name?: string;
}

/**
 * Creates a map. The caller owns the descriptor.
 *
 * @throws {SyscallError} `EPERM` without CAP_BPF and CAP_NET_ADMIN, `EINVAL` where the kernel has
 *   no such type.
 */
export function createBpfMap(spec: BpfMapSpec): number {
  const attribute = newBpfAttribute();
  attribute.setUint32(0, spec.type, true);
  attribute.setUint32(4, spec.keyBytes, true);
  attribute.setUint32(8, spec.valueBytes, true);
  attribute.setUint32(12, spec.entriesMax, true);
  attribute.setUint32(16, spec.flags ?? 0, true);
  setName(attribute, 28, spec.name ?? "");
  return requireBpf(callBpf(BPF_MAP_CREATE, attribute), `create map of type ${spec.type}`);
}

/** What the kernel needs to know of a program. */
export interface BpfProgramSpec {
  readonly type: number;
  /** Eight bytes each; maps already by descriptor. */
  readonly instructions: Uint8Array;
  readonly license: string;
  readonly name?: string;
}

/**
 * Loads a program. The caller owns the descriptor.
 *
 * The verifier is asked for its log only after it refused: writing it costs milliseconds.
 *
 * @throws {SyscallError} With the verifier's log when it refused.
 */
export function loadBpfProgram(spec: BpfProgramSpec): number {
  const attribute = newBpfAttribute();
  const license = new TextEncoder().encode(`${spec.license}\0`);
  attribute.setUint32(0, spec.type, true);
  attribute.setUint32(4, spec.instructions.length / 8, true);
  setPointer(attribute, 8, spec.instructions);
  setPointer(attribute, 16, license);
  setName(attribute, 48, spec.name ?? "");
  const fd = callBpf(BPF_PROG_LOAD, attribute);
  if (fd !== -1) return fd;
  const log = new Uint8Array(logBytes);
  attribute.setUint32(24, 1, true);
  attribute.setUint32(28, logBytes, true);
  setPointer(attribute, 32, log);
  const again = callBpf(BPF_PROG_LOAD, attribute);
  const end = log.indexOf(0);
  const text = again === -1 ? new TextDecoder().decode(log.subarray(0, end)).trim() : "";
  return requireBpf(again, `load program of type ${spec.type}`, text === "" ? "" : `\n${text}`);
}

/** Attaches a program to a map or cgroup. @throws {SyscallError} */
export function attachBpfProgram(target: number, program: number, type: number): void {
  const attribute = newBpfAttribute();
  attribute.setUint32(0, target, true);
  attribute.setUint32(4, program, true);
  attribute.setUint32(8, type, true);
  requireBpf(callBpf(BPF_PROG_ATTACH, attribute), "attach program");
}

/** What a program made of one packet. */
export interface BpfTestRun {
  /** What it returned, as a signed number. */
  readonly result: number;
  /** The packet afterwards. */
  readonly packet: Uint8Array;
  /** Mean time of one run, ns. */
  readonly durationNs: number;
}

/**
 * Runs a program on a packet, `repeat` times (BPF_PROG_TEST_RUN). Nothing is sent.
 *
 * @throws {SyscallError} `EINVAL` for a packet shorter than an Ethernet header.
 */
export function testBpfProgram(program: number, packet: Uint8Array, repeat = 1): BpfTestRun {
  return runBpfTest(program, packet, { repeat, mark: 0 });
}

/**
 * Runs a program once on a packet of a socket that has a mark.
 *
 * @throws {SyscallError} as {@link testBpfProgram}.
 */
export function testMarkedPacket(program: number, packet: Uint8Array, mark: number): BpfTestRun {
  return runBpfTest(program, packet, { repeat: 1, mark });
}

/** struct __sk_buff up to its mark. */
const contextWords = 3;

function runBpfTest(
  program: number,
  packet: Uint8Array,
  { repeat, mark }: { readonly repeat: number; readonly mark: number },
): BpfTestRun {
  const attribute = newBpfAttribute();
  const context = new Uint32Array(contextWords);
  context[2] = mark;
  const output = new Uint8Array(packet.length + 256);
  attribute.setUint32(0, program, true);
  attribute.setUint32(8, packet.length, true);
  attribute.setUint32(12, output.length, true);
  setPointer(attribute, 16, packet);
  setPointer(attribute, 24, output);
  attribute.setUint32(32, repeat, true);
  if (mark !== 0) {
    attribute.setUint32(40, context.byteLength, true);
    setPointer(attribute, 48, context);
  }
  requireBpf(callBpf(BPF_PROG_TEST_RUN, attribute), "run program");
  return {
    result: attribute.getInt32(4, true),
    packet: output.subarray(0, attribute.getUint32(12, true)),
    durationNs: attribute.getUint32(36, true),
  };
}

/**
 * Reads the value of a key into `value`. @returns False if there is none.
 *
 * @throws {SyscallError} other than `ENOENT`.
 */
export function lookupBpfMap(map: number, key: Uint8Array, value: Uint8Array): boolean {
  const attribute = elementOf(map, key);
  setPointer(attribute, 16, value);
  if (callBpf(BPF_MAP_LOOKUP_ELEM, attribute) !== -1) return true;
  if (errno() === ENOENT) return false;
  requireBpf(-1, "look up a map");
  return false;
}

/** Sets the value of a key. @throws {SyscallError} `E2BIG` if the map is full. */
export function updateBpfMap(map: number, key: Uint8Array, value: Uint8Array): void {
  const attribute = elementOf(map, key);
  setPointer(attribute, 16, value);
  requireBpf(callBpf(BPF_MAP_UPDATE_ELEM, attribute), "update a map");
}

/**
 * Gives a key a value if it has none.
 *
 * @returns False if it had one.
 * @throws {SyscallError} `E2BIG` if the map is full.
 */
export function insertIntoBpfMap(map: number, key: Uint8Array, value: Uint8Array): boolean {
  const attribute = elementOf(map, key);
  setPointer(attribute, 16, value);
  attribute.setBigUint64(24, BigInt(BPF_NOEXIST), true);
  if (callBpf(BPF_MAP_UPDATE_ELEM, attribute) !== -1) return true;
  if (errno() === EEXIST) return false;
  requireBpf(-1, "insert into a map");
  return false;
}

/** Removes a key. @returns False if it was not there. @throws {SyscallError} but `ENOENT`. */
export function deleteFromBpfMap(map: number, key: Uint8Array): boolean {
  if (callBpf(BPF_MAP_DELETE_ELEM, elementOf(map, key)) !== -1) return true;
  if (errno() === ENOENT) return false;
  requireBpf(-1, "delete from a map");
  return false;
}

/**
 * The key after `key`, in the kernel's order; after none the first.
 *
 * @returns Undefined behind the last one.
 * @throws {SyscallError} other than `ENOENT`.
 */
export function nextBpfMapKey(
  map: number,
  key: Uint8Array | undefined,
  keyBytes: number,
): Uint8Array | undefined {
  const next = new Uint8Array(keyBytes);
  const attribute = newBpfAttribute();
  attribute.setUint32(0, map, true);
  if (key !== undefined) setPointer(attribute, 8, key);
  setPointer(attribute, 16, next);
  if (callBpf(BPF_MAP_GET_NEXT_KEY, attribute) !== -1) return next;
  if (errno() === ENOENT) return undefined;
  requireBpf(-1, "walk a map");
  return undefined;
}

function elementOf(map: number, key: Uint8Array): DataView<ArrayBuffer> {
  const attribute = newBpfAttribute();
  attribute.setUint32(0, map, true);
  setPointer(attribute, 8, key);
  return attribute;
}

/** Entries of one map, set and removed through buffers of their own: no allocation a call. */
export class BpfMapWriter {
  readonly #attribute = newBpfAttribute();
  readonly #address: Pointer = addressOf(this.#attribute);

  /** @param key Holds the key at each call. @param value Holds the value at each call. */
  constructor(map: number, key: Uint8Array, value: Uint8Array) {
    this.#attribute.setUint32(0, map, true);
    setPointer(this.#attribute, 8, key);
    setPointer(this.#attribute, 16, value);
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
