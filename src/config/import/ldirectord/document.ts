/**
 * An ldirectord.cf as a document: the native tables that it means, without the detour over a text,
 * and for each of them the line and the directive that it comes from. Pure.
 *
 * @module
 */

import type { Document, Origin, Path, Table } from "../../document.ts";
import type { Problem, Warning } from "../../problem.ts";
import type { LdirectordConfig, LdirectordVirtual } from "./model.ts";
import { directiveByKey } from "./native-alert.ts";
import { distinctReals } from "./native-service.ts";
import { nativeTables, ownedTables } from "./native.ts";
import { parseLdirectord } from "./parse.ts";
import type { LdirectordHost } from "./parse.ts";

/** What only a director that runs from an ldirectord.cf has. */
export interface LdirectordRun {
  /** As named by the operator. */
  readonly file: string;
  /** A path, or a syslog facility. */
  readonly logfile: string;
  /** In the foreground, with its log on standard output. */
  readonly supervised: boolean;
  /** False: nothing is purged at the end, so nothing is said of it. */
  readonly cleanstop: boolean;
  /** Other configurations that start and stop with this one. */
  readonly execute: readonly string[];
  /** Virtual routers whose resource it is; empty: it serves always. */
  readonly routers: readonly string[];
}

/** An ldirectord.cf, read. */
export interface LdirectordDocument {
  readonly document: Document;
  readonly problems: readonly Problem[];
  /** Problems beyond those told. */
  readonly omitted: number;
  readonly warnings: readonly Warning[];
  readonly run: LdirectordRun;
}

/** Where ldirectord logs if nobody says otherwise. */
export const ldirectordLogDefault = "/var/log/ldirectord.log";

/** Without an equal in a native file, but in force in a director that runs from this one. */
const runDirectives: ReadonlySet<string> = new Set(["logfile"]);

/** The file cannot be used, and why stands in the problems. */
const faultTold = {
  line: 0,
  column: 0,
  expected: "an ldirectord.cf",
  found: "one with problems",
  note: undefined,
  isTold: true,
};

/** A file, and what it is for. */
export interface LdirectordText {
  readonly text: string;
  readonly file: string;
  /** Names of virtual routers whose resource it is. @default none */
  readonly routers?: readonly string[];
}

/** Reads a file. Never throws, whatever the text is. */
export function readLdirectord(
  { text, file, routers = [] }: LdirectordText,
  host: LdirectordHost,
): LdirectordDocument {
  const { ok, config, problems, omitted, warnings } = parseLdirectord(text, file, host);
  const { globals } = config;
  const run: LdirectordRun = {
    file,
    logfile: globals.logfile ?? ldirectordLogDefault,
    supervised: globals.supervised === true,
    cleanstop: globals.cleanstop !== false,
    execute: globals.execute,
    routers,
  };
  // What is wrong with a file that could not be read to its end is told already.
  if (!ok) {
    const document = { file, text, table: undefined, fault: faultTold };
    return { document, problems, omitted, warnings, run };
  }
  const { top, services, journal } = nativeTables(config);
  const table: Table = {
    ...plainTable(top),
    virtual_service: ownedTables(services, routers).map(plainTable),
  };
  const origin = originOf(config, (index) => services[index]?.["forwarding"]);
  return {
    document: { file, text, table, fault: undefined, origin },
    problems: [],
    omitted: 0,
    warnings: [...warnings, ...journal.warnings]
      .filter(({ path }) => !runDirectives.has(path))
      .toSorted((a, b) => a.line - b.line),
    run,
  };
}

/** Without keys that have no value: TOML has none of these. */
function plainTable(table: object): Table {
  const plain: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(table)) {
    if (value !== undefined) plain[key] = plainValue(value);
  }
  return plain;
}

function plainValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainValue);
  return typeof value === "object" && value !== null ? plainTable(value) : value;
}

/** What a native key is called in an ldirectord.cf; the others have the same name there. */
const directiveByServiceKey: Readonly<Record<string, string>> = {
  ...directiveByKey,
  listen: "virtual",
  name: "virtual",
  fwmark: "virtual",
  forwarding: "real",
  persistence_mask: "netmask",
  one_packet: "ops",
  scheduler_flags: "schedflags",
  real_servers: "real",
};

const directiveByCheckKey: Readonly<Record<string, string>> = {
  type: "checktype",
  port: "checkport",
  command: "checkcommand",
  interval: "checkinterval",
  fast_interval: "checkinterval",
  fall: "failurecount",
  method: "httpmethod",
  virtual_host: "virtualhost",
  password: "passwd",
};

function directiveOf(path: Path): string {
  const [key, detail] = path.filter((part) => typeof part === "string");
  if (key === undefined) return "virtual";
  if (key === "check" && detail !== undefined) return directiveByCheckKey[detail] ?? detail;
  if (key === "mail") return directiveByKey[detail ?? "to"] ?? "emailalert";
  return directiveByServiceKey[key] ?? key;
}

function originOf(config: LdirectordConfig, forwardingAt: (index: number) => unknown): Origin {
  return (path) => {
    const [section, index, ...rest] = path;
    if (section === undefined) {
      return { line: 0, path: "", expected: "at least one virtual = ADDRESS:PORT" };
    }
    const virtual = typeof index === "number" ? config.virtuals[index] : undefined;
    if (section !== "virtual_service" || virtual === undefined) {
      const directive = directiveOf(section === "director" ? path.slice(1) : path);
      return { line: config.globalLines.get(directive) ?? 0, path: directive };
    }
    const where = { virtual, config, forwarding: forwardingAt(Number(index)) };
    if (rest.at(-1) === "timeout") {
      const directive = timeoutDirective(where);
      return { line: writtenAt(where, directive) ?? virtual.line, path: directive };
    }
    const line = lineOf(where, rest);
    return { line, path: directiveOf(rest) };
  };
}

interface Where {
  readonly virtual: LdirectordVirtual;
  readonly config: LdirectordConfig;
  readonly forwarding: unknown;
}

function lineOf({ virtual, config, forwarding }: Where, path: Path): number {
  const [key, index] = path;
  if (key === "real_servers" && typeof index === "number") {
    return distinctReals(virtual, String(forwarding))[index]?.line ?? virtual.line;
  }
  const directive = directiveOf(path);
  if (directive === "real") return virtual.reals[0]?.line ?? virtual.line;
  return writtenAt({ virtual, config }, directive) ?? virtual.line;
}

function writtenAt({ virtual, config }: Omit<Where, "forwarding">, directive: string) {
  return virtual.lines.get(directive) ?? config.globalLines.get(directive);
}

/** Two directives make one native timeout: the one that is written. */
function timeoutDirective(where: Omit<Where, "forwarding">): string {
  const names = ["negotiatetimeout", "checktimeout"];
  return names.find((name) => writtenAt(where, name) !== undefined) ?? "checkinterval";
}
