/**
 * Which configuration files a command is about.
 *
 * @module
 */

import type { OptionSpec, ParsedArguments } from "./arguments.ts";

/** Read when none is named. */
export const defaultFile = "/etc/appliance/appliance.toml";

/** More files than anybody types. */
export const filesMax = 100;

/** `--config FILE`, may come several times. */
export const configOption: OptionSpec = { name: "config", short: "c", takesValue: true };

/** Files named by `--config` and as operands; none: the default one. */
export function filesOf(given: ParsedArguments): readonly string[] {
  const files = [...given.values("config"), ...given.operands];
  return files.length === 0 ? [defaultFile] : files;
}
