/**
 * `appliance demo`: a director with two real servers on loopback, to look at.
 *
 * @module
 */

import { parseArguments } from "./arguments.ts";
import type { Command } from "./command.ts";
import { program } from "./program.ts";

/** See the module's head. */
export const demo: Command = {
  name: "demo",
  summary: "Try it: a director and two real servers on loopback",
  usage: "demo",
  details: "Needs no privileges and no configuration. Ctrl-C ends all of it.",
  async run(args, { environment, stdout, stderr, signal }) {
    parseArguments(args, { options: [] });
    const { runDemo } = await import("../daemon/index.ts");
    return runDemo({ environment, stdout, stderr, signal, program });
  },
};
