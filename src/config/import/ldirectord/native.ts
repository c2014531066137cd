/**
 * An ldirectord.cf as native TOML that means the same.
 *
 * What the native schema refuses in this build is written all the same, so that the file is right
 * once the build can do it; the native reader itself says what that is, and each of its problems
 * becomes a warning at the line of the virtual service. Pure.
 *
 * @module
 */

import type { NativeTable } from "../../native.ts";
import { parseConfig } from "../../parse.ts";
import { ConfigError, problemsMax } from "../../problem.ts";
import type { Problem, Warning } from "../../problem.ts";
import { formatSection } from "../../toml.ts";
import { createJournal, tellWarning } from "./journal.ts";
import type { Journal } from "./journal.ts";
import type { GlobalSettings, LdirectordConfig, LdirectordVirtual } from "./model.ts";
import { directorAlertsOf, globalMailOf } from "./native-alert.ts";
import type { WarnDirective } from "./native-alert.ts";
import { cleanstopMessage, nativeTableOf } from "./native-service.ts";

/** Native text, and what is not the same in it. */
export interface NativeText {
  readonly toml: string;
  readonly warnings: readonly Warning[];
}

/** Native tables, and what is not the same in them. */
export interface NativeTables {
  /** `[director]` and whatever else stands beside the services; without those that are empty. */
  readonly top: Readonly<Record<string, NativeTable>>;
  /** One for each virtual service, in their order. */
  readonly services: readonly NativeTable[];
  readonly journal: Journal;
}

/** Translates a file that {@link parseLdirectord} has accepted, to tables. */
export function nativeTables(config: LdirectordConfig): NativeTables {
  const journal = createJournal(config.file);
  warnGlobals(config, journal);
  const services = config.virtuals.map((virtual) =>
    nativeTableOf(virtual, config.globals, journal),
  );
  return { top: topTables(config, journal), services, journal };
}

/** Settings of the file as a whole. */
function topTables(
  { globals, globalLines }: LdirectordConfig,
  journal: Journal,
): NativeTables["top"] {
  const warn: WarnDirective = (path, message) =>
    tellWarning(journal, { line: globalLines.get(path) ?? 0, path, message });
  const director: NativeTable = {
    ...(globals.autoreload === true && { autoreload: true }),
    ...directorAlertsOf(globals, warn),
  };
  const mail = globalMailOf(globals, warn);
  return {
    ...(Object.keys(director).length > 0 && { director }),
    ...(mail !== undefined && { mail }),
  };
}

/**
 * Translates a file that {@link parseLdirectord} has accepted, to text.
 *
 * @param routers Names of virtual routers that the services belong to; the text has none of these.
 */
export function toNative(config: LdirectordConfig, routers: readonly string[] = []): NativeText {
  const tables = nativeTables(config);
  const { services, journal } = tables;
  warnRefused(formatTables(tables, config), config, journal);
  const owned = { ...tables, services: ownedTables(services, routers) };
  const warnings = journal.warnings.toSorted((a, b) => a.line - b.line);
  return { toml: formatTables(owned, config), warnings };
}

/** Says of services to which virtual routers they belong. */
export function ownedTables(
  services: readonly NativeTable[],
  routers: readonly string[],
): readonly NativeTable[] {
  if (routers.length === 0) return services;
  const vrrp = routers.length === 1 ? routers[0] : routers;
  return services.map(({ name, ...rest }) => ({ name, vrrp, ...rest }));
}

function formatTables({ top, services }: NativeTables, config: LdirectordConfig): string {
  const sections = Object.entries(top).map(([name, table]) => formatSection(`[${name}]`, table));
  for (const [index, table] of services.entries()) {
    sections.push(remarksOf(config.virtuals[index]!) + formatSection("[[virtual_service]]", table));
  }
  return sections.join("\n");
}

/** What people have written about a service. */
function remarksOf({ servicename, comment }: LdirectordVirtual): string {
  return [servicename, comment]
    .filter((text) => text !== undefined)
    .map((text) => `# ${text.replaceAll(/\p{C}/gu, "?")}\n`)
    .join("");
}

const lostGlobals: readonly (readonly [keyof GlobalSettings, string])[] = [
  ["logfile", "The log goes to standard output, for the service manager to keep"],
];

function warnGlobals({ globals, globalLines }: LdirectordConfig, journal: Journal): void {
  const warn = (key: string, message: string): void => {
    tellWarning(journal, { line: globalLines.get(key) ?? 0, path: key, message });
  };
  for (const [key, message] of lostGlobals) {
    const value = globals[key];
    if (value !== undefined && value !== false) warn(key, message);
  }
  if (globals.readdquiescent === true && globals.quiescent !== true) {
    warn("readdquiescent", "Without quiescent=yes a server that is down leaves the table");
  }
  if (globals.execute.length > 0)
    warn("execute", "Start each for itself, unless ldirectord start does");
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
