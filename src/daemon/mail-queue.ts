/**
 * Mails on their way: in the background, one at a time for each mail server, tried again for a
 * while, bounded. A mail server that is dead or slow costs mails and nothing else.
 *
 * @module
 */

import type { Clock, Timer } from "../clock/index.ts";
import { errorText } from "../errors/index.ts";
import type { Logger } from "../log/index.ts";
import type { Server } from "../model/index.ts";
import { formatEndpoint } from "../net/address.ts";

/** One mail. */
export interface Mail {
  readonly smtp: Server;
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
}

/** What became of a mail. */
export type MailResult =
  | { readonly ok: true; /** Who did not get it. */ readonly refused: readonly string[] }
  | {
      readonly ok: false;
      readonly reason: string;
      /** Trying again is of no use. */ readonly isFinal: boolean;
    };

/** Hands a mail to its server; settles within half a minute. */
export type SendMail = (mail: Mail) => Promise<MailResult>;

/** See the module's head. */
export interface MailQueue {
  enqueue(mail: Mail): void;
  /** Tries once more what waits, no longer than {@link mailCloseMs}; nothing is sent after it. */
  close(hurry: AbortSignal): Promise<void>;
}

/** Mails that wait for one server; beyond it the oldest goes, since the newest state counts. */
export const mailsWaitingMax = 100;

/** Tries of one mail, and the wait between two: five minutes of a mail server that starts anew. */
export const mailTriesMax = 10;
/** See {@link mailTriesMax}. */
export const mailRetryMs = 30_000;

/** How long a stop waits for mails. */
export const mailCloseMs = 3000;

/** What a queue works with. */
export interface MailQueueOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly send: SendMail;
}

interface Entry {
  readonly mail: Mail;
  tries: number;
}

/** Mails for one server. */
interface Lane {
  readonly server: string;
  readonly waiting: Entry[];
  isSending: boolean;
  timer: Timer | undefined;
  work: Promise<void>;
}

/** An empty queue. */
export function createMailQueue(options: MailQueueOptions): MailQueue {
  return new Queue(options);
}

class Queue implements MailQueue {
  readonly #clock;
  readonly #logger;
  readonly #send;
  /** By the mail server; those with something to send. */
  readonly #lanes = new Map<string, Lane>();
  #isClosing = false;
  #isClosed = false;

  constructor({ clock, logger, send }: MailQueueOptions) {
    this.#clock = clock;
    this.#logger = logger;
    this.#send = send;
  }

  enqueue(mail: Mail): void {
    if (this.#isClosing) return;
    const lane = this.#laneOf(mail);
    lane.waiting.push({ mail, tries: 0 });
    if (lane.waiting.length > mailsWaitingMax) {
      // The first may be on its way.
      const [dropped] = lane.waiting.splice(lane.isSending ? 1 : 0, 1);
      const { subject } = dropped!.mail;
      const reason = `more than ${mailsWaitingMax} mails wait, the oldest is dropped`;
      this.#logger.log("warning", "mail-failed", { server: lane.server, subject, reason });
    }
    if (!lane.isSending && lane.timer === undefined) this.#start(lane);
  }

  async close(hurry: AbortSignal): Promise<void> {
    this.#isClosing = true;
    const left = [...this.#lanes.values()];
    for (const lane of left) if (!lane.isSending) this.#start(lane);
    const { promise: isOver, resolve } = Promise.withResolvers<void>();
    const timer = this.#clock.after(mailCloseMs, resolve);
    hurry.addEventListener("abort", () => resolve(), { once: true });
    if (hurry.aborted) resolve();
    await Promise.race([isOver, Promise.all(left.map((lane) => lane.work))]);
    timer.cancel();
    this.#isClosed = true;
    for (const { server, waiting } of left) {
      if (waiting.length === 0) continue;
      const fields = { server, mails: waiting.length, reason: "stopped" };
      this.#logger.log("warning", "mail-failed", fields);
    }
  }

  #laneOf({ smtp: { host, port } }: Mail): Lane {
    const server = formatEndpoint({ address: host, port });
    const known = this.#lanes.get(server);
    if (known !== undefined) return known;
    const lane: Lane = {
      server,
      waiting: [],
      isSending: false,
      timer: undefined,
      work: Promise.resolve(),
    };
    this.#lanes.set(server, lane);
    return lane;
  }

  #start(lane: Lane): void {
    lane.timer?.cancel();
    lane.timer = undefined;
    lane.work = this.#work(lane);
  }

  async #work(lane: Lane): Promise<void> {
    lane.isSending = true;
    for (let entry = lane.waiting[0]; entry !== undefined; entry = lane.waiting[0]) {
      if (await this.#tryFirst(lane, entry)) continue;
      if (!this.#isClosed) lane.timer = this.#clock.after(mailRetryMs, () => this.#start(lane));
      break;
    }
    lane.isSending = false;
    if (lane.waiting.length === 0) this.#lanes.delete(lane.server);
  }

  /** Tries the first mail of a lane. @returns False if the others must wait. */
  async #tryFirst(lane: Lane, entry: Entry): Promise<boolean> {
    entry.tries += 1;
    let result: MailResult;
    try {
      result = await this.#send(entry.mail);
    } catch (error) {
      result = { ok: false, reason: errorText(error), isFinal: true };
    }
    if (this.#isClosed) return false;
    this.#tell(lane, entry.mail, result);
    const isEnough = entry.tries >= mailTriesMax || this.#isClosing;
    const isOver = result.ok || result.isFinal || isEnough;
    if (isOver) lane.waiting.shift();
    return isOver;
  }

  #tell({ server }: Lane, { subject, to }: Mail, result: MailResult): void {
    if (!result.ok) {
      this.#logger.log("warning", "mail-failed", { server, subject, reason: result.reason });
    } else if (result.refused.length > 0) {
      const reason = `refused for ${result.refused.join(", ")}`;
      this.#logger.log("warning", "mail-failed", { server, subject, reason });
    } else this.#logger.log("info", "mail", { server, subject, to: to.join(",") });
  }
}
