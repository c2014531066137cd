/**
 * Table of commands, in the order in which `help` shows them.
 *
 * @module
 */

import type { Command } from "./command.ts";
import { createCompletion } from "./completion.ts";
import { config } from "./config.ts";
import { demo } from "./demo.ts";
import { doctor } from "./doctor.ts";
import { standby, takeover } from "./handover.ts";
import type { CommandGroup } from "./help.ts";
import { importCommand } from "./import.ts";
import { ldirectord } from "./ldirectord/index.ts";
import { list } from "./list.ts";
import { release } from "./release.ts";
import { reload } from "./reload.ts";
import { run } from "./run.ts";
import { disable, drain, enable, weight } from "./server-change.ts";
import { setup } from "./setup.ts";
import { status } from "./status.ts";
import { upgrade } from "./upgrade.ts";
import { validate } from "./validate.ts";
import { version } from "./version.ts";

const completion = createCompletion(() => commands);

/** All commands, as `help` shows them. */
export const commandGroups: readonly CommandGroup[] = [
  { title: "Run a director", commands: [demo, run, validate, config, importCommand, ldirectord] },
  { title: "See what it does", commands: [status, list] },
  { title: "Change it while it runs", commands: [drain, disable, enable, weight, reload, upgrade] },
  { title: "Move the virtual addresses", commands: [standby, takeover, release] },
  { title: "Prepare and check a host", commands: [setup, doctor] },
  { title: "About this program", commands: [version, completion] },
];

/** The same without the headings. */
export const commands: readonly Command[] = commandGroups.flatMap((group) => group.commands);
