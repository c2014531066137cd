/**
 * Heartbeat's files among the operands of `appliance import`.
 *
 * @module
 */

import { existsSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import type { HeartbeatFiles } from "../config/index.ts";
import { UsageError } from "./arguments.ts";
import { readTextFile } from "./import-text.ts";
import type { TextFile } from "./import-text.ts";

type Part = keyof HeartbeatFiles;

const partByName: ReadonlyMap<string, Part> = new Map([
  ["ha.cf", "haCf"],
  ["haresources", "haresources"],
  ["authkeys", "authkeys"],
]);

/** Operands, sorted. */
export interface SortedOperands {
  /** Paths of Heartbeat's files. */
  readonly heartbeat: ReadonlyMap<Part, string>;
  /** All the others. */
  readonly others: readonly string[];
}

/**
 * Finds Heartbeat's files by their names, and in folders.
 *
 * @throws {UsageError} `CLI_USAGE` for two of a kind: a pair of directors has one of each.
 */
export function sortOperands(operands: readonly string[]): SortedOperands {
  const heartbeat = new Map<Part, string>();
  const others: string[] = [];
  const take = (part: Part, path: string): void => {
    const before = heartbeat.get(part);
    if (before !== undefined) throw new UsageError(`Expected one of ${before} and ${path}`);
    heartbeat.set(part, path);
  };
  for (const operand of operands) {
    const part = partByName.get(basename(operand));
    if (statSync(operand, { throwIfNoEntry: false })?.isDirectory() === true) {
      for (const [name, one] of partByName) {
        const path = join(operand, name);
        // Without a ha.cf it is no folder of Heartbeat's: reading it will say so.
        if (one === "haCf" || existsSync(path)) take(one, path);
      }
    } else if (part === undefined) others.push(operand);
    else take(part, operand);
  }
  return { heartbeat, others };
}

/** Reads the files that were found. */
export async function readHeartbeat(paths: SortedOperands["heartbeat"]): Promise<HeartbeatFiles> {
  const read = async (part: Part): Promise<TextFile | undefined> => {
    const path = paths.get(part);
    return path === undefined ? undefined : await readTextFile(path);
  };
  return {
    haCf: await read("haCf"),
    haresources: await read("haresources"),
    authkeys: await read("authkeys"),
  };
}

/**
 * Reads the ldirectord.cf files that haresources names, beside Heartbeat's files; one among the
 * operands is meant first, and is then not translated by itself.
 */
export async function readNamed(
  names: readonly string[],
  { heartbeat, others }: SortedOperands,
): Promise<ReadonlyMap<string, TextFile>> {
  const { findLdirectordFile } = await import("../config/index.ts");
  const [first = ""] = heartbeat.values();
  const found = new Map<string, TextFile>();
  for (const name of names) {
    const operand = others.find((one) => basename(one) === basename(name));
    const path = operand ?? findLdirectordFile(dirname(first), name);
    if (path !== undefined) found.set(name, await readTextFile(path));
  }
  return found;
}
