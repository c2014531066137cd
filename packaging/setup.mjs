/**
 * Sets the tree up: dependencies from package-lock.json, and a Bun that runs.
 *
 * Needs Node 20 with npm on Linux and nothing else. Does its work once: a stamp in node_modules
 * names the lock file that was installed. Bun comes from the npm package `bun`, whose executable is
 * a stub until its install script ran; npm may block install scripts, so the stub is replaced here
 * by the executable of the platform package.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  linkSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { capture, isMain, root, runMain, SetupError } from "./common.mjs";

const modules = join(root, "node_modules");
const stampPath = join(modules, ".appliance-setup");
const bun = join(modules, "bun/bin/bun.exe");
const nodeMajorMin = 20;
const firstRunHint =
  "The first run installs the dependencies and needs the network; later runs do not";

/** Where Bun is, whether or not it is installed yet. */
export function bunPath() {
  return bun;
}

/**
 * Installs what is missing. Costs a few milliseconds when nothing is.
 *
 * @returns the path of a Bun that runs.
 * @throws {SetupError} with what to do about it.
 */
export function ensureDependencies() {
  requirePlatform();
  const lockText = readText("package-lock.json");
  const lock = JSON.parse(lockText);
  const bunVersion = lock.packages["node_modules/bun"]?.version;
  const stamp = createHash("sha256").update(lockText).update(process.arch).digest("hex");
  if (readStamp() !== stamp && !isInstalled(lock)) install();
  ensureBun(bunVersion);
  if (readStamp() !== stamp) writeFileSync(stampPath, `${stamp}\n`);
  return bun;
}

function requirePlatform() {
  if (process.platform !== "linux") {
    throw new SetupError(`Cannot set up on ${process.platform}: this program is for Linux`);
  }
  if (process.arch !== "x64" && process.arch !== "arm64") {
    throw new SetupError(`Cannot set up on ${process.arch}: expected x64 or arm64`);
  }
  const major = Number.parseInt(process.versions.node, 10);
  if (major < nodeMajorMin) {
    throw new SetupError(`Cannot set up: needs Node ${nodeMajorMin}, got ${process.versions.node}`);
  }
}

function readText(name) {
  try {
    return readFileSync(join(root, name), "utf8");
  } catch (error) {
    throw new SetupError(`Cannot read ${name}: ${error.message}`);
  }
}

function readStamp() {
  return existsSync(stampPath) ? readFileSync(stampPath, "utf8").trim() : undefined;
}

/** True if npm's own record says that node_modules already holds what the lock file wants. */
function isInstalled(lock) {
  const recordPath = join(modules, ".package-lock.json");
  if (!existsSync(recordPath)) return false;
  let installed;
  try {
    installed = JSON.parse(readFileSync(recordPath, "utf8")).packages;
  } catch {
    return false;
  }
  return Object.entries(lock.packages).every(
    ([key, { version, optional, integrity }]) =>
      key === "" ||
      (installed[key] === undefined
        ? optional === true
        : installed[key].version === version && installed[key].integrity === integrity),
  );
}

/** `npm` as a command: the one that runs us, or else the one of the PATH. */
function npmCommand() {
  const own = process.env.npm_execpath;
  if (own?.endsWith("npm-cli.js") && existsSync(own)) return [process.execPath, own];
  if (capture("npm", ["--version"]) !== undefined) return ["npm"];
  throw new SetupError("Cannot set up: npm is not installed; Debian has it in the package npm");
}

/**
 * Development and optional packages are asked for by name: the environment may turn them off.
 * Offline, npm's own pauses between attempts would hide the message for a minute.
 */
const npmArguments = [
  "ci",
  "--include=dev",
  "--include=optional",
  "--no-audit",
  "--no-fund",
  // Under `npm --silent` it would not say what went wrong.
  "--loglevel=error",
  "--fetch-retry-mintimeout=1000",
  "--fetch-retry-maxtimeout=4000",
];

function install() {
  process.stderr.write("Installing the dependencies of package-lock.json\n");
  const [command, ...before] = npmCommand();
  const { status, stderr, error } = spawnSync(command, [...before, ...npmArguments], {
    cwd: root,
    // The closing line of `npm test` must stay the only thing that looks like one.
    stdio: ["ignore", "pipe", "pipe"],
    encoding: "utf8",
  });
  if (error !== undefined) throw new SetupError(`Cannot start npm: ${error.message}`);
  if (status === 0) return;
  process.stderr.write(stderr);
  throw new SetupError(`Cannot install the dependencies: ${explainNpm(stderr)}`);
}

/** What to do about a failed `npm ci`, told from npm's error code. */
function explainNpm(stderr) {
  if (
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/.test(stderr)
  ) {
    return `npm cannot reach its registry. ${firstRunHint}`;
  }
  if (/EUSAGE/.test(stderr)) {
    return "package.json and package-lock.json differ; run npm install and node packaging/lock.mjs";
  }
  if (/EACCES|EPERM|EROFS/.test(stderr)) return `npm may not write to ${root}`;
  if (/ENOSPC/.test(stderr)) return "the disk is full; about 400 MB are needed";
  return "npm ci failed, see above";
}

function ensureBun(version) {
  if (runs(bun, version)) return;
  const arch = process.arch === "x64" ? "x64" : "aarch64";
  for (const libc of ["", "-musl"]) {
    const candidate = join(modules, `@oven/bun-linux-${arch}${libc}/bin/bun`);
    if (!runs(candidate, version)) continue;
    replaceWith(candidate, bun);
    replaceWith(candidate, join(modules, "bun/bin/bunx.exe"));
    return;
  }
  throw new SetupError(
    `Cannot find a Bun ${version} that runs in node_modules: the package @oven/bun-linux-${arch} ` +
      "is missing or broken; remove node_modules and try again",
  );
}

function runs(path, version) {
  return existsSync(path) && capture(path, ["--version"]) === version;
}

/** Puts the file `from` at `to` in one step; a link where the file system has them. */
function replaceWith(from, to) {
  const temporary = `${to}.${process.pid}`;
  try {
    linkSync(from, temporary);
  } catch {
    copyFileSync(from, temporary);
  }
  renameSync(temporary, to);
}

if (isMain(import.meta.url)) {
  await runMain(() => {
    ensureDependencies();
    return 0;
  });
}
