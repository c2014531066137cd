/**
 * `track` and `witness` of a `[[vrrp]]`: what makes this director unfit for its addresses.
 *
 * @module
 */

import type { TrackTarget, VirtualRouter } from "../../model/index.ts";
import { below } from "../document.ts";
import type { Place } from "../document.ts";
import { formatDuration } from "../duration.ts";
import type { Report } from "../report.ts";
import type { TrackTable, VrrpTable } from "../schema/index.ts";
import { isSound } from "../section.ts";
import type { SourcedTable } from "../section.ts";

/** Of a ping and of a script: the second failure in a row counts. */
export const trackIntervalMsDefault = 1000;
/** Each ping and each script is a timer and a process or packet a second. */
const trackMax = 32;

const kinds = ["ping", "interface", "script"] as const;

/** What is tracked, and what a lost witness means. Faults go to the report. */
export function resolveTrack(
  table: SourcedTable<VrrpTable>,
  report: Report,
): Pick<VirtualRouter, "track" | "witness"> {
  const { value, place } = table;
  const trackPlace = below(place, "track");
  const entries = value.track ?? [];
  if (entries.length > trackMax) {
    const finding = { expected: `at most ${trackMax} of them`, foundText: String(entries.length) };
    report.problem(trackPlace, finding);
  }
  const track = entries.flatMap((entry, index) => {
    const target = resolveTarget(entry, below(trackPlace, index), report);
    return target === undefined ? [] : [target];
  });
  const witness = value.witness ?? "prefer";
  const hasWitness = track.some(({ type }) => type === "ping");
  if (witness === "require" && !hasWitness && isSound(table, "track", "witness")) {
    const expected = "a ping in track, as that is what a witness is";
    report.problem(below(place, "witness"), { expected, foundText: "none" });
  }
  return { track, witness };
}

function resolveTarget(entry: TrackTable, place: Place, report: Report): TrackTarget | undefined {
  const { ping, interface: device, script } = entry;
  const given = kinds.filter((kind) => entry[kind] !== undefined);
  if (given.length !== 1) {
    const foundText = given.length === 0 ? "none of them" : given.join(" and ");
    report.problem(place, { expected: "one of ping, interface and script", foundText });
    return undefined;
  }
  if (device !== undefined) {
    for (const key of ["interval", "timeout"] as const) {
      if (entry[key] === undefined) continue;
      const expected = `no ${key} with interface: its carrier is told by the kernel`;
      report.problem(below(place, key), { expected, foundText: formatDuration(entry[key]) });
    }
    return { type: "interface", interface: device };
  }
  const intervalMs = entry.interval ?? trackIntervalMsDefault;
  const timeoutMs = entry.timeout ?? intervalMs;
  if (timeoutMs > intervalMs) {
    const expected = `at most interval (${formatDuration(intervalMs)})`;
    report.problem(below(place, "timeout"), { expected, foundText: formatDuration(timeoutMs) });
  }
  const times = { intervalMs, timeoutMs };
  if (ping !== undefined) return { type: "ping", address: ping, ...times };
  return { type: "script", command: script!, ...times };
}
