import { afterEach, describe, expect, test } from "bun:test";

import { openBpfRing } from "../../../ffi/bpf-ring.ts";
import type { BpfRing } from "../../../ffi/bpf-ring.ts";
import { createBpfMap, loadBpfProgram, testBpfProgram } from "../../../ffi/bpf.ts";
import { BPF_MAP_TYPE_RINGBUF, BPF_PROG_TYPE_SCHED_CLS } from "../../../ffi/constants/bpf.ts";
import { closeDescriptor } from "../../../ffi/socket.ts";
import { requireBpf } from "../../helpers/require-bpf.ts";

const needs = requireBpf();
const ringBytes = 4096;
/** Header and data of a record of the program below. */
const recordBytes = 24;
const packet = new Uint8Array(64);

/** One instruction of bpf. */
function instruction(code: number, registers: number, offset: number, immediate: number): number[] {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  bytes[0] = code;
  bytes[1] = registers;
  view.setInt16(2, offset, true);
  view.setInt32(4, immediate, true);
  return [...bytes];
}

/** A program that writes 12 bytes: 7 and a letter. @returns The result of bpf_ringbuf_output. */
function loadWriter(ring: number): number {
  const instructions = Uint8Array.from([
    ...instruction(0x7a, 0x0a, -16, 7),
    ...instruction(0x7a, 0x0a, -8, 65),
    ...instruction(0x18, 0x11, 0, ring),
    ...instruction(0, 0, 0, 0),
    ...instruction(0xbf, 0xa2, 0, 0),
    ...instruction(0x07, 0x02, 0, -16),
    ...instruction(0xb7, 0x03, 0, 12),
    ...instruction(0xb7, 0x04, 0, 1),
    ...instruction(0x85, 0, 0, 130),
    ...instruction(0x95, 0, 0, 0),
  ]);
  return loadBpfProgram({ type: BPF_PROG_TYPE_SCHED_CLS, instructions, license: "GPL" });
}

describe.skipIf(needs.skip)(`BpfRing ${needs.reason}`.trim(), () => {
  const ends: (() => void)[] = [];
  afterEach(() => {
    for (const end of ends.splice(0)) end();
  });

  function create(): {
    readonly ring: BpfRing;
    readonly write: () => number;
    readonly map: number;
  } {
    const sizes = { keyBytes: 0, valueBytes: 0, entriesMax: ringBytes };
    const map = createBpfMap({ type: BPF_MAP_TYPE_RINGBUF, ...sizes });
    const program = loadWriter(map);
    const ring = openBpfRing(map, ringBytes);
    ends.push(() => {
      ring.close();
      closeDescriptor(program);
      closeDescriptor(map);
    });
    return { ring, map, write: () => testBpfProgram(program, packet).result };
  }

  function read(ring: BpfRing, recordsMax = 1000): string[] {
    const found: string[] = [];
    ring.drain(recordsMax, (offset, length) => {
      const letter = String.fromCharCode(ring.data[offset + 8]!);
      found.push(`${length} ${ring.data[offset]} ${letter}`);
    });
    return found;
  }

  test("gives what was written, once and in order", () => {
    const { ring, write } = create();
    expect(read(ring)).toEqual([]);
    expect([write(), write()]).toEqual([0, 0]);
    expect(read(ring)).toEqual(["12 7 A", "12 7 A"]);
    expect(read(ring)).toEqual([]);
  });

  test("gives no more than was asked for, and keeps the rest", () => {
    const { ring, write } = create();
    for (let count = 0; count < 5; count++) write();
    expect(read(ring, 3)).toHaveLength(3);
    expect(read(ring, 3)).toHaveLength(2);
  });

  test("is full at last, has room again when it was read, and goes round its end", () => {
    const { ring, write } = create();
    const room = Math.floor((ringBytes - 1) / recordBytes);
    for (let round = 0; round < 200; round++) {
      for (let count = 0; count < room; count++) expect(write()).toBe(0);
      expect(write()).toBeLessThan(0);
      expect(read(ring)).toEqual(Array.from({ length: room }, () => "12 7 A"));
    }
  });

  test("a map of another size is refused", () => {
    const { map } = create();
    expect(() => openBpfRing(map, ringBytes * 4)).toThrow(
      expect.objectContaining({ syscall: "mmap" }),
    );
  });
});
