/**
 * Which real servers somebody must be told of by mail: those that go down, those that come back,
 * and after a while again those that are still down.
 *
 * Pure: what was told and what is known now in, what must be told out.
 *
 * @module
 */

import type { MailOccasion } from "../model/index.ts";
import type { Health } from "./assessment.ts";
import { serverId } from "./server-id.ts";

/** A real server as it is now. */
export interface AlertSubject {
  readonly service: string;
  /** `host:port` as configured. */
  readonly server: string;
  readonly health: Health;
  readonly reason: string;
  /** True: an operator wants it down, and need not be reminded. */
  readonly isMaintained: boolean;
  /** Wait between two mails while it is down; 0: one mail only. */
  readonly repeatMs: number;
}

/** Something to be told. */
export interface Alert {
  readonly kind: "down" | "up" | "still-down";
  readonly service: string;
  readonly server: string;
  readonly reason: string;
  readonly occasion: MailOccasion;
  /** Wall-clock time of the change to what it is. */
  readonly sinceMs: number;
}

/** What was told of one server. */
export interface AlertRecord {
  readonly told: "nothing" | "up" | "down";
  readonly sinceMs: number;
  /** What the director did when the server was new; undefined once something was told. */
  readonly newIn: MailOccasion | undefined;
  /** Monotonic time of the next reminder; undefined: none. */
  readonly remindAtMs: number | undefined;
}

/** By `serverId`. */
export type AlertRecords = ReadonlyMap<string, AlertRecord>;

/** Moment of a step. */
export interface AlertMoment {
  readonly nowMs: number;
  readonly wallMs: number;
  /** What the director does: starting, until all first checks have ended; else running. */
  readonly occasion: "starting" | "running";
}

/** Records after a step, and what is to be told in the order of the configuration. */
export interface AlertStep {
  readonly records: AlertRecords;
  readonly alerts: readonly Alert[];
}

/** What a server new to the director is new in: after the start only a reload brings one. */
function newRecord({ occasion, wallMs }: AlertMoment): AlertRecord {
  const newIn = occasion === "starting" ? occasion : "reloading";
  return { told: "nothing", sinceMs: wallMs, newIn, remindAtMs: undefined };
}

function reminderOf(
  { repeatMs, isMaintained }: AlertSubject,
  { nowMs }: AlertMoment,
): number | undefined {
  return repeatMs === 0 || isMaintained ? undefined : nowMs + repeatMs;
}

type Told = readonly [AlertRecord, Alert["kind"] | undefined];

function stepDown(record: AlertRecord, subject: AlertSubject, moment: AlertMoment): Told {
  const remindAtMs = reminderOf(subject, moment);
  if (record.told !== "down") {
    return [{ told: "down", sinceMs: moment.wallMs, newIn: undefined, remindAtMs }, "down"];
  }
  // A reload may ask for reminders, or for none any more.
  if (remindAtMs === undefined || record.remindAtMs === undefined) {
    return [{ ...record, remindAtMs }, undefined];
  }
  if (record.remindAtMs <= moment.nowMs) return [{ ...record, remindAtMs }, "still-down"];
  return [{ ...record, remindAtMs: Math.min(record.remindAtMs, remindAtMs) }, undefined];
}

function stepUp(record: AlertRecord, { wallMs }: AlertMoment): Told {
  if (record.told === "up") return [record, undefined];
  const next = { told: "up", sinceMs: wallMs, newIn: undefined, remindAtMs: undefined } as const;
  // That a server is up at its first check is no news.
  return [next, record.told === "down" ? "up" : undefined];
}

function stepOne(record: AlertRecord, subject: AlertSubject, moment: AlertMoment): Told {
  switch (subject.health) {
    case "down":
      return stepDown(record, subject, moment);
    case "up":
      return stepUp(record, moment);
    case "unchecked":
      // Disabled, or about to be checked: nobody is reminded of what nobody looks at.
      return [{ ...record, remindAtMs: undefined }, undefined];
  }
}

/** One step over all servers whose services have mails; others are forgotten. */
export function stepAlerts(
  records: AlertRecords,
  subjects: Iterable<AlertSubject>,
  moment: AlertMoment,
): AlertStep {
  const next = new Map<string, AlertRecord>();
  const alerts: Alert[] = [];
  for (const subject of subjects) {
    const { service, server, reason } = subject;
    const id = serverId({ service, server });
    const before = records.get(id) ?? newRecord(moment);
    const [after, kind] = stepOne(before, subject, moment);
    next.set(id, after);
    if (kind === undefined) continue;
    const occasion = before.newIn ?? moment.occasion;
    alerts.push({ kind, service, server, reason, occasion, sinceMs: after.sinceMs });
  }
  return { records: next, alerts };
}

/** Monotonic time of the first reminder; undefined if there is none. */
export function nextReminderMs(records: AlertRecords): number | undefined {
  let first: number | undefined;
  for (const { remindAtMs } of records.values()) {
    if (remindAtMs !== undefined && (first === undefined || remindAtMs < first)) first = remindAtMs;
  }
  return first;
}
