/**
 * When which virtual address is asked for: at start, after a takeover, and while another node is
 * known to have one. Times are ms of the monotonic clock. Pure.
 *
 * @module
 */

/** Questions for each address at start: one that is lost must not hide a holder. */
export const startRounds = 3;
/** Longest time between rounds at start; all of them fit into the dead time. */
const startGapMsMax = 100;
/** How often a holder is asked for. */
export const holderGapMs = 1000;
/** Silence of a holder after which it is gone: three questions without an answer. */
export const holderSilenceMs = 3500;
/** Frames at once, and time between such bursts: 500 a second, as announcements. */
const burst = 10;
const burstGapMs = 20;

/** Questions of one instance. */
export class AskSchedule {
  readonly #count: number;
  readonly #startGapMs: number;
  #nextAtMs = Infinity;
  #index = 0;
  #left = 0;
  #taken = 0;
  #isStart = false;
  #answeredAtMs = -Infinity;

  /** @param count Number of addresses. */
  constructor(count: number, deadTimeMs: number) {
    this.#count = count;
    this.#startGapMs = Math.min(startGapMsMax, deadTimeMs / (startRounds + 1));
  }

  /** When {@link take} has something; Infinity if never. */
  get nextAtMs(): number {
    return this.#nextAtMs;
  }

  /** True from the start until it is known how the addresses are held. */
  get isStart(): boolean {
    return this.#isStart;
  }

  /** Asks now, some times. */
  beginStart(nowMs: number): void {
    this.#begin(nowMs, startRounds);
    this.#isStart = true;
  }

  /** Asks once, at this time. */
  beginTakeover(atMs: number): void {
    this.#begin(atMs, 1);
    this.#isStart = false;
  }

  /** Asks no more. */
  stop(): void {
    this.#left = 0;
    this.#nextAtMs = Infinity;
    this.#isStart = false;
  }

  /** A holder answered: it is asked for again. */
  noteAnswer(nowMs: number): void {
    this.#answeredAtMs = nowMs;
    this.#nextAtMs = Math.min(this.#nextAtMs, nowMs + holderGapMs);
  }

  /** True once a holder that had answered has not for long enough; then no more. */
  hasFallenSilent(nowMs: number): boolean {
    if (nowMs - this.#answeredAtMs < holderSilenceMs || this.#answeredAtMs === -Infinity) {
      return false;
    }
    this.#answeredAtMs = -Infinity;
    return true;
  }

  /**
   * Index of the address to ask for now, -1 if none is due. Call again until it says -1.
   *
   * @param hasHolder Somebody has one: it is asked for until it has fallen silent.
   */
  take(nowMs: number, hasHolder: boolean): number {
    if (nowMs < this.#nextAtMs) {
      this.#taken = 0;
      return -1;
    }
    if (this.#taken === burst) {
      this.#taken = 0;
      this.#nextAtMs = nowMs + burstGapMs;
      return -1;
    }
    const index = this.#index;
    this.#taken++;
    this.#index++;
    if (this.#index === this.#count) this.#endRound(nowMs, hasHolder);
    return index;
  }

  #begin(atMs: number, rounds: number): void {
    this.#index = 0;
    this.#left = rounds;
    this.#nextAtMs = this.#count === 0 ? Infinity : atMs;
  }

  #endRound(nowMs: number, hasHolder: boolean): void {
    this.#index = 0;
    this.#left = Math.max(0, this.#left - 1);
    if (this.#left > 0) this.#nextAtMs = nowMs + this.#startGapMs;
    else this.#nextAtMs = hasHolder ? nowMs + holderGapMs : Infinity;
  }
}
