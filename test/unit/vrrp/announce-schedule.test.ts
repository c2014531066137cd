/**
 * Announcements: every address once before any repeat, 500 a second, repeats, refresh.
 */
import { describe, expect, test } from "bun:test";

import {
  announceAtMs,
  beginAnnouncing,
  createAnnounceSchedule,
  stopAnnouncing,
  takeAnnouncement,
} from "../../../src/vrrp/announce-schedule.ts";
import type { AnnounceSchedule } from "../../../src/vrrp/announce-schedule.ts";

/** Runs the schedule as the thread would; every frame with its time. */
function run(schedule: AnnounceSchedule, untilMs: number): [atMs: number, index: number][] {
  const frames: [number, number][] = [];
  for (;;) {
    const nowMs = announceAtMs(schedule);
    if (nowMs > untilMs) return frames;
    for (let index = takeAnnouncement(schedule, nowMs); index !== -1;) {
      frames.push([nowMs, index]);
      index = takeAnnouncement(schedule, nowMs);
    }
  }
}

describe("one address", () => {
  test("at 0, 10, 50, 200 ms, 1, 2 and 5 s, then every 30 s", () => {
    const schedule = createAnnounceSchedule(1);
    beginAnnouncing(schedule, 0);
    const times = run(schedule, 70_000).map(([atMs]) => atMs);
    expect(times).toEqual([0, 10, 50, 200, 1000, 2000, 5000, 35_000, 65_000]);
  });

  test("announced again, the schedule begins anew", () => {
    const schedule = createAnnounceSchedule(1);
    beginAnnouncing(schedule, 0);
    run(schedule, 3000);
    beginAnnouncing(schedule, 4000);
    expect(run(schedule, 4100).map(([atMs]) => atMs)).toEqual([4000, 4010, 4050]);
  });

  test("stopped, nothing is due", () => {
    const schedule = createAnnounceSchedule(1);
    expect(announceAtMs(schedule)).toBe(Infinity);
    beginAnnouncing(schedule, 0);
    stopAnnouncing(schedule);
    expect(announceAtMs(schedule)).toBe(Infinity);
    expect(takeAnnouncement(schedule, 1e9)).toBe(-1);
  });
});

describe("200 addresses", () => {
  test("each once before any repeat, then repeated", () => {
    const schedule = createAnnounceSchedule(200);
    beginAnnouncing(schedule, 0);
    const frames = run(schedule, 1000);
    const expected = Array.from({ length: 400 }, (_, index) => index % 200);
    expect(frames.slice(0, 400).map(([, index]) => index)).toEqual(expected);
  });

  test("at most 500 a second and 10 at once", () => {
    const schedule = createAnnounceSchedule(200);
    beginAnnouncing(schedule, 0);
    const frames = run(schedule, 10_000);
    for (const [atMs] of frames) {
      const window = frames.filter(([other]) => other >= atMs && other < atMs + 1000).length;
      expect(window).toBeLessThanOrEqual(510);
    }
    expect(frames.filter(([atMs]) => atMs === 0)).toHaveLength(10);
    expect(frames[199]![0]).toBe(380);
  });

  test("a stream of reasons to announce again cannot keep the last one waiting", () => {
    const schedule = createAnnounceSchedule(200);
    const seen = new Set<number>();
    for (let nowMs = 0; nowMs <= 400; nowMs += 2) {
      beginAnnouncing(schedule, nowMs);
      for (const [, index] of run(schedule, nowMs)) seen.add(index);
    }
    expect(seen.size).toBe(200);
  });

  test("leaving and coming back is no way around the pace", () => {
    const schedule = createAnnounceSchedule(200);
    let frames = 0;
    for (let nowMs = 0; nowMs < 100; nowMs += 1) {
      beginAnnouncing(schedule, nowMs);
      frames += run(schedule, nowMs).length;
      stopAnnouncing(schedule);
    }
    expect(frames).toBeLessThanOrEqual(60);
  });
});

test("no address is never announced", () => {
  const schedule = createAnnounceSchedule(0);
  beginAnnouncing(schedule, 0);
  expect(announceAtMs(schedule)).toBe(Infinity);
});
