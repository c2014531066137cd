/**
 * The object files of ffi/bpf are what their sources give, by the compiler that made them.
 *
 * @module
 */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";

import { runProcess } from "../helpers/process.ts";
import { missing, requireAll, requirePeer, satisfied } from "../helpers/require-peer.ts";
import type { Requirement } from "../helpers/require-peer.ts";

const root = new URL("../../", import.meta.url).pathname;

function requireRecordedClang(): Requirement {
  const clang = requirePeer("clang");
  if (clang.skip) return clang;
  const recorded = readFileSync(`${root}ffi/bpf/clang-version`, "utf8").trim();
  const { stdout } = Bun.spawnSync(["clang", "--version"]);
  if (stdout.toString().startsWith(`${recorded}\n`)) return satisfied;
  return missing(`needs ${recorded}, the compiler of the objects`);
}

/** Compilers of a loaded machine are slow. */
const compileTimeoutMs = 60_000;

const clang = requireAll(requireRecordedClang());

test.skipIf(clang.skip)(
  "each object is what its source gives",
  async () => {
    const { status, stderr } = await runProcess(["node", "packaging/bpf.mjs", "--check"], {
      cwd: root,
    });
    expect(stderr).toBe("");
    expect(status).toBe(0);
  },
  compileTimeoutMs,
);
