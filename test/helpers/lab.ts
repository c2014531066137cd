/**
 * A host of a test's own: Debian with a systemd, in namespaces of this kernel. It is the `ctlab` of
 * the laboratory beside the tree, `../shared/lab`, and needs the image that `vmlab build` makes.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

import { runProcess } from "./process.ts";
import { missing, requireAll, requirePeer, requireRoot, satisfied } from "./require-peer.ts";
import type { Requirement } from "./require-peer.ts";

const ctlabPath = new URL("../../../shared/lab/ctlab", import.meta.url).pathname;

function imagePath(): string {
  const { VMLAB_CACHE: own, XDG_CACHE_HOME: cache = join(homedir(), ".cache") } = process.env;
  return join(own ?? join(cache, "vmlab"), "root.img");
}

/** Requires the laboratory, its image, and a cgroup2 hierarchy for the systemd in it. */
export function requireLab(): Requirement {
  const root = requireAll(requireRoot(), requirePeer("unshare"));
  if (root.skip) return root;
  if (!existsSync(ctlabPath)) return missing("needs ../shared/lab/ctlab");
  if (!existsSync(imagePath())) return missing("needs the image of ../shared/lab/vmlab build");
  const isMounted = Bun.spawnSync(["findmnt", "-n", "-t", "cgroup2"]).success;
  return isMounted ? satisfied : missing("needs a mounted cgroup2 hierarchy");
}

/** What a script in the laboratory told. */
export interface LabReport {
  /** Values of its lines `@NAME VALUE`, in order; a name may come more than once. */
  readonly told: ReadonlyMap<string, readonly string[]>;
  /** Everything it printed, for the message of a failure. */
  readonly output: string;
}

/**
 * Runs `script` (bash, as root, in /share) on a fresh host that is thrown away afterwards.
 *
 * @param folder Is /share there: what the script needs lies in it.
 * @throws {Error} with its output if it does not end with 0.
 */
export async function runInLab(folder: string, script: string): Promise<LabReport> {
  const path = join(folder, "lab-script.sh");
  await Bun.write(path, script);
  const { status, stdout, stderr } = await runProcess([ctlabPath, "-s", folder, path]);
  const output = `${stdout}\n${stderr}`;
  if (status !== 0) throw new Error(`ctlab ended with ${status}:\n${output}`);
  const told = new Map<string, string[]>();
  for (const [, name = "", value = ""] of stdout.matchAll(/^@(\S+) ?(.*)$/gm)) {
    told.set(name, [...(told.get(name) ?? []), value]);
  }
  return { told, output };
}
