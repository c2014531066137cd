import { describe, expect, test } from "bun:test";

import { BpfMapWriter, createBpfMap, loadBpfProgram } from "../../../ffi/bpf.ts";
import { SyscallError } from "../../../ffi/errno.ts";
import { closeDescriptor } from "../../../ffi/socket.ts";
import { requireSockmap } from "../../helpers/require-sockmap.ts";

const BPF_MAP_TYPE_HASH = 1;
const BPF_PROG_TYPE_SOCKET_FILTER = 1;
const sockmap = requireSockmap();

describe.skipIf(sockmap.skip)(`bpf ${sockmap.reason}`.trim(), () => {
  test("createBpfMap refuses a type the kernel does not have", () => {
    const spec = { type: 60_000, keyBytes: 4, valueBytes: 4, entriesMax: 1 };
    expect(() => createBpfMap(spec)).toThrow(SyscallError);
    expect(() => createBpfMap(spec)).toThrow("create map of type 60000: EINVAL");
  });

  test("BpfMapWriter sets and removes the entry of the key at hand", () => {
    const spec = { type: BPF_MAP_TYPE_HASH, keyBytes: 4, valueBytes: 4, entriesMax: 1 };
    const map = createBpfMap(spec);
    try {
      const key = Uint8Array.of(1, 0, 0, 0);
      const writer = new BpfMapWriter(map, key, Uint8Array.of(9, 0, 0, 0));
      expect(writer.remove()).toBe(-1);
      expect(writer.update()).toBe(0);
      key[0] = 2;
      // Room for one entry only.
      expect(writer.update()).toBe(-1);
      key[0] = 1;
      expect(writer.remove()).toBe(0);
      expect(writer.remove()).toBe(-1);
    } finally {
      closeDescriptor(map);
    }
  });

  test("loadBpfProgram tells what the verifier found", () => {
    // exit without a value in r0
    const instructions = Uint8Array.of(0x95, 0, 0, 0, 0, 0, 0, 0);
    const type = BPF_PROG_TYPE_SOCKET_FILTER;
    const load = (): number => loadBpfProgram({ type, instructions, license: "GPL" });
    expect(load).toThrow("R0 !read_ok");
  });
});
