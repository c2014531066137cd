/**
 * Which file is to be run when this program starts itself anew.
 *
 * @module
 */

import { realpathSync } from "node:fs";
import { resolve } from "node:path";

/** What Linux appends to the path of a program whose file was replaced. */
const deletedMark = " (deleted)";

/** What is known of a running program. */
export interface RunningProgram {
  /** What it was called by. */
  readonly argv0: string;
  /** What the kernel says it runs. */
  readonly execPath: string;
}

/**
 * The path that this program was called by, links as they are: the file may be another one by now.
 * Ask when the program starts: later its own file may be gone.
 *
 * @param realpath Follows links; throws where nothing is.
 */
export function programPath(
  { argv0, execPath }: RunningProgram,
  realpath: (path: string) => string = realpathSync,
): string {
  const isDeleted = execPath.endsWith(deletedMark);
  const own = isDeleted ? execPath.slice(0, -deletedMark.length) : execPath;
  if (!argv0.includes("/")) return own;
  const called = resolve(argv0);
  try {
    // What a program is called by may be any text.
    return realpath(called) === realpath(own) ? called : own;
  } catch {
    return own;
  }
}

/** Command that starts this program anew with these arguments; from source a script of Bun. */
export function ownCommand(args: readonly string[]): readonly string[] {
  const isCompiled = Bun.main.startsWith("/$bunfs/");
  const path = programPath({ argv0: process.argv0, execPath: process.execPath });
  return [path, ...(isCompiled ? [] : [Bun.main]), ...args];
}
