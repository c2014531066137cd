/**
 * Installs the programs that .ci/peers.txt marks `must`: on Debian, as root, by apt-get.
 *
 * Their daemons must not start on the host: while apt-get runs a policy-rc.d refuses every start,
 * and units that the packages enabled for the next boot are disabled again. What was there before
 * is put back as found. With APPLIANCE_INSTALL=no nothing is installed.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  lstatSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { delimiter, join } from "node:path";

import { capture, isMain, root, runMain, SetupError } from "../packaging/common.mjs";

const policyPath = "/usr/sbin/policy-rc.d";
/** In the file we write, so that the next run knows it as a left-over of a killed one. */
const policyMark = "# made by .ci/peers.mjs while packages are installed";
/** Exit status of a policy-rc.d that forbids an action (invoke-rc.d(8)). */
const forbidden = 101;
/** Debian puts daemons where the PATH of an ordinary user does not look. */
const administratorPaths = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** The list, as records. */
export function readPeers(text = readFileSync(join(root, ".ci/peers.txt"), "utf8")) {
  return text
    .split("\n")
    .filter((line) => /^[^#\s]/.test(line))
    .map((line) => {
      const [program, packages, need, ...purpose] = line.split(/\s+/);
      if (packages === undefined || (need !== "must" && need !== "may")) {
        throw new SetupError(`Cannot read .ci/peers.txt: "${line}"`);
      }
      return { program, packages: packages.split("|"), need, purpose: purpose.join(" ") };
    });
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** True if the program can be started. */
export function isInstalled(program) {
  if (program.startsWith("/")) return existsSync(program);
  const folders = [...(process.env.PATH ?? "").split(delimiter), ...administratorPaths];
  return folders.some((folder) => folder !== "" && isExecutable(join(folder, program)));
}

/** Puts the administrator's folders in PATH, for this process and its children. */
export function extendPath() {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const missing = administratorPaths.filter((folder) => !folders.includes(folder));
  process.env.PATH = [...folders, ...missing].join(delimiter);
}

/** Keeps daemons from being started until the returned function is called. */
function forbidDaemons() {
  const isLeftOver =
    existsSync(policyPath) && readFileSync(policyPath, "utf8").includes(policyMark);
  if (isLeftOver) rmSync(policyPath);
  const found = lstatSync(policyPath, { throwIfNoEntry: false });
  if (found !== undefined && spawnSync(policyPath, ["nginx", "start"]).status === forbidden) {
    return () => undefined;
  }
  const aside = `${policyPath}.appliance`;
  if (found !== undefined) renameSync(policyPath, aside);
  writeFileSync(policyPath, `#!/bin/sh\n${policyMark}\nexit ${forbidden}\n`);
  chmodSync(policyPath, 0o755);
  return () => {
    rmSync(policyPath, { force: true });
    if (found !== undefined) renameSync(aside, policyPath);
  };
}

function aptGet(args) {
  process.stderr.write(`apt-get ${args.join(" ")}\n`);
  const { status, stdout, stderr } = spawnSync("apt-get", ["-q", "-y", ...args], {
    encoding: "utf8",
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  if (status !== 0) process.stderr.write(`${stdout ?? ""}${stderr ?? ""}`);
  return status === 0;
}

/** The first of the packages that apt knows a version of. */
function candidateOf(packages) {
  return packages.find((name) => {
    const policy = capture("apt-cache", ["policy", name]);
    return /Candidate: (?!\(none\))/.test(policy ?? "");
  });
}

function installedPackages() {
  const list = capture("dpkg-query", ["-W", "-f", "${db:Status-Status} ${Package}\n"]) ?? "";
  return new Set(list.split("\n").filter((line) => line.startsWith("installed ")));
}

/** Units that a freshly installed package brought are not to start at the next boot either. */
function disableUnits(packagesBefore) {
  if (!isInstalled("systemctl")) return;
  const fresh = [...installedPackages()].filter((line) => !packagesBefore.has(line));
  for (const [, name] of fresh.map((line) => line.split(" "))) {
    const files = capture("dpkg", ["-L", name]) ?? "";
    for (const [, unit] of files.matchAll(/\/systemd\/system\/([\w@.-]+\.service)$/gm)) {
      spawnSync("systemctl", ["disable", "--quiet", unit]);
    }
  }
}

/** Packages by which the missing programs come; `apt-get update` if apt knows none of one. */
function choosePackages(missing) {
  const choose = () => missing.map(({ packages }) => candidateOf(packages));
  let chosen = choose();
  if (chosen.includes(undefined) && aptGet(["update"])) chosen = choose();
  return [...new Set(chosen.filter((name) => name !== undefined))];
}

function installPackages(missing) {
  const packages = choosePackages(missing);
  if (packages.length === 0) return;
  // A mail server or database of the host's own may rule one of these out: then that stays.
  const install = ["install", "--no-install-recommends", "--no-remove"];
  const packagesBefore = installedPackages();
  const allowDaemons = forbidDaemons();
  // A signal must not end this process before the host is as it was: apt-get gets it too and ends.
  const ignore = () => undefined;
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, ignore);
  try {
    // The lists may be old, then the versions they name are gone from the mirror.
    const isDone =
      aptGet([...install, ...packages]) ||
      (aptGet(["update"]) && aptGet([...install, ...packages]));
    if (!isDone) for (const name of packages) aptGet([...install, name]);
    disableUnits(packagesBefore);
  } finally {
    allowDaemons();
    for (const signal of ["SIGINT", "SIGTERM"]) process.off(signal, ignore);
  }
}

/** Why packages cannot be installed here; empty if they can. */
function installObstacle() {
  if (process.env.APPLIANCE_INSTALL === "no") return "APPLIANCE_INSTALL=no";
  if (!existsSync("/etc/debian_version") || !isInstalled("apt-get")) return "not Debian";
  return process.getuid() === 0 ? "" : "not root";
}

/**
 * Installs what is missing, if that is possible here, and says what is missing still.
 *
 * @returns the peers marked `must` that are not there.
 */
export function ensurePeers() {
  extendPath();
  const isMissing = ({ program }) => !isInstalled(program);
  const missing = readPeers().filter((peer) => peer.need === "must" && isMissing(peer));
  if (missing.length === 0) return [];
  const obstacle = installObstacle();
  if (obstacle === "") installPackages(missing);
  const still = missing.filter(isMissing);
  for (const { program, packages, purpose } of still) {
    process.stderr.write(`Missing: ${program} (package ${packages.join(" or ")}): ${purpose}\n`);
  }
  if (still.length > 0 && obstacle !== "") {
    const names = [...new Set(still.map(({ packages }) => packages[0]))].join(" ");
    process.stderr.write(`Not installed (${obstacle}); for all tests: apt-get install ${names}\n`);
  }
  return still;
}

if (isMain(import.meta.url)) {
  await runMain(() => (ensurePeers().length > 0 ? 1 : 0));
}
