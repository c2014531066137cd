/**
 * Requires the laboratory beside this tree, which boots a kernel with IPVS in a virtual machine,
 * and runs a script in it. Its first use makes the machine's disk, some minutes; later ones take it
 * from its cache.
 *
 * @module
 */
import { existsSync } from "node:fs";

import { runProcess } from "./process.ts";
import { missing, requireAll, requirePeer, requireRoot, satisfied } from "./require-peer.ts";
import type { Requirement } from "./require-peer.ts";

const vmlabPath = new URL("../../../shared/lab/vmlab", import.meta.url).pathname;
/** Memory of the machine, MiB: a director and its command line, with much room. */
const memoryMib = 768;
const buildTimeoutMs = 300_000;

/** The reason is found out once: building the machine's disk takes long. */
let canBuild: Requirement | undefined;

function requireBuild(): Requirement {
  const { success, stderr } = Bun.spawnSync([vmlabPath, "build"], {
    stdin: "ignore",
    stdout: "ignore",
    timeout: buildTimeoutMs,
  });
  if (success) return satisfied;
  const line = stderr.toString().trim().split("\n").at(-1) ?? "";
  return missing(`needs the laboratory's virtual machine, which cannot be made: ${line}`);
}

/** Requires that {@link runInMachine} works. */
export function requireVmlab(): Requirement {
  if (!existsSync(vmlabPath)) return missing("needs ../shared/lab/vmlab beside this tree");
  const compiler = Bun.which("gcc") === null ? requirePeer("tcc") : satisfied;
  const peers = requirePeer("mmdebstrap", "mke2fs", "depmod");
  const needs = requireAll(requireRoot(), peers, compiler);
  if (needs.skip) return needs;
  canBuild ??= requireBuild();
  return canBuild;
}

/**
 * Runs a script as root in a new machine, where `folder` is /share. @returns what it printed.
 *
 * @throws {Error} with its output if the machine failed or took too long.
 */
export async function runInMachine(
  folder: string,
  script: string,
  timeoutMs: number,
): Promise<string> {
  const limits = ["-m", String(memoryMib), "-t", String(Math.ceil(timeoutMs / 1000))];
  const command = [vmlabPath, "run", ...limits, "-s", folder, script];
  const { status, stdout, stderr } = await runProcess(command, { cwd: folder });
  if (status === 124 || status === 125) {
    throw new Error(`The machine ended with ${status}:\n${stdout}\n${stderr}`);
  }
  return stdout;
}

/**
 * What a script of a machine told, by section: each begins with a line `== NAME`, the last one is
 * named `end`.
 *
 * @throws {Error} with the output if the script did not come to its end.
 */
export function readSections(output: string): ReadonlyMap<string, string> {
  const sections = new Map(
    output.split(/^== /m).map((text) => {
      const end = text.indexOf("\n");
      return [text.slice(0, end), text.slice(end + 1)] as const;
    }),
  );
  if (!sections.has("end")) throw new Error(`The script did not come to its end:\n${output}`);
  return sections;
}
