import { describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";

import { BPF_FS_MAGIC, fileSystemType, mountFileSystem } from "../../../ffi/mount.ts";
import {
  closeBpfFileSystem,
  findBpfFolder,
  hostBpfKernel,
  openBpfFileSystem,
} from "../../../src/bpf/index.ts";
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

describe.skipIf(bpf.skip)(`closeBpfFileSystem ${bpf.reason}`.trim(), () => {
  /** A runtime directory with a bpf file system of its own, whatever this host has. */
  function createRuntime(): { readonly path: string } & Disposable {
    const folder = createTempFolder();
    const own = join(folder.path, "bpf");
    mkdirSync(own);
    mountFileSystem("bpf", own);
    return {
      path: folder.path,
      [Symbol.dispose]() {
        Bun.spawnSync(["umount", own]);
        folder[Symbol.dispose]();
      },
    };
  }

  test("takes empty folders and the mount away", () => {
    using runtime = createRuntime();
    const own = join(runtime.path, "bpf");
    expect(findBpfFolder("a/fence", runtime.path)).toBeUndefined();
    const folder = openBpfFileSystem("a/fence", runtime.path);
    expect(findBpfFolder("a/fence", runtime.path)).toBe(folder);
    openBpfFileSystem("a/balancer", runtime.path);
    closeBpfFileSystem("a", runtime.path);
    expect(fileSystemType(own)).not.toBe(BPF_FS_MAGIC);
    expect(readdirSync(own)).toEqual([]);
    closeBpfFileSystem("a", runtime.path);
  });

  test("leaves what is pinned, and what is another's", () => {
    using runtime = createRuntime();
    const own = join(runtime.path, "bpf");
    const fence = openBpfFileSystem("a/fence", runtime.path);
    openBpfFileSystem("a/balancer", runtime.path);
    openBpfFileSystem("other/x", runtime.path);
    const map = hostBpfKernel.createMap({ type: 1, keyBytes: 4, valueBytes: 4, entriesMax: 1 });
    hostBpfKernel.pin(map, join(fence, "map"));
    hostBpfKernel.close(map);
    closeBpfFileSystem("a", runtime.path);
    expect(fileSystemType(own)).toBe(BPF_FS_MAGIC);
    expect(readdirSync(join(own, "a"))).toEqual(["fence"]);
    expect(readdirSync(own)).toContain("other");
  });
});
