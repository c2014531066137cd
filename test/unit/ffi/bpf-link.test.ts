import { describe, expect, test } from "bun:test";
import { join } from "node:path";

import {
  bpfProgramId,
  createBpfLink,
  openBpfPin,
  pinBpf,
  queryBpfPrograms,
  updateBpfLink,
} from "../../../ffi/bpf-link.ts";
import { createBpfMap, loadBpfProgram, lookupBpfMap, updateBpfMap } from "../../../ffi/bpf.ts";
import {
  BPF_F_BEFORE,
  BPF_MAP_TYPE_HASH,
  BPF_PROG_TYPE_SCHED_CLS,
  BPF_TCX_INGRESS,
} from "../../../ffi/constants/bpf.ts";
import { closeDescriptor } from "../../../ffi/socket.ts";
import { createBpfFolder, requireBpf } from "../../helpers/require-bpf.ts";

const bpf = requireBpf();
/** "mov r0, -1; exit": the next program decides. */
const next = Uint8Array.of(0xb7, 0, 0, 0, 255, 255, 255, 255, 0x95, 0, 0, 0, 0, 0, 0, 0);
const noDevice = 0x7fff_0000;
const attachment = { device: noDevice, hook: BPF_TCX_INGRESS, flags: BPF_F_BEFORE };

describe.skipIf(bpf.skip)(`bpf links ${bpf.reason}`.trim(), () => {
  test("a pinned map is found by another descriptor", () => {
    using folder = createBpfFolder();
    const path = join(folder.path, "map");
    const spec = { type: BPF_MAP_TYPE_HASH, keyBytes: 4, valueBytes: 4, entriesMax: 2 };
    const map = createBpfMap(spec);
    pinBpf(map, path);
    updateBpfMap(map, Uint8Array.of(1, 0, 0, 0), Uint8Array.of(9, 0, 0, 0));
    closeDescriptor(map);
    const again = openBpfPin(path);
    const value = new Uint8Array(4);
    expect(lookupBpfMap(again, Uint8Array.of(1, 0, 0, 0), value)).toBe(true);
    expect(value[0]).toBe(9);
    expect(lookupBpfMap(again, Uint8Array.of(2, 0, 0, 0), value)).toBe(false);
    closeDescriptor(again);
    expect(() => openBpfPin(join(folder.path, "other"))).toThrow("ENOENT");
  });

  test("a device that is not there is told as such", () => {
    const spec = { type: BPF_PROG_TYPE_SCHED_CLS, instructions: next, license: "GPL" };
    const program = loadBpfProgram(spec);
    expect(bpfProgramId(program)).toBeGreaterThan(0);
    expect(() => createBpfLink(program, attachment)).toThrow("ENODEV");
    expect(() => queryBpfPrograms(noDevice, BPF_TCX_INGRESS)).toThrow("ENODEV");
    expect(() => updateBpfLink(program, program)).toThrow("EINVAL");
    closeDescriptor(program);
  });
});
