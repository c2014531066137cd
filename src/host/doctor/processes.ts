/**
 * Programs that run in this network namespace and manage addresses or services themselves.
 *
 * @module
 */

import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Who manages. */
export type ManagerName = "ldirectord" | "keepalived" | "heartbeat" | "appliance";

/** One running manager. */
export interface Manager {
  readonly name: ManagerName;
  readonly pid: number;
}

/** Which manager a command line is; undefined for everything else. Pure. */
export function managerOf(command: readonly string[]): ManagerName | undefined {
  const base = (word: string | undefined): string => (word ?? "").replace(/.*\//, "");
  const [first, second] = command;
  // heartbeat sets titles of its own: `heartbeat: read: bcast eth0`.
  const program = base(first?.replace(/[: ].*/, ""));
  if (program === "keepalived" || program === "heartbeat") return program;
  // A script of Perl.
  if (program === "ldirectord" || (program.startsWith("perl") && base(second) === "ldirectord")) {
    return "ldirectord";
  }
  const isDirector = program === "appliance" && (second === "run" || second === "demo");
  return isDirector ? "appliance" : undefined;
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function commandOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}

/** Managers of this network namespace; those of others do not matter. */
export function findManagers(): readonly Manager[] {
  const own = linkOf("/proc/self/ns/net");
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const name = managerOf(commandOf(pid));
      if (name === undefined || Number(pid) === process.pid) return [];
      const its = linkOf(`/proc/${pid}/ns/net`);
      return its === undefined || its === own ? [{ name, pid: Number(pid) }] : [];
    });
}
