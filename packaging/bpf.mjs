/**
 * Compiles ffi/bpf/*.bpf.c to the object files beside them, which are committed and embedded in the
 * executable: whoever builds that needs no compiler.
 *
 *     node packaging/bpf.mjs            writes the objects
 *     node packaging/bpf.mjs --check    fails if one differs from what its source gives
 *
 * Another version of clang may give other instructions for the same source, so the version that
 * made the objects is recorded in ffi/bpf/clang-version, and --check asks for it.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { capture, root, runMain, SetupError } from "./common.mjs";

const folder = join(root, "ffi/bpf");
const versionPath = join(folder, "clang-version");
/** Headers of the kernel's interface; Debian keeps asm/ by architecture. */
const includes = ["-I/usr/include/x86_64-linux-gnu", "-I/usr/include/aarch64-linux-gnu"];
const flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-target", "bpf", ...includes];
/** The balancer takes turns with an atomic instruction of the third version (Linux 5.12). */
const ownFlags = { "balancer.bpf.c": ["-mcpu=v3"] };

function clangVersion() {
  const text = capture("clang", ["--version"]);
  if (text === undefined) throw new SetupError("Cannot find clang: apt-get install clang");
  return text.split("\n")[0].trim();
}

function compile(source, target) {
  const args = [...flags, ...(ownFlags[source] ?? []), "-c", source, "-o", target];
  // The name of the source stands in the object: without a folder it is the same everywhere.
  const { status, stderr } = spawnSync("clang", args, { cwd: folder, encoding: "utf8" });
  if (status !== 0) throw new SetupError(`Cannot compile ${source}:\n${stderr}`);
}

function checkAll(sources) {
  const recorded = readFileSync(versionPath, "utf8").trim();
  if (clangVersion() !== recorded) {
    throw new SetupError(`Cannot compare: the objects were made by ${recorded}`);
  }
  const scratch = mkdtempSync(join(tmpdir(), "appliance-bpf-"));
  try {
    for (const source of sources) {
      const object = source.replace(/\.c$/, ".o");
      compile(source, join(scratch, object));
      const isSame = readFileSync(join(scratch, object)).equals(readFileSync(join(folder, object)));
      if (!isSame) throw new SetupError(`${object} differs from ${source}: node packaging/bpf.mjs`);
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

await runMain((args) => {
  const sources = readdirSync(folder).filter((name) => name.endsWith(".bpf.c"));
  if (args.includes("--check")) {
    checkAll(sources);
    return 0;
  }
  for (const source of sources) compile(source, source.replace(/\.c$/, ".o"));
  writeFileSync(versionPath, `${clangVersion()}\n`);
  return 0;
});
