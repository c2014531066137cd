/**
 * Which configuration files a command is about.
 *
 * @module
 */

import { existsSync } from "node:fs";

import type { OptionSpec, ParsedArguments } from "./arguments.ts";

/** Read when none is named: the first that exists. */
const defaultFiles = ["/etc/appliance/appliance.toml", "/etc/ha.d/ldirectord.cf"] as const;

/** The file that is read when none is named; the native one if there is none at all. */
export function defaultFile(exists: (path: string) => boolean = existsSync): string {
  return defaultFiles.find(exists) ?? defaultFiles[0];
}

/** More files than anybody types. */
export const filesMax = 100;

/** `--config FILE`, may come several times. */
export const configOption: OptionSpec = { name: "config", short: "c", takesValue: true };

/** Files named by `--config` and as operands; none: the default one. */
export function filesOf(given: ParsedArguments): readonly string[] {
  const files = [...given.values("config"), ...given.operands];
  return files.length === 0 ? [defaultFile()] : files;
}
