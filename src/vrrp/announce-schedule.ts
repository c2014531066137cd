/**
 * When which virtual address is announced: gratuitous ARP, unsolicited neighbour advertisement.
 *
 * At a takeover every address once before any is repeated; repeated, because frames are lost and
 * switches learn late; paced, because 200 addresses at once overrun queues; refreshed for ever.
 * Times are ms of the monotonic clock. Pure; nothing is allocated after creation.
 *
 * @module
 */

/** Frames a second over all addresses of an instance. */
export const announcementsPerSecond = 500;
/** Frames that may go at once: the few addresses of a usual instance wait for nothing. */
export const announcementBurst = 10;
/** Rounds over all addresses after a takeover, in ms after its start. */
export const roundOffsetsMs = [0, 10, 50, 200, 1000, 2000, 5000] as const;
/** Time between rounds afterwards. */
export const refreshMs = 30_000;

const spacingMs = 1000 / announcementsPerSecond;

/** State of one instance. */
export interface AnnounceSchedule {
  readonly count: number;
  /** When the schedule began; NaN while nothing is announced. */
  beganAtMs: number;
  /** Round now or next, and the next address in it. */
  round: number;
  index: number;
  /** When the round may begin. */
  roundAtMs: number;
  /** When the bucket of the pace will be empty: frames go as long as that is near. */
  paceMs: number;
  /** Announce again from the start once this round is over. */
  isRestartWanted: boolean;
}

/** A schedule for `count` addresses, 0 and more, that announces nothing yet. */
export function createAnnounceSchedule(count: number): AnnounceSchedule {
  return {
    count,
    beganAtMs: NaN,
    round: 0,
    index: 0,
    roundAtMs: Infinity,
    paceMs: -Infinity,
    isRestartWanted: false,
  };
}

function begin(schedule: AnnounceSchedule, nowMs: number): void {
  schedule.beganAtMs = nowMs;
  schedule.round = 0;
  schedule.index = 0;
  schedule.roundAtMs = schedule.count === 0 ? Infinity : nowMs;
  schedule.isRestartWanted = false;
}

/**
 * Announces from the start: a takeover, or another node may have claimed an address. A round that
 * runs is finished first, so that a stream of such events cannot keep the last address waiting.
 */
export function beginAnnouncing(schedule: AnnounceSchedule, nowMs: number): void {
  if (schedule.index > 0) schedule.isRestartWanted = true;
  else begin(schedule, nowMs);
}

/** Announces no more. The pace is kept: leaving and coming back is no way around it. */
export function stopAnnouncing(schedule: AnnounceSchedule): void {
  schedule.beganAtMs = NaN;
  schedule.index = 0;
  schedule.roundAtMs = Infinity;
  schedule.isRestartWanted = false;
}

/** When {@link takeAnnouncement} has something, in ms; Infinity if never. */
export function announceAtMs(schedule: AnnounceSchedule): number {
  if (schedule.index === 0 && schedule.roundAtMs === Infinity) return Infinity;
  const paceAtMs = schedule.paceMs - (announcementBurst - 1) * spacingMs;
  return Math.max(schedule.roundAtMs, paceAtMs);
}

function endRound(schedule: AnnounceSchedule, nowMs: number): void {
  schedule.index = 0;
  if (schedule.isRestartWanted) return begin(schedule, nowMs);
  schedule.round++;
  const offsetMs = roundOffsetsMs[schedule.round];
  schedule.roundAtMs =
    offsetMs === undefined ? nowMs + refreshMs : Math.max(nowMs, schedule.beganAtMs + offsetMs);
}

/** Index of the address to announce now, -1 if none is due. Call again until it says -1. */
export function takeAnnouncement(schedule: AnnounceSchedule, nowMs: number): number {
  if (nowMs < announceAtMs(schedule)) return -1;
  const index = schedule.index;
  schedule.paceMs = Math.max(schedule.paceMs, nowMs) + spacingMs;
  schedule.index++;
  if (schedule.index === schedule.count) endRound(schedule, nowMs);
  return index;
}
