/**
 * Builds dist/appliance: one executable with Bun, the program and its worker threads.
 *
 * `node packaging/build.mjs [--target=bun-linux-arm64] [--outfile=PATH] [--force]`. Without a
 * target it builds for this machine with the Bun of node_modules and needs no network; the npm
 * package for x64 is byte for byte Bun's baseline build, so the result needs no AVX2.
 *
 * - A compiled executable would otherwise read .env, bunfig.toml (which can name code to run),
 *   package.json and tsconfig.json of the directory it is started in: all four are turned off.
 * - Worker threads (`worker.ts`, `*-worker.ts`) are entry points of their own. In the executable
 *   all modules are one file, so the workers are put beside it: a module that starts the worker of
 *   its own folder by `new URL("./worker.ts", import.meta.url)` finds it from source and there.
 * - Format esm: with the default format of `--bytecode` the paths of this machine would be in it.
 * - The source map inside makes a stack trace name files and lines of src.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

import { capture, isMain, root, runMain, SetupError } from "./common.mjs";
import { bunPath, ensureDependencies } from "./setup.mjs";

/** Files and folders whose change makes a new build. */
const inputs = ["src", "ffi", "package.json", "package-lock.json", "tsconfig.json", "packaging"];
const flags = [
  "--compile",
  "--minify",
  "--bytecode",
  "--format=esm",
  "--sourcemap=linked",
  "--root=src",
  "--entry-naming=[name].[ext]",
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
  "--no-compile-autoload-tsconfig",
  "--no-compile-autoload-package-json",
];
/** What `bun build --target` is asked for, by name of `--target` here. */
const targets = ["bun-linux-x64", "bun-linux-x64-baseline", "bun-linux-arm64"];

/**
 * Builds the executable unless it is there and nothing it is made from has changed.
 *
 * @returns its path.
 * @throws {SetupError} if Bun cannot build it; Bun has printed why.
 */
export function build({ target, outfile = join(root, "dist/appliance"), force = false } = {}) {
  requireBuildable(target);
  const defines = [...(target === undefined ? [] : [`--target=${target}`]), ...versionDefines()];
  const stampPath = `${outfile}.stamp`;
  const stamp = stampOf([process.arch, ...defines]);
  const isCurrent = existsSync(outfile) && existsSync(stampPath);
  if (!force && isCurrent && readFileSync(stampPath, "utf8") === stamp) return outfile;
  compile(defines, outfile);
  writeFileSync(stampPath, stamp);
  return outfile;
}

function requireBuildable(target) {
  if (target !== undefined && !targets.includes(target)) {
    throw new SetupError(`Cannot build for ${target}: expected one of ${targets.join(", ")}`);
  }
  if (!existsSync(join(root, "src/main.ts"))) {
    throw new SetupError("Cannot build: src/main.ts is missing");
  }
}

/** The program and its worker threads, in a stable order. */
function entryPoints() {
  const workers = filesBelow("src").filter((path) => /(?:\/|-)worker\.ts$/.test(path));
  const names = workers.map((path) => basename(path));
  const doubles = workers.filter(
    (path) => names.indexOf(basename(path)) !== names.lastIndexOf(basename(path)),
  );
  if (doubles.length > 0) {
    throw new SetupError(
      `Cannot build: workers need names of their own, got ${doubles.join(", ")}`,
    );
  }
  return ["src/main.ts", ...workers];
}

function filesBelow(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(root.length + 1))
    .toSorted();
}

/** Version and commit as constants of the program; `src/cli/version.ts` shows them. */
function versionDefines() {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const commit = existsSync(join(root, ".git"))
    ? capture("git", ["rev-parse", "--short=12", "HEAD"])
    : undefined;
  const define = (name, value) => `--define=${name}=${JSON.stringify(value)}`;
  return [define("APPLIANCE_VERSION", version), define("APPLIANCE_COMMIT", commit ?? "unknown")];
}

/** Changes whenever one of the inputs does, also when a file goes away. */
function stampOf(extra) {
  const hash = createHash("sha256").update(extra.join("\n"));
  for (const input of inputs) {
    const paths = statSync(join(root, input)).isDirectory() ? filesBelow(input) : [input];
    for (const path of paths) {
      const { size, mtimeMs } = statSync(join(root, path));
      hash.update(`${path} ${size} ${mtimeMs}\n`);
    }
  }
  return hash.digest("hex");
}

/** Compiles beside the target and renames, so that a running executable is not disturbed. */
function compile(extra, outfile) {
  process.stderr.write(
    `Building ${outfile.startsWith(root) ? outfile.slice(root.length + 1) : outfile}\n`,
  );
  mkdirSync(dirname(outfile), { recursive: true });
  const folder = mkdtempSync(join(dirname(outfile), ".build-"));
  try {
    const built = join(folder, "appliance");
    const args = ["build", ...flags, ...extra, ...entryPoints(), `--outfile=${built}`];
    const { status, stdout, stderr, error } = spawnSync(bunPath(), args, {
      cwd: root,
      encoding: "utf8",
    });
    if (error !== undefined) throw new SetupError(`Cannot start Bun: ${error.message}`);
    if (status !== 0 || !existsSync(built)) {
      process.stderr.write(stdout + stderr);
      throw new SetupError("Cannot build the executable: bun build failed, see above");
    }
    renameSync(built, outfile);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function parseArguments(args) {
  const options = {};
  for (const arg of args) {
    const [name, value] = arg.split("=", 2);
    if (arg === "--force") options.force = true;
    else if (name === "--target" && value) options.target = value;
    else if (name === "--outfile" && value) options.outfile = resolve(value);
    else throw new SetupError(`Unknown argument ${arg}, expected --target=, --outfile= or --force`);
  }
  return options;
}

if (isMain(import.meta.url)) {
  await runMain((args) => {
    const options = parseArguments(args);
    ensureDependencies();
    process.stdout.write(`${build(options)}\n`);
    return 0;
  });
}
