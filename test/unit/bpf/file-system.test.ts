import { describe, expect, test } from "bun:test";
import { rmdirSync } from "node:fs";
import { join } from "node:path";

import { BPF_FS_MAGIC, fileSystemType } from "../../../ffi/mount.ts";
import { openBpfFileSystem } from "../../../src/bpf/index.ts";
import { requireBpf } from "../../helpers/require-bpf.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

const bpf = requireBpf();

describe.skipIf(bpf.skip)(`openBpfFileSystem ${bpf.reason}`.trim(), () => {
  test("gives a folder of a bpf file system, the same one each time", () => {
    using folder = createTempFolder();
    const name = `appliance-test-${process.pid}/fence`;
    const path = openBpfFileSystem(name, folder.path);
    try {
      expect(fileSystemType(path)).toBe(BPF_FS_MAGIC);
      expect(path).toEndWith(name);
      expect(openBpfFileSystem(name, folder.path)).toBe(path);
    } finally {
      rmdirSync(path);
      rmdirSync(join(path, ".."));
      Bun.spawnSync(["umount", join(folder.path, "bpf")]);
    }
  });
});
