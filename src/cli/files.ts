/**
 * Which configuration files a command is about.
 *
 * @module
 */

import { existsSync } from "node:fs";

import type { OptionSpec, ParsedArguments } from "./arguments.ts";

const nativeFile = "/etc/appliance/appliance.toml";
const heartbeatFolder = "/etc/ha.d";
const ldirectordFile = `${heartbeatFolder}/ldirectord.cf`;

/**
 * Files that are read when none is named: the native one, else those of ldirectord and Heartbeat;
 * the native one if there is none at all. Heartbeat's count where it would have run from them: its
 * folder, which brings the ldirectord.cf that it names, and one that it does not name besides.
 */
export function defaultFiles(exists: (path: string) => boolean = existsSync): readonly string[] {
  if (exists(nativeFile)) return [nativeFile];
  const isPair = ["ha.cf", "haresources"].every((name) => exists(`${heartbeatFolder}/${name}`));
  const found = [...(isPair ? [heartbeatFolder] : []), ldirectordFile].filter(exists);
  return found.length === 0 ? [nativeFile] : found;
}

/** More files than anybody types. */
export const filesMax = 100;

/** `--config FILE`, may come several times. */
export const configOption: OptionSpec = { name: "config", short: "c", takesValue: true };

/** Files named by `--config` and as operands; none: the default ones. */
export function filesOf(given: ParsedArguments): readonly string[] {
  const files = [...given.values("config"), ...given.operands];
  return files.length === 0 ? defaultFiles() : files;
}
