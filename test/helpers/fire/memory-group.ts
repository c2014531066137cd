/**
 * A control group with a limit of memory, of version 2 or 1, for one program of a test.
 *
 * @module
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { missing, satisfied } from "../require-peer.ts";
import type { Requirement } from "../require-peer.ts";
import { waitFor } from "../wait.ts";

const versions = [
  {
    root: "/sys/fs/cgroup",
    mark: "cgroup.subtree_control",
    limit: "memory.max",
    used: "memory.current",
  },
  {
    root: "/sys/fs/cgroup/memory",
    mark: "memory.limit_in_bytes",
    limit: "memory.limit_in_bytes",
    used: "memory.usage_in_bytes",
  },
] as const;

function isUsable({ root, mark }: (typeof versions)[number]): boolean {
  const path = join(root, mark);
  if (!existsSync(path)) return false;
  return mark !== "cgroup.subtree_control" || readFileSync(path, "utf8").includes("memory");
}

const version = versions.find(isUsable);
let groupCount = 0;

/** A group of one program. */
export interface MemoryGroup extends AsyncDisposable {
  /** Put before a command: it joins the group, then becomes the command. */
  readonly prefix: readonly string[];
  usedBytes(): number;
  setLimit(bytes: number): void;
}

/** Makes a group. Ended once its programs have. */
export function createMemoryGroup(): MemoryGroup {
  if (version === undefined) throw new Error("No memory controller");
  const { root, limit, used } = version;
  const path = join(root, `appliance-test-${process.pid}-${groupCount++}`);
  mkdirSync(path);
  const join_ = `echo $$ > ${join(path, "cgroup.procs")} && exec "$@"`;
  return {
    prefix: ["sh", "-c", join_, "sh"],
    usedBytes: () => Number(readFileSync(join(path, used), "utf8")),
    setLimit: (bytes) => writeFileSync(join(path, limit), String(bytes)),
    async [Symbol.asyncDispose]() {
      const isRemoved = (): boolean => {
        try {
          rmdirSync(path);
          return true;
        } catch {
          return false;
        }
      };
      await waitFor(isRemoved, { what: `an empty control group ${path}` });
    },
  };
}

/** Requires that a group with a limit of memory can be made: found out by making one. */
export function requireMemoryGroup(): Requirement {
  if (version === undefined) return missing("needs a memory controller in /sys/fs/cgroup");
  try {
    const path = join(version.root, `appliance-test-${process.pid}-trial`);
    mkdirSync(path);
    const isLimited = existsSync(join(path, version.limit));
    rmdirSync(path);
    return isLimited ? satisfied : missing("needs a memory controller for new control groups");
  } catch {
    return missing("may not make control groups (needs root)");
  }
}
