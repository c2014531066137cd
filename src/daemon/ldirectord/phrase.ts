/**
 * What ldirectord would write into its log: from a judgement, a check or a line of the native log
 * to the phrases that people and their scripts look for. Facts: runs of ldirectord 4.12. Pure.
 *
 * @module
 */

import { formatLine } from "../../log/index.ts";
import type { LogFields, LogLevel } from "../../log/index.ts";
import { formatEndpoint } from "../../net/address.ts";
import type { ServerAssessment, ServiceAssessment } from "../assessment.ts";

/** `192.0.2.1:80`, or the number of a firewall mark: the name without its protocol. */
export function virtualOf(serviceName: string): string {
  return serviceName.replace(/^(?:tcp|udp|fwm):/, "");
}

/** What the kernel's table would have of a real server; undefined: nothing. */
function entryOf(server: ServerAssessment, quiescent: boolean): { weight: number } | undefined {
  if (server.health === "unchecked") return undefined;
  if (server.health === "down" && !quiescent) return undefined;
  return { weight: server.effectiveWeight };
}

function serverName({ address, server, key }: ServerAssessment): string {
  return address === undefined ? key : formatEndpoint({ address, port: server.port });
}

/** The phrase for one real server; undefined if nothing changed. */
function serverPhrase(
  virtual: string,
  [before, wasQuiescent]: readonly [ServerAssessment | undefined, boolean],
  [after, quiescent]: readonly [ServerAssessment, boolean],
): string | undefined {
  const old = before && entryOf(before, wasQuiescent);
  const now = entryOf(after, quiescent);
  const name = `${serverName(after)} (${virtual})`;
  const wasKnown = before !== undefined && before.health !== "unchecked";
  if (now === undefined) {
    const isNews = old !== undefined || (after.health === "down" && !wasKnown);
    return isNews ? `Deleted real server: ${name}` : undefined;
  }
  if (old !== undefined && old.weight === now.weight) return undefined;
  if (now.weight === 0) return `Quiescent real server: ${name} (Weight set to 0)`;
  const verb = old === undefined ? "Added" : "Restored";
  return `${verb} real server: ${name} (Weight set to ${now.weight})`;
}

function fallbackPhrase(
  virtual: string,
  before: ServiceAssessment | undefined,
  after: ServiceAssessment,
): string | undefined {
  const was = before?.fallback?.isActive === true;
  const now = after.fallback?.isActive === true;
  const fallback = now ? after.fallback : before?.fallback;
  if (was === now || fallback === undefined) return undefined;
  const { address, port, key } = fallback;
  const name = address === undefined ? key : formatEndpoint({ address, port });
  if (!now) return `Deleted fallback server: ${name} (${virtual})`;
  return `Added fallback server: ${name} (${virtual}) (Weight set to 1)`;
}

/** True if the kernel's entry of the virtual service itself would be another one. */
function hasChanged({ service: a }: ServiceAssessment, { service: b }: ServiceAssessment): boolean {
  return (
    a !== b &&
    (a.scheduler !== b.scheduler ||
      a.onePacket !== b.onePacket ||
      JSON.stringify(a.persistence) !== JSON.stringify(b.persistence))
  );
}

/**
 * From one judgement of a service to the next: its own phrase, then those of its real servers,
 * then the fallback's.
 */
export function judgementPhrases(
  before: ServiceAssessment | undefined,
  after: ServiceAssessment,
): readonly string[] {
  const { service } = after;
  const virtual = virtualOf(service.name);
  const phrases: (string | undefined)[] = [];
  if (before === undefined) phrases.push(`Added virtual server: ${virtual}`);
  else if (hasChanged(before, after)) phrases.push(`Changed virtual server: ${virtual}`);
  const wasQuiescent = before?.service.quiescent === true;
  const old = new Map(before?.servers.map((server) => [server.key, server]));
  for (const server of after.servers) {
    const was = [old.get(server.key), wasQuiescent] as const;
    phrases.push(serverPhrase(virtual, was, [server, service.quiescent]));
    old.delete(server.key);
  }
  for (const server of old.values()) {
    if (entryOf(server, wasQuiescent) !== undefined) {
      phrases.push(`Purged real server (start): ${serverName(server)} (${virtual})`);
    }
  }
  phrases.push(fallbackPhrase(virtual, before, after));
  return phrases.filter((phrase) => phrase !== undefined);
}

/**
 * A service that goes.
 *
 * @param occasion ldirectord says `start` of what a new configuration does not have any more.
 */
export function purgePhrases(
  { service, servers }: ServiceAssessment,
  occasion: "start" | "stop",
): readonly string[] {
  const virtual = virtualOf(service.name);
  const purged = servers
    .filter((server) => server.effectiveWeight > 0)
    .map((server) => `Purged real server (${occasion}): ${serverName(server)} (${virtual})`);
  return [...purged, `Purged virtual server (${occasion}): ${virtual}`];
}

/** What one more result of a check says about failures in a row; undefined: nothing. */
export function failurePhrase(
  service: string,
  server: ServerAssessment,
  count: { readonly before: number; readonly after: number },
): string | undefined {
  const name = `${serverName(server)} (${service})`;
  const { fall } = server.server.check;
  // Where the first failure counts, none is soft.
  if (fall === 1) return undefined;
  if (count.after === 0) {
    return count.before > 0 ? `Resetting soft failure count: ${name}` : undefined;
  }
  if (count.after === count.before || count.after >= fall) return undefined;
  return `Soft failure real server: ${name} failure ${count.after}/${fall}`;
}

/** One fault or doubt about a file, in ldirectord's words. */
export function placePhrase(
  kind: "Error" | "Warning",
  { file, line, text, pid }: PlacedText,
): string {
  const where = line > 0 ? ` reading file ${file} at line ${line}` : ` reading file ${file}`;
  return `${kind} [${pid}]${where}: ${text}`;
}

/** What {@link placePhrase} tells. */
export interface PlacedText {
  readonly file: string;
  /** From 1; 0 if it is not known. */
  readonly line: number;
  readonly text: string;
  readonly pid: number;
}

/** The reason of a failed reload: a line for each fault of the files. */
export function reloadFailurePhrases(reason: string, pid: number): readonly string[] {
  const [head = "", ...faults] = reason.split("\n");
  if (faults.length === 0) return [`Error [${pid}]: ${head}`];
  return faults.map((fault) => {
    const [, file, line, text] = /^\s*(.+?):(\d+): (.*)$/.exec(fault) ?? [];
    if (file === undefined || text === undefined) return `Error [${pid}]: ${fault.trim()}`;
    return placePhrase("Error", { file, line: Number(line), text, pid });
  });
}

/** Events that have phrases of their own, or none because others say the same. */
const toldElsewhere: ReadonlySet<string> = new Set([
  "configuration",
  "engine",
  "fallback-off",
  "fallback-on",
  "file-changed",
  "hook-queued",
  "ready",
  "server-down",
  "server-up",
  "service-down",
  "service-up",
  "start",
  "stop",
  "stopped",
]);

/** What an event of the native log is here: itself, unless phrases say it. */
export function eventPhrases(
  { level, event, fields = {} }: LoggedEvent,
  pid: number,
): readonly string[] {
  if (level === "debug" || toldElsewhere.has(event)) return [];
  if (event === "reload") {
    if (level !== "error") return [];
    return reloadFailurePhrases(String(fields["reason"] ?? ""), pid);
  }
  return [formatLine(event, fields)];
}

/** A line for the native log. */
export interface LoggedEvent {
  readonly level: LogLevel;
  readonly event: string;
  readonly fields?: LogFields | undefined;
}
