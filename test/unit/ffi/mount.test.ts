import { describe, expect, test } from "bun:test";

import { BPF_FS_MAGIC, fileSystemType, mountFileSystem } from "../../../ffi/mount.ts";
import { createBpfFolder, requireBpf } from "../../helpers/require-bpf.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

const bpf = requireBpf();

test("fileSystemType() of proc, and of what is not there", () => {
  expect(fileSystemType("/proc")).toBe(0x9fa0);
  expect(() => fileSystemType("/nonexistent")).toThrow("statfs(2) failed with ENOENT");
});

describe.skipIf(bpf.skip)(`mountFileSystem ${bpf.reason}`.trim(), () => {
  test("a folder becomes one of that type", () => {
    using folder = createBpfFolder();
    expect(fileSystemType(folder.path)).toBe(BPF_FS_MAGIC);
  });

  test("an unknown type is told by its name", () => {
    using folder = createTempFolder();
    expect(() => mountFileSystem("nosuchfs", folder.path)).toThrow("nosuchfs on");
  });
});
