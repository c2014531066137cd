/**
 * Server-sent events of `GET /events` (HTML Living Standard, section 9.2).
 *
 * A client that comes back with Last-Event-ID gets what it missed, as far as the snapshot still
 * has it; if something is lost an event `gap` says so. A client that reads too slowly is dropped:
 * it comes back by itself and resumes.
 *
 * @module
 */

import type { Clock, Timer } from "../clock/index.ts";
import type { StatusEvent, StatusSource } from "./source.ts";

/** Clients at once: people with a page open and some collectors. Each holds a descriptor. */
export const eventClientsMax = 32;
/** A comment this often keeps proxies and the server's idle timeout from closing the stream. */
export const heartbeatMs = 15_000;
/** Chunks that wait for one client; more means that it does not read. */
const waitingChunksMax = 256;
/** How soon a client shall come back, told to it. */
const retryMs = 2000;

/** Hands out streams. */
export interface EventHub {
  /** A stream that starts after `lastId`; undefined: from now on. No result: too many clients. */
  open(lastId: number | undefined): ReadableStream<Uint8Array> | undefined;
  /** Clients at the moment. */
  clientCount(): number;
  /** Ends all streams and hands out none any more. */
  close(): void;
}

/** One event in the form of the stream. JSON has no line ends, so one data line is enough. */
export function formatEvent(event: StatusEvent): string {
  return `id: ${event.id}\ndata: ${JSON.stringify(event)}\n\n`;
}

/** Number of a Last-Event-ID header; undefined if there is none or it is not ours. */
export function parseEventId(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}

/**
 * What a client that saw `lastId` has missed, oldest first. Ids start anew with the director:
 * a number from the future belongs to the one before, and everything is new.
 */
export function missedEvents(
  newestFirst: readonly StatusEvent[],
  lastId: number,
): { readonly events: readonly StatusEvent[]; readonly hasGap: boolean } {
  const newestId = newestFirst[0]?.id ?? 0;
  if (lastId > newestId) return { events: newestFirst.toReversed(), hasGap: true };
  const events = newestFirst.filter(({ id }) => id > lastId).toReversed();
  return { events, hasGap: events.length > 0 && events[0]!.id > lastId + 1 };
}

/** The first chunk of a stream, and the id of the last event in it. */
function greeting(source: StatusSource, lastId: number | undefined) {
  const head = `retry: ${retryMs}\n\n`;
  const newestFirst = source.snapshot().events;
  const sentId = newestFirst[0]?.id ?? 0;
  if (lastId === undefined) return { text: head, sentId };
  const { events, hasGap } = missedEvents(newestFirst, lastId);
  const gap = hasGap ? "event: gap\ndata: {}\n\n" : "";
  return { text: head + gap + events.map((event) => formatEvent(event)).join(""), sentId };
}

/** One client's stream; `onEnd` is called once when it is over, for whatever reason. */
class EventClient {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #clock: Clock;
  readonly #onEnd: () => void;
  readonly #encoder = new TextEncoder();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #heartbeat: Timer | undefined;
  #unsubscribe: (() => void) | undefined;

  constructor(clock: Clock, onEnd: () => void) {
    this.#clock = clock;
    this.#onEnd = onEnd;
    this.stream = new ReadableStream<Uint8Array>(
      { start: (controller) => void (this.#controller = controller), cancel: () => this.end() },
      new CountQueuingStrategy({ highWaterMark: waitingChunksMax }),
    );
  }

  /** Starts to send. Nothing can happen between the snapshot and the subscription. */
  start(source: StatusSource, lastId: number | undefined): void {
    const { text, sentId } = greeting(source, lastId);
    this.#send(text);
    this.#unsubscribe = source.subscribe((event) => {
      if (event.id > sentId) this.#send(formatEvent(event));
    });
    this.#beat();
  }

  end(): void {
    const controller = this.#controller;
    if (controller === undefined) return;
    this.#controller = undefined;
    this.#heartbeat?.cancel();
    this.#unsubscribe?.();
    try {
      controller.close();
    } catch {
      // Already closed by the client.
    }
    this.#onEnd();
  }

  #send(text: string): void {
    const controller = this.#controller;
    if (controller === undefined) return;
    if ((controller.desiredSize ?? 0) <= 0) this.end();
    else controller.enqueue(this.#encoder.encode(text));
  }

  #beat(): void {
    this.#heartbeat = this.#clock.after(heartbeatMs, () => {
      this.#send(": heartbeat\n\n");
      if (this.#controller !== undefined) this.#beat();
    });
  }
}

/** A hub without clients. */
export function createEventHub(source: StatusSource, clock: Clock): EventHub {
  const clients = new Set<EventClient>();
  let isClosed = false;
  return {
    open(lastId) {
      if (isClosed || clients.size >= eventClientsMax) return undefined;
      const client: EventClient = new EventClient(clock, () => void clients.delete(client));
      clients.add(client);
      client.start(source, lastId);
      return client.stream;
    },
    clientCount: () => clients.size,
    close() {
      isClosed = true;
      for (const client of clients) client.end();
    },
  };
}
