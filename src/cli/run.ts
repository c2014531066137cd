/**
 * `appliance run`: the director in the foreground.
 *
 * @module
 */

import { parseArguments } from "./arguments.ts";
import type { Command } from "./command.ts";
import { configOption, filesMax, filesOf } from "./files.ts";
import { program } from "./program.ts";

const spec = { options: [configOption], operandsMax: filesMax } as const;

/** See the module's head. */
export const run: Command = {
  name: "run",
  summary: "Run the director in the foreground",
  usage: "run [--config FILE…]",
  details: `  -c, --config FILE  native configuration, an ldirectord.cf or a folder of
                     Heartbeat; several files are taken together; without one
                     /etc/appliance/appliance.toml, or else ha.cf and haresources of
                     /etc/ha.d, and its ldirectord.cf
SIGTERM and Ctrl-C stop accepting and wait for connections to end, a second one stops at once.
SIGHUP reloads. SIGUSR1 writes the state to the log.`,
  async run(args, { environment, stdout, stderr, signal }) {
    const files = filesOf(parseArguments(args, spec));
    const restartArguments = ["run", ...args];
    const { runDirector } = await import("../daemon/index.ts");
    return runDirector({ files, environment, stdout, stderr, signal, program, restartArguments });
  },
};
