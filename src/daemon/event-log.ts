/**
 * What happened, in order: the last thousand events, and whoever listens.
 *
 * @module
 */

import type { Clock } from "../clock/index.ts";
import type { StatusEvent } from "../status/index.ts";

/** Events kept: an hour of a busy fault, and some 200 kB. */
const eventsMax = 1000;

/** An event before it got its number and time. */
export interface NewEvent {
  readonly kind: StatusEvent["kind"];
  readonly service?: string | undefined;
  readonly server?: string | undefined;
  readonly text: string;
}

/** The log of one director. */
export interface EventLog {
  add(event: NewEvent): void;
  /** At most `count` events, newest first. */
  latest(count: number): readonly StatusEvent[];
  /** Calls `listener`, which must not throw, for each event from now on; the result ends it. */
  subscribe(listener: (event: StatusEvent) => void): () => void;
}

/** An empty log whose events are numbered from 1. */
export function createEventLog(clock: Clock): EventLog {
  const events: StatusEvent[] = [];
  const listeners = new Set<(event: StatusEvent) => void>();
  let lastId = 0;
  return {
    add({ kind, service, server, text }) {
      const event: StatusEvent = {
        id: ++lastId,
        at: new Date(clock.wallMs()).toISOString(),
        kind,
        service: service ?? null,
        server: server ?? null,
        text,
      };
      events.push(event);
      if (events.length > eventsMax) events.shift();
      for (const listener of listeners) listener(event);
    },
    latest: (count) => events.slice(-count).toReversed(),
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
