/**
 * Programs whose place this one takes: called by their name, it answers as they do.
 *
 * A symbolic link of that name to the executable is enough; the name decides, not the folder. To
 * add a program, write its file and add it to the table below. Pure.
 *
 * @module
 */

import { hostname } from "node:os";
import { basename } from "node:path";

import type { Command } from "./command.ts";
import { createClStatus, createMove, lvsSyncDaemonSwap } from "./heartbeat/index.ts";
import { ipvsadm } from "./ipvsadm.ts";
import { ldirectord } from "./ldirectord/index.ts";

/** By the file name of the program. */
const commandByProgram: ReadonlyMap<string, Command> = new Map<string, Command>([
  ["ipvsadm", ipvsadm],
  ["ldirectord", ldirectord],
  ["hb_standby", createMove({ program: "hb_standby", action: "standby", node: hostname })],
  ["hb_takeover", createMove({ program: "hb_takeover", action: "takeover", node: hostname })],
  ["cl_status", createClStatus(hostname)],
  ["LVSSyncDaemonSwap", lvsSyncDaemonSwap],
]);

/**
 * What stands in for the program that was called.
 *
 * Such a command takes all arguments as they are, `--help` too, and tells its failures itself.
 *
 * @param argv0 How the program was called, with or without a folder.
 * @returns Undefined under any other name.
 */
export function commandInvokedAs(argv0: string): Command | undefined {
  return commandByProgram.get(basename(argv0));
}
