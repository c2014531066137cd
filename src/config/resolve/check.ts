/**
 * `check = { … }` of defaults, service and real server, laid over each other, to a `CheckSpec`.
 *
 * @module
 */

import type { CheckSpec } from "../../model/index.ts";
import { checkDefaults, fastIntervalDefault, withDefaults } from "../defaults.ts";
import { below } from "../document.ts";
import type { Place } from "../document.ts";
import { formatDuration } from "../duration.ts";
import type { Report } from "../report.ts";
import { alternatives } from "../schema/index.ts";
import type { CheckTable } from "../schema/index.ts";
import type { Sourced } from "../section.ts";
import {
  checkServiceKeys,
  httpSpec,
  loginKeys,
  servicesNow,
  serviceSpec,
  tlsKeys,
} from "./check-service.ts";
import type { PatternCheck } from "./pattern-check.ts";

/** The settings of one table `check`, and of those it is laid over. */
export interface CheckLevel {
  /** Of this table alone, with `type = N` written out. */
  readonly own: CheckTable;
  /** This table over all outer ones. */
  readonly merged: CheckTable;
  /** Where the setting in force was written; so a fault of an outer table is told there, once. */
  readonly placeOf: (key: keyof CheckTable) => Place;
}

/** What a check is resolved with. */
export interface CheckTools {
  readonly report: Report;
  readonly patternFault: PatternCheck;
}

/** Checks of this build. */
const typesNow = [
  "connect",
  "negotiate",
  "ping",
  "external",
  "external-perl",
  "vip",
  "on",
  "off",
] as const;

function runsProgram(type: string | number): boolean {
  return type === "external" || type === "external-perl";
}

const negotiateKeys = [
  "service",
  "request",
  "receive",
  "method",
  "virtual_host",
  "statuses",
  "redirects",
  "connects_per_negotiate",
  ...tlsKeys,
  ...loginKeys,
] as const;

/** Lays a table over an outer level; without one it is the outermost. */
export function createLevel(
  { value, place }: Sourced<CheckTable>,
  outer: CheckLevel | undefined,
  report: Report,
): CheckLevel {
  const own = expandType(value, place, report);
  return {
    own,
    merged: { ...outer?.merged, ...own },
    placeOf: (key) =>
      own[key] === undefined && outer !== undefined ? outer.placeOf(key) : below(place, key),
  };
}

/** `type = 5` is `type = "negotiate", connects_per_negotiate = 5`. */
function expandType(table: CheckTable, place: Place, report: Report): CheckTable {
  if (typeof table.type !== "number") return table;
  if (table.connects_per_negotiate !== undefined) {
    report.problem(below(place, "connects_per_negotiate"), {
      expected: "no connects_per_negotiate beside a number as type",
      found: table.connects_per_negotiate,
    });
  }
  return { ...table, type: "negotiate", connects_per_negotiate: table.type };
}

/**
 * Makes the check of a service or a real server. What is wrong goes to the report; the result is
 * of use only if nothing did.
 */
export function resolveCheck(level: CheckLevel, tools: CheckTools): CheckSpec {
  const { report } = tools;
  checkType(level, report);
  checkTimes(level, report);
  const { merged } = level;
  const type = typesNow.find((one) => one === merged.type) ?? checkDefaults.type;
  const isNegotiate = type === "negotiate";
  if (isNegotiate) {
    checkNegotiate(level, report);
    checkPattern(level, tools);
  }
  const service = isNegotiate ? servicesNow.find((one) => one === merged.service) : undefined;
  const spec = withDefaults(checkDefaults, {
    type,
    connectsPerNegotiate: isNegotiate ? merged.connects_per_negotiate : 0,
    intervalMs: merged.interval,
    timeoutMs: merged.timeout,
    rise: merged.rise,
    fall: merged.fall,
  });
  const { intervalMs, timeoutMs } = spec;
  return {
    ...spec,
    service,
    http: service && httpSpec(merged, service),
    serviceCheck: service && serviceSpec(merged, service),
    command: runsProgram(type) ? merged.command : undefined,
    port: merged.port,
    timeoutMs: merged.timeout === undefined ? Math.min(timeoutMs, intervalMs) : timeoutMs,
    fastIntervalMs: Math.min(merged.fast_interval ?? fastIntervalDefault(intervalMs), intervalMs),
  };
}

function checkType(level: CheckLevel, report: Report): void {
  const { merged, placeOf } = level;
  const type = merged.type ?? checkDefaults.type;
  if (!typesNow.some((one) => one === type)) {
    const finding = { expected: alternatives(typesNow), found: type };
    report.later(placeOf("type"), `check type "${type}"`, finding);
    return;
  }
  checkCommand(level, type, report);
  // A check that is switched off for a while keeps its other settings.
  if (type !== "on" && type !== "off") checkBeside(level, type, report);
}

function checkCommand({ merged, placeOf }: CheckLevel, type: string | number, report: Report) {
  if (!runsProgram(type)) return;
  const [program] = merged.command ?? [];
  if (program === undefined) {
    const expected = `the key "command" beside type "${type}"`;
    report.problem(placeOf("type"), { expected, foundText: "none" });
  } else if (type === "external-perl" && !program.startsWith("/")) {
    const expected = 'the absolute path of a Perl script beside type "external-perl"';
    report.problem(placeOf("command"), { expected, found: program });
  }
}

/** Keys that have a meaning only beside another type. */
function checkBeside(level: CheckLevel, type: string | number, report: Report): void {
  const refuse = (key: keyof CheckTable, wanted: string): void => {
    if (level.own[key] === undefined) return;
    const expected = `type = "${wanted}" beside ${key}`;
    report.problem(level.placeOf(key), { expected, foundText: `type "${type}"` });
  };
  if (!runsProgram(type)) refuse("command", "external");
  if (type === "negotiate") return;
  for (const key of negotiateKeys) refuse(key, "negotiate");
}

function checkNegotiate(level: CheckLevel, report: Report): void {
  const { merged, placeOf } = level;
  const { service } = merged;
  if (service === undefined) {
    const expected = 'the key "service" beside type "negotiate"';
    report.problem(placeOf("type"), { expected, foundText: "none" });
    return;
  }
  const known = servicesNow.find((one) => one === service);
  if (known !== undefined) return checkServiceKeys(level, known, report);
  const finding = { expected: alternatives(servicesNow), found: service };
  report.later(placeOf("service"), `check service "${service}"`, finding);
}

function checkPattern(level: CheckLevel, { report, patternFault }: CheckTools): void {
  const { receive } = level.merged;
  const note = receive === undefined ? undefined : patternFault(receive);
  if (note === undefined) return;
  const expected = "a pattern of RE2 syntax";
  report.problem(level.placeOf("receive"), { expected, found: receive, note });
}

function checkTimes({ own, merged, placeOf }: CheckLevel, report: Report): void {
  const { timeout } = merged;
  const intervalMs = merged.interval ?? checkDefaults.intervalMs;
  if (timeout !== undefined && timeout > intervalMs) {
    const isOuter = own.timeout === undefined && own.interval !== undefined;
    report.warn(
      placeOf(isOuter ? "interval" : "timeout"),
      `A timeout of ${formatDuration(timeout)} is longer than the interval of ` +
        `${formatDuration(intervalMs)}: a server that hangs is checked once a timeout`,
    );
  }
  if (own.fast_interval !== undefined && own.fast_interval > intervalMs) {
    report.problem(placeOf("fast_interval"), {
      expected: `a fast_interval no longer than the interval of ${formatDuration(intervalMs)}`,
      foundText: formatDuration(own.fast_interval),
    });
  }
}
