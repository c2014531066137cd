import { describe, expect, test } from "bun:test";

import { nextReminderMs, stepAlerts } from "../../../src/daemon/alert.ts";
import type { AlertRecords, AlertSubject } from "../../../src/daemon/alert.ts";

/** One step of a story: what is known of the only server, and when. */
interface Scene extends Partial<AlertSubject> {
  readonly atMs?: number;
  readonly starting?: boolean;
}

/** What is told in each scene, as `kind occasion`. */
function tell(scenes: readonly Scene[]): string[] {
  let records: AlertRecords = new Map();
  return scenes.map(({ atMs = 0, starting = false, ...more }) => {
    const subject: AlertSubject = {
      service: "web",
      server: "192.0.2.11:80",
      health: "unchecked",
      reason: "refused",
      isMaintained: false,
      repeatMs: 0,
      ...more,
    };
    const occasion = starting ? "starting" : "running";
    const step = stepAlerts(records, [subject], { nowMs: atMs, wallMs: 1000 + atMs, occasion });
    records = step.records;
    return step.alerts.map(({ kind, occasion: when }) => `${kind} ${when}`).join(" ");
  });
}

const down = { health: "down" } as const;
const up = { health: "up" } as const;
const starting = { starting: true } as const;

describe("stepAlerts()", () => {
  test.each<[string, readonly Scene[], readonly string[]]>([
    ["up from the first check on is no news", [{ ...starting }, { ...starting, ...up }], ["", ""]],
    ["down and up again", [up, down, down, up, up], ["", "down running", "", "up running", ""]],
    [
      "down at the start",
      [starting, { ...starting, ...down }, up],
      ["", "down starting", "up running"],
    ],
    ["new by a reload", [{}, down], ["", "down reloading"]],
    [
      "down again after a reload's news",
      [down, up, down],
      ["down reloading", "up running", "down running"],
    ],
    ["unchecked between does not count", [up, down, {}, down], ["", "down running", "", ""]],
    ["enabled again and up", [up, down, {}, up], ["", "down running", "", "up running"]],
    [
      "reminders, from the last mail on",
      [
        { ...up, repeatMs: 10, atMs: 0 },
        { ...down, repeatMs: 10, atMs: 100 },
        { ...down, repeatMs: 10, atMs: 109 },
        { ...down, repeatMs: 10, atMs: 112 },
        { ...down, repeatMs: 10, atMs: 121 },
        { ...down, repeatMs: 10, atMs: 122 },
        { ...up, repeatMs: 10, atMs: 123 },
        { ...up, repeatMs: 10, atMs: 200 },
      ],
      ["", "down running", "", "still-down running", "", "still-down running", "up running", ""],
    ],
    [
      "nobody is reminded of maintenance",
      [
        up,
        { ...down, repeatMs: 10, isMaintained: true },
        { ...down, repeatMs: 10, isMaintained: true, atMs: 99 },
      ],
      ["", "down running", ""],
    ],
    [
      "reminders that a reload asks for begin then, and end with it",
      [
        { ...down, atMs: 0 },
        { ...down, repeatMs: 10, atMs: 100 },
        { ...down, repeatMs: 10, atMs: 110 },
        { ...down, atMs: 200 },
      ],
      ["down reloading", "", "still-down running", ""],
    ],
    [
      "a shorter wait holds at once",
      [
        { ...down, repeatMs: 1000 },
        { ...down, repeatMs: 10, atMs: 5 },
        { ...down, repeatMs: 10, atMs: 15 },
      ],
      ["down reloading", "", "still-down running"],
    ],
  ])("%s", (_name, scenes, expected) => {
    expect(tell(scenes)).toEqual([...expected]);
  });

  test("says since when, in the order of the servers, and forgets who is gone", () => {
    const subject = { service: "web", reason: "r", isMaintained: false, repeatMs: 5 };
    const servers = ["b:1", "a:1"].map((server) => ({
      ...subject,
      server,
      health: "down" as const,
    }));
    const first = stepAlerts(new Map(), servers, { nowMs: 0, wallMs: 7, occasion: "running" });
    expect(first.alerts.map(({ server, sinceMs }) => [server, sinceMs])).toEqual([
      ["b:1", 7],
      ["a:1", 7],
    ]);
    const again = stepAlerts(first.records, servers, { nowMs: 5, wallMs: 99, occasion: "running" });
    expect(again.alerts.map(({ sinceMs }) => sinceMs)).toEqual([7, 7]);
    expect(stepAlerts(again.records, [], { nowMs: 6, wallMs: 99, occasion: "running" })).toEqual({
      records: new Map(),
      alerts: [],
    });
  });
});

test("nextReminderMs() is the first of all", () => {
  const record = { told: "down", sinceMs: 0, newIn: undefined } as const;
  const records = new Map([
    ["a", { ...record, remindAtMs: undefined }],
    ["b", { ...record, remindAtMs: 30 }],
    ["c", { ...record, remindAtMs: 20 }],
  ]);
  expect(nextReminderMs(records)).toBe(20);
  expect(nextReminderMs(new Map())).toBeUndefined();
});
