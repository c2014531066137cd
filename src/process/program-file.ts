/**
 * May this file be run? What others can write, others can make the director run.
 *
 * @module
 */

import { statSync } from "node:fs";
import { dirname } from "node:path";

import { errorText } from "../errors/index.ts";

/** What {@link refusalOfMode} looks at; see inode(7). */
export interface FileMode {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

const groupWrite = 0o020;
const otherWrite = 0o002;
const sticky = 0o1000;

/**
 * Why a file or directory on the way to a program is not safe; undefined if it is. Pure.
 *
 * The owner must be root or one of `trustedUids`; nobody else may write, but root's group, and
 * but in a directory with the sticky bit, in which nobody can replace another one's file.
 */
export function refusalOfMode(
  { mode, uid, gid }: FileMode,
  trustedUids: readonly number[],
): string | undefined {
  if (uid !== 0 && !trustedUids.includes(uid)) return `it belongs to user ${uid}`;
  if ((mode & sticky) !== 0) return undefined;
  if ((mode & otherWrite) !== 0) return "everybody can write it";
  if ((mode & groupWrite) !== 0 && gid !== 0) return `group ${gid} can write it`;
  return undefined;
}

/**
 * Why the program at the absolute `path` must not be run; undefined if it may.
 *
 * Looks at the file and at each directory above it, links followed.
 */
export function refusalOfProgram(path: string, trustedUids: readonly number[]): string | undefined {
  try {
    if ((statSync(path).mode & 0o111) === 0) return `${path} is not executable`;
  } catch (error) {
    return errorText(error);
  }
  return refusalOfScript(path, trustedUids);
}

/** The same of a file that a program reads as code, for which it need not be executable. */
export function refusalOfScript(path: string, trustedUids: readonly number[]): string | undefined {
  try {
    const file = statSync(path);
    const { mode, uid, gid } = file;
    if (!file.isFile()) return `${path} is not a file`;
    // A sticky bit on a file protects nothing.
    const refusal = refusalOfMode({ mode: mode & ~sticky, uid, gid }, trustedUids);
    if (refusal !== undefined) return `${path} is not safe to run: ${refusal}`;
    for (let folder = dirname(path); ; folder = dirname(folder)) {
      const reason = refusalOfMode(statSync(folder), trustedUids);
      if (reason !== undefined) return `${path} is not safe to run: ${reason} (${folder})`;
      if (folder === dirname(folder)) return undefined;
    }
  } catch (error) {
    return errorText(error);
  }
}
