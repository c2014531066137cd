/**
 * What a test needs of the machine. A test that needs something that is not there is skipped, and
 * says why: `test.skipIf(nginx.skip)(…)` with `const nginx = requirePeer("nginx")`.
 *
 * Each reason is written to the file that the environment variable APPLIANCE_SKIP_LOG names, from
 * which .ci/test.mjs lists the skipped tests. With CI=true a missing peer that .ci/peers.txt marks
 * `must` is an error instead.
 *
 * @module
 */
import { appendFileSync, existsSync, readFileSync } from "node:fs";

/** Whether a test must be skipped, and why. */
export interface Requirement {
  readonly skip: boolean;
  /** One line for people; empty if nothing is missing. */
  readonly reason: string;
}

/** Path of the built executable, as integration tests and benchmarks start it. */
export const executablePath = new URL("../../dist/appliance", import.meta.url).pathname;

const peersPath = new URL("../../.ci/peers.txt", import.meta.url).pathname;
/** Debian puts daemons where the PATH of an ordinary user does not look. */
const searchPath = `${process.env["PATH"] ?? ""}:/usr/local/sbin:/usr/sbin:/sbin`;
/** Nothing is missing. */
export const satisfied: Requirement = { skip: false, reason: "" };

/** What is missing; `npm test` tells it at the end. */
export function missing(reason: string): Requirement {
  const path = process.env["APPLIANCE_SKIP_LOG"];
  if (path !== undefined) {
    const file = new Error(reason).stack?.match(/test\/\S+?\.test\.ts/)?.[0] ?? Bun.main;
    appendFileSync(path, `${JSON.stringify({ file, reason })}\n`);
  }
  return { skip: true, reason };
}

interface Peer {
  readonly packages: string;
  readonly need: string;
}

function peerOf(program: string): Peer {
  for (const line of readFileSync(peersPath, "utf8").split("\n")) {
    const [name, packages, need] = line.split(/\s+/);
    if (name === program && packages !== undefined && need !== undefined) {
      return { packages, need };
    }
  }
  throw new Error(`Cannot require ${program}: it is not in .ci/peers.txt`);
}

/**
 * Requires programs of .ci/peers.txt.
 *
 * @throws {Error} with CI=true if one that is marked `must` is missing.
 */
export function requirePeer(...programs: readonly string[]): Requirement {
  for (const program of programs) {
    const { packages, need } = peerOf(program);
    if (Bun.which(program, { PATH: searchPath }) !== null) continue;
    const reason = `needs ${program} (package ${packages.replace("|", " or ")})`;
    if (process.env["CI"] === "true" && need === "must") {
      throw new Error(`${reason}, which must not be missing with CI=true`);
    }
    return missing(reason);
  }
  return satisfied;
}

/** Requires user id 0. */
export function requireRoot(): Requirement {
  return process.getuid?.() === 0 ? satisfied : missing("needs root");
}

/** True if this process may make network namespaces; found out by making one. */
let canMakeNetns: boolean | undefined;

/** Requires the right to make network namespaces, and the program ip. */
export function requireNetns(): Requirement {
  const ip = requirePeer("ip", "unshare");
  if (ip.skip) return ip;
  canMakeNetns ??= Bun.spawnSync(["unshare", "--net", "true"]).success;
  return canMakeNetns ? satisfied : missing("may not make network namespaces (needs root)");
}

/** Requires that a process may open `count` descriptors: its hard limit. */
export function requireDescriptors(count: number): Requirement {
  const limits = readFileSync("/proc/self/limits", "utf8");
  const hard = /^Max open files +\S+ +(\S+)/m.exec(limits)?.[1] ?? "0";
  const isEnough = hard === "unlimited" || Number(hard) >= count;
  return isEnough ? satisfied : missing(`needs ${count} descriptors, the limit is ${hard}`);
}

/** Requires the built executable at {@link executablePath}. */
export function requireExecutable(): Requirement {
  return existsSync(executablePath)
    ? satisfied
    : missing("dist/appliance is not built: npm run build");
}

/** The first of the requirements that is not satisfied. */
export function requireAll(...requirements: readonly Requirement[]): Requirement {
  return requirements.find(({ skip }) => skip) ?? satisfied;
}
