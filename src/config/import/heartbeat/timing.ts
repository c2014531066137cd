/**
 * Heartbeat's times as those of a virtual router. Pure.
 *
 * They stay as they are, where VRRP can say them: packets name at most 40.95 s, in units of 10 ms,
 * and a third of the dead time is never less than the interval.
 *
 * @module
 */

import { formatDuration } from "../../duration.ts";
import type { Origin } from "../notes.ts";
import type { HaCf, TimeName } from "./ha-cf.ts";
import type { Told } from "./told.ts";

/** Times of a virtual router, in ms. */
export interface RouterTimes {
  readonly advertiseIntervalMs: number;
  readonly downAfterMs: number;
  readonly startDelayMs: number;
  /** Where they were written; a default of Heartbeat stands for the file as a whole. */
  readonly origins: ReadonlyMap<TimeName, Origin>;
}

/** Heartbeat's own defaults (ha.cf(5)). */
const keepaliveMsDefault = 1000;
const deadtimeMsDefault = 30_000;

/** VRRPv3: 12 bits of centiseconds, and the shortest dead time of three of them. */
const wireUnitMs = 10;
const intervalMsMax = 40_950;
const downAfterMsMin = 30;
const startDelayMsMax = 86_400_000;

/** Translates; what had to be changed is told. */
export function routerTimes({ file, times }: HaCf, told: Told): RouterTimes {
  const origins = new Map<TimeName, Origin>(times);
  const at = (name: TimeName): Origin => origins.get(name) ?? { file, line: 0 };
  const keepaliveMs = times.get("keepalive")?.value ?? keepaliveMsDefault;
  const deadtimeMs = times.get("deadtime")?.value ?? deadtimeMsDefault;
  const initdeadMs = times.get("initdead")?.value ?? initdeadMsDefault(deadtimeMs);
  const within = (name: TimeName, wantedMs: number, [minMs, maxMs]: readonly [number, number]) => {
    const ms = Math.min(maxMs, Math.max(minMs, wantedMs));
    if (ms !== wantedMs) told.warn(at(name), changed(name, wantedMs, ms));
    return ms;
  };
  const downAfterMs = within("deadtime", deadtimeMs, [downAfterMsMin, 3 * intervalMsMax]);
  const wireMs = Math.floor(downAfterMs / 3 / wireUnitMs) * wireUnitMs;
  const advertiseIntervalMs = within("keepalive", keepaliveMs, [wireUnitMs, wireMs]);
  // A backup first waits start_delay and then the dead time; initdead is the whole of it.
  const startDelayMs = Math.min(startDelayMsMax, Math.max(0, initdeadMs - downAfterMs));
  return { advertiseIntervalMs, downAfterMs, startDelayMs, origins };
}

function initdeadMsDefault(deadtimeMs: number): number {
  if (deadtimeMs > 10_000) return deadtimeMs;
  return deadtimeMs < 6000 ? 12_000 : 2 * deadtimeMs;
}

function changed(name: TimeName, wantedMs: number, ms: number): string {
  const why =
    name === "keepalive"
      ? "it is at most a third of deadtime, which is what the packets say"
      : "VRRP packets can say no other time";
  return `${name} of ${formatDuration(wantedMs)} becomes ${formatDuration(ms)}: ${why}`;
}
