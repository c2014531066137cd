/**
 * The program that moves promoted connections inside the kernel, assembled by hand.
 *
 * ```text
 * r6 = r1                                   the skb that arrived
 * *(u64 *)(r10 - 8) = bpf_get_socket_cookie(r1)
 * r0 = bpf_sk_redirect_hash(r6, map, r10 - 8, 0)   to the socket stored under this cookie
 * if r0 == SK_DROP: r0 = SK_PASS            no entry: user space gets the data, none is lost
 * exit
 * ```
 * Instruction encoding: Documentation/bpf/standardization/instruction-set.rst. Pure.
 *
 * @module
 */

import {
  BPF_FUNC_get_socket_cookie,
  BPF_FUNC_sk_redirect_hash,
  BPF_PSEUDO_MAP_FD,
} from "../../../ffi/constants/bpf.ts";

/** One instruction: opcode, destination and source register, offset, immediate. */
type Instruction = readonly [number, number, number, number, number];

const movRegister = 0xbf;
const movImmediate = 0xb7;
const addImmediate = 0x07;
const storeDouble = 0x7b;
const loadWide = 0x18;
const callHelper = 0x85;
const jumpNotEqual = 0x55;
const exit = 0x95;
const SK_PASS = 1;

/** The instructions, eight bytes each, for the map with this descriptor. */
export function assembleVerdict(map: number): Uint8Array {
  const instructions: readonly Instruction[] = [
    [movRegister, 6, 1, 0, 0],
    [callHelper, 0, 0, 0, BPF_FUNC_get_socket_cookie],
    [storeDouble, 10, 0, -8, 0],
    [movRegister, 1, 6, 0, 0],
    // 64 bits take two instructions; the second holds the upper half.
    [loadWide, 2, BPF_PSEUDO_MAP_FD, 0, map],
    [0, 0, 0, 0, 0],
    [movRegister, 3, 10, 0, 0],
    [addImmediate, 3, 0, 0, -8],
    [movImmediate, 4, 0, 0, 0],
    [callHelper, 0, 0, 0, BPF_FUNC_sk_redirect_hash],
    [jumpNotEqual, 0, 0, 1, 0],
    [movImmediate, 0, 0, 0, SK_PASS],
    [exit, 0, 0, 0, 0],
  ];
  const view = new DataView(new ArrayBuffer(instructions.length * 8));
  for (const [index, [opcode, target, source, offset, immediate]] of instructions.entries()) {
    view.setUint8(index * 8, opcode);
    view.setUint8(index * 8 + 1, target | (source << 4));
    view.setInt16(index * 8 + 2, offset, true);
    view.setInt32(index * 8 + 4, immediate, true);
  }
  return new Uint8Array(view.buffer);
}
