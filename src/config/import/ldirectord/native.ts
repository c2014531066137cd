/**
 * An ldirectord.cf as native TOML that means the same.
 *
 * What the native schema refuses in this build is written all the same, so that the file is right
 * once the build can do it; the native reader itself says what that is, and each of its problems
 * becomes a warning at the line of the virtual service. Pure.
 *
 * @module
 */

import { parseConfig } from "../../parse.ts";
import { ConfigError, problemsMax } from "../../problem.ts";
import type { Problem, Warning } from "../../problem.ts";
import { formatSection } from "../../toml.ts";
import { createJournal, tellWarning } from "./journal.ts";
import type { Journal } from "./journal.ts";
import type { GlobalSettings, LdirectordConfig, LdirectordVirtual } from "./model.ts";
import { cleanstopMessage, nativeTableOf } from "./native-service.ts";

/** Native text, and what is not the same in it. */
export interface NativeText {
  readonly toml: string;
  readonly warnings: readonly Warning[];
}

/** Translates a file that {@link parseLdirectord} has accepted. */
export function toNative(config: LdirectordConfig): NativeText {
  const journal = createJournal(config.file);
  warnGlobals(config, journal);
  const sections = config.virtuals.map(
    (virtual) =>
      remarksOf(virtual) +
      formatSection("[[virtual_service]]", nativeTableOf(virtual, config.globals, journal)),
  );
  const toml = sections.join("\n");
  warnRefused(toml, config, journal);
  return { toml, warnings: journal.warnings.toSorted((a, b) => a.line - b.line) };
}

/** What people have written about a service. */
function remarksOf({ servicename, comment }: LdirectordVirtual): string {
  return [servicename, comment]
    .filter((text) => text !== undefined)
    .map((text) => `# ${text.replaceAll(/\p{C}/gu, "?")}\n`)
    .join("");
}

const lostGlobals: readonly (readonly [keyof GlobalSettings, string])[] = [
  ["autoreload", "Reload with the command or SIGHUP: files are not watched in this build"],
  ["callback", "There is no program that runs after a change of the file"],
  ["logfile", "The log goes to standard output, for the service manager to keep"],
  ["readdquiescent", "Servers that are down are in the table as quiescent says"],
  ["emailalert", "Mails are not in this build yet"],
  ["emailalertfrom", "Mails are not in this build yet"],
  ["smtp", "Mails are not in this build yet"],
  ["maintenancedir", "Not in this build yet: use drain, disable and enable"],
];

function warnGlobals({ globals, globalLines }: LdirectordConfig, journal: Journal): void {
  const warn = (key: string, message: string): void => {
    tellWarning(journal, { line: globalLines.get(key) ?? 0, path: key, message });
  };
  for (const [key, message] of lostGlobals) {
    const value = globals[key];
    if (value !== undefined && value !== false) warn(key, message);
  }
  if (globals.execute.length > 0) warn("execute", "Start each director for itself");
  if (globals.cleanstop === false) warn("cleanstop", cleanstopMessage);
}

/** Tells what the native reader does not take, each kind once with the number of services. */
function warnRefused(toml: string, { virtuals }: LdirectordConfig, journal: Journal): void {
  const counts = new Map<string, { readonly first: Problem; line: number; count: number }>();
  const { problems, omitted } = refusedIn(toml);
  for (const problem of problems) {
    const [, index, key = ""] = /^virtual_service\[(\d+)\]\.?(.*)$/.exec(problem.path) ?? [];
    const line = index === undefined ? 0 : (virtuals[Number(index)]?.line ?? 0);
    const kind = `${key.replaceAll(/\d+/g, "")} ${problem.message} ${problem.found}`;
    const known = counts.get(kind);
    if (known === undefined) counts.set(kind, { first: problem, line, count: 1 });
    else known.count++;
  }
  for (const { first, line, count } of counts.values()) {
    const key = first.path.replace(/^virtual_service\[\d+\]\.?/, "");
    const more = count > 1 ? `; and ${count - 1} more like this` : "";
    const fault = `${first.message}, got ${first.found}${more}`;
    const message = `validate of this build refuses it: ${fault}`;
    tellWarning(journal, { line, path: key, message });
  }
  if (omitted > 0) {
    const message = `validate of this build refuses ${omitted} more than ${problemsMax} values`;
    tellWarning(journal, { line: 0, path: "", message });
  }
}

function refusedIn(toml: string): Pick<ConfigError, "problems" | "omitted"> {
  try {
    parseConfig(toml, "native");
    return { problems: [], omitted: 0 };
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}
