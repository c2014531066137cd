/**
 * `appliance version`: which build this is.
 *
 * @module
 */

import { parseArguments } from "./arguments.ts";
import { exitStatus } from "./command.ts";
import type { Command } from "./command.ts";
import { program } from "./program.ts";

const spec = { options: [{ name: "json" }] } as const;

/** See the module's head. */
export const version: Command = {
  name: "version",
  summary: "Print the version",
  usage: "version [--json]",
  async run(args, context) {
    const platform = `${process.platform}-${process.arch}`;
    const facts = { ...program, runtime: `bun ${Bun.version}`, platform };
    const text = `appliance ${facts.version} (${facts.commit}, ${platform}, ${facts.runtime})\n`;
    const isJson = parseArguments(args, spec).has("json");
    context.stdout(isJson ? `${JSON.stringify(facts)}\n` : text);
    return exitStatus.ok;
  },
};
