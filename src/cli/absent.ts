/**
 * Commands of the product that this build does not have yet: named, so that nobody searches for
 * a slip of the pen.
 *
 * @module
 */

import { exitStatus } from "./command.ts";
import type { Command } from "./command.ts";

function absent(name: string, summary: string): Command {
  return {
    name,
    summary,
    usage: name,
    details: "Not in this build yet.",
    async run(_args, context) {
      context.stderr(`appliance ${name}: not in this build yet\n`);
      return exitStatus.unavailable;
    },
  };
}

/** See the module's head. */
export const absentCommands: readonly Command[] = [
  absent("upgrade", "Let a new executable take over without losing connections"),
];
