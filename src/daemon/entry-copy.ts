/**
 * Copies of one kind of entries to the other director, and from it: everything once there is a
 * connection and again each minute, and in between what changes.
 *
 * A portion goes out when the one before it was taken: a peer that is slow makes this director
 * slow, not large. What a portion holds is the business of its source (client-source.ts,
 * connection-source.ts).
 *
 * @module
 */

import type { Clock, Timer } from "../clock/index.ts";

/** Some entries. */
export interface EntryPortion {
  readonly entries: number;
  readonly body: Uint8Array;
}

/** What became of a portion of the peer. */
export interface TakenPortion {
  readonly entries: number;
  /** Of these, what was news here. */
  readonly taken: number;
}

/** Entries of one kind. */
export interface EntrySource {
  /** Between two rounds, ms. */
  readonly roundMs: number;
  /** Somebody wants to know what changes from here on, or nobody any more. */
  watch?(isWatched: boolean): void;
  /** Everything. */
  walk(): Iterable<EntryPortion> | AsyncIterable<EntryPortion>;
  /** What changed within the last `withinMs`; undefined: not known, and {@link walk} is needed. */
  changed(withinMs: number): Iterable<EntryPortion> | undefined;
  /** Takes a portion of the peer; undefined: it is none. */
  take(body: Uint8Array): TakenPortion | undefined;
}

/** What {@link EntryCopy} works with. */
export interface EntryCopyOptions {
  readonly clock: Clock;
  readonly source: EntrySource;
  /** Hands a message to the peer; false if it did not take it. */
  readonly tell: (message: Uint8Array) => Promise<boolean>;
  /** The peer has sent everything. */
  readonly onComplete: () => void;
  /** Entries cannot be read; there is another try with the next connection. */
  readonly onProblem: (error: unknown) => void;
}

/** What was copied so far. */
export interface EntryCopyView {
  readonly sent: number;
  readonly received: number;
  /** Of these, what was news here. */
  readonly taken: number;
  /** Entries of the last whole round that the peer has taken. */
  readonly entries: number;
  /** Since the last round that the peer has taken whole, ms; undefined: none. */
  readonly lagMs: number | undefined;
  /** Everything of the peer was here once. */
  readonly isComplete: boolean;
}

/** A round looks back a little further than the last one began. */
const overlapMs = 500;
/** Everything is sent again after this time, ms: what was missed, or is not told as a change. */
const walkMs = 60_000;
/** The same if changes were lost: not all the time. */
const walkAgainMs = 5000;

/** First byte of a message: entries, or the end of everything. */
const kind = { entries: 0, end: 1 } as const;

function messageOf(first: number, body: Uint8Array): Uint8Array {
  const message = new Uint8Array(1 + body.length);
  message[0] = first;
  message.set(body, 1);
  return message;
}

/** Copies both ways. */
export class EntryCopy {
  readonly #options: EntryCopyOptions;
  #timer: Timer | undefined;
  /** Raised at each start and stop: what is under way from before ends. */
  #run = 0;
  /** Ends when what was to be sent has been. */
  #sending: Promise<boolean> = Promise.resolve(true);
  #sent = 0;
  #received = 0;
  #taken = 0;
  #entries = 0;
  #walkedAtMs = -Infinity;
  #copiedAtMs: number | undefined;
  #isComplete = false;

  constructor(options: EntryCopyOptions) {
    this.#options = options;
  }

  /** There is a connection to the peer. */
  start(): void {
    this.stop();
    this.#options.source.watch?.(true);
    this.#walkedAtMs = -Infinity;
    void this.#rounds(this.#run);
  }

  /** Sends what changed since the last round, before the other director takes over. */
  async flush(): Promise<void> {
    const { source } = this.#options;
    const copiedAtMs = this.#copiedAtMs;
    if (copiedAtMs === undefined) return;
    await this.#next(async () => {
      const sinceMs = this.#options.clock.nowMs() - copiedAtMs + overlapMs;
      return (await this.#send(source.changed(sinceMs) ?? [])) !== undefined;
    });
  }

  /** There is none any more. */
  stop(): void {
    this.#run += 1;
    this.#timer?.cancel();
    this.#options.source.watch?.(false);
  }

  /** Takes a message of the peer. @returns False if it is none; then it takes no effect. */
  take(message: Uint8Array): boolean {
    if (message[0] === kind.end) {
      if (!this.#isComplete) {
        this.#isComplete = true;
        this.#options.onComplete();
      }
      return true;
    }
    if (message[0] !== kind.entries) return false;
    const portion = this.#options.source.take(message.subarray(1));
    if (portion === undefined) return false;
    this.#received += portion.entries;
    this.#taken += portion.taken;
    return true;
  }

  view(): EntryCopyView {
    const nowMs = this.#options.clock.nowMs();
    return {
      sent: this.#sent,
      received: this.#received,
      taken: this.#taken,
      entries: this.#entries,
      lagMs: this.#copiedAtMs === undefined ? undefined : nowMs - this.#copiedAtMs,
      isComplete: this.#isComplete,
    };
  }

  async #rounds(run: number): Promise<void> {
    const { clock, source } = this.#options;
    let beganMs = clock.nowMs();
    while (run === this.#run) {
      const nowMs = clock.nowMs();
      const withinMs = nowMs - beganMs + overlapMs;
      beganMs = nowMs;
      const isTaken = await this.#next(() => this.#round(withinMs));
      if (run !== this.#run) return;
      // Whoever does not answer is called again, and then there is another start.
      if (!isTaken) return source.watch?.(false);
      this.#copiedAtMs = nowMs;
      await new Promise<void>((resolve) => {
        this.#timer = clock.after(source.roundMs, resolve);
      });
    }
  }

  async #round(withinMs: number): Promise<boolean> {
    const nowMs = this.#options.clock.nowMs();
    const { source } = this.#options;
    const walkAgeMs = nowMs - this.#walkedAtMs;
    const changed = walkAgeMs < walkMs ? source.changed(withinMs) : undefined;
    if (changed !== undefined) return (await this.#send(changed)) !== undefined;
    if (walkAgeMs < walkAgainMs) return true;
    this.#walkedAtMs = nowMs;
    const entries = await this.#send(source.walk());
    if (entries === undefined) return false;
    this.#entries = entries;
    return this.#options.tell(messageOf(kind.end, new Uint8Array(0)));
  }

  /** One after the other: a handover must not overtake a round. */
  #next(work: () => Promise<boolean>): Promise<boolean> {
    const before = this.#sending;
    const run = this.#run;
    this.#sending = before.then(async () => {
      try {
        return run === this.#run && (await work());
      } catch (error) {
        this.#options.onProblem(error);
        return false;
      }
    });
    return this.#sending;
  }

  /** @returns How many entries; undefined if the peer did not take them. */
  async #send(
    portions: Iterable<EntryPortion> | AsyncIterable<EntryPortion>,
  ): Promise<number | undefined> {
    let count = 0;
    for await (const { entries, body } of portions) {
      if (!(await this.#options.tell(messageOf(kind.entries, body)))) return undefined;
      count += entries;
      this.#sent += entries;
    }
    return count;
  }
}
