import { describe, expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { SyscallError } from "../../../ffi/errno.ts";
import { fenceObject, loadBpfCollection } from "../../../src/bpf/index.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";
import { FakeBpfKernel } from "./fake-kernel.ts";

describe("loadBpfCollection", () => {
  test("puts the descriptor of each map into the instructions that use it", () => {
    const kernel = new FakeBpfKernel();
    const object = fenceObject();
    const collection = loadBpfCollection(object, { kernel, pins: undefined });
    const code = kernel.code.get(collection.program("tc_ingress"))!;
    const view = new DataView(code.buffer, code.byteOffset);
    for (const { offset, map } of object.programs[0]!.uses) {
      expect(view.getInt32(offset + 4, true)).toBe(collection.map(map));
      // BPF_PSEUDO_MAP_FD in the source register.
      expect(code[offset + 1]! >> 4).toBe(1);
    }
    collection.close();
    expect(kernel.open).toEqual(new Set());
  });

  test("closes all it opened when a program is refused", () => {
    const kernel = new FakeBpfKernel();
    kernel.refused = "tc_egress";
    const load = (): unknown => loadBpfCollection(fenceObject(), { kernel, pins: undefined });
    expect(load).toThrow(SyscallError);
    expect(kernel.open).toEqual(new Set());
  });

  test("finds the maps of an earlier process under their pins", () => {
    using folder = createTempFolder();
    const kernel = new FakeBpfKernel();
    const pins = folder.path;
    const first = loadBpfCollection(fenceObject(), { kernel, pins });
    const leases = first.map("leases");
    const path = join(pins, "leases");
    expect(kernel.pinned.get(path)).toBe(leases);
    expect(existsSync(path)).toBe(false);
    // The kernel makes the file; the fake one does not.
    writeFileSync(path, "");
    const second = loadBpfCollection(fenceObject(), { kernel, pins });
    expect(kernel.entries.get(second.map("leases"))).toBe(kernel.entries.get(leases));
    expect(second.map("counters")).not.toBe(first.map("counters"));
  });
});
