/**
 * A host as the old articles have it: its own name, /etc, /run and /var/lib beside its network, and
 * the old programs' names as links to the built executable. What runs on it, runs with these.
 *
 * @module
 */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import type { Host } from "./netns.ts";
import { runProcess, startProcess } from "./process.ts";
import type { FinishedProcess, StartedProcess } from "./process.ts";
import { executablePath } from "./require-peer.ts";

/** See the module's head. It ends with the network of its host. */
export interface OldHost {
  readonly host: Host;
  /** Put before a command, so that it runs there. */
  readonly prefix: readonly string[];
  /** Runs a line as a person would type it, the names of the old programs in it included. */
  run(line: string): Promise<FinishedProcess>;
  /** Starts a program and goes on. */
  start(...command: readonly string[]): StartedProcess;
}

/** Names that stand in for old programs. */
const programs = [
  "appliance",
  "ldirectord",
  "ipvsadm",
  "hb_standby",
  "hb_takeover",
  "cl_status",
] as const;

/** Mounts for this host alone; the copy of /etc is a folder of the test. */
const setUp = `set -e
echo "$1" >/proc/sys/kernel/hostname
mount --bind "$2/etc" /etc
mount -t tmpfs none /run
mount -t tmpfs none /var/lib
echo ready
exec sleep infinity`;

/**
 * Makes it.
 *
 * @param folder Of the test; not deleted here.
 * @param files Texts by their absolute path below /etc; authkeys gets its mode.
 */
export async function createOldHost(
  host: Host,
  folder: string,
  files: Readonly<Record<string, string>>,
): Promise<OldHost> {
  const own = join(folder, host.name);
  mkdirSync(join(own, "bin"), { recursive: true });
  const { status, stderr } = await runProcess(["cp", "-a", "/etc", own]);
  if (status !== 0) throw new Error(stderr);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(own, path)), { recursive: true });
    writeFileSync(join(own, path), text, { mode: path.endsWith("authkeys") ? 0o600 : 0o644 });
  }
  for (const name of programs) symlinkSync(executablePath, join(own, "bin", name));
  const scripts = join(own, "etc/ha.d/resource.d");
  mkdirSync(scripts, { recursive: true });
  await runProcess(["ln", "-sf", executablePath, join(scripts, "LVSSyncDaemonSwap")]);
  const unshare = ["unshare", "--mount", "--uts", "--propagation", "private"];
  const holder = host.spawn([...unshare, "sh", "-c", setUp, "sh", host.name, own]);
  await holder.waitForOutput(/ready/);
  const enter = ["nsenter", "--target", String(holder.pid), "--mount", "--uts", "--net"];
  const prefix = [...enter, "--wd=/", "--"];
  const env = { PATH: `${join(own, "bin")}:${process.env["PATH"]}` };
  return {
    host,
    prefix,
    run: (line) => runProcess([...prefix, "sh", "-c", line], { env }),
    start: (...command) => startProcess([...prefix, ...command], { env }),
  };
}
