/**
 * How a change of state is told: one line in the log and one event.
 *
 * @module
 */

import type { Logger, LogLevel } from "../log/index.ts";
import type { StatusEvent } from "../status/index.ts";
import type { EventLog } from "./event-log.ts";
import type { Transition, TransitionName } from "./transition.ts";

/** One change, ready to be told. */
export interface Report {
  readonly level: LogLevel;
  /** Event name in the log, kebab-case. */
  readonly name: string;
  readonly kind: StatusEvent["kind"];
  readonly service?: string | undefined;
  readonly server?: string | undefined;
  /** What, in words; the event's text. */
  readonly text: string;
  /** Why; the log has it as `reason`, the event in its text. */
  readonly reason?: string | undefined;
  /** Who asked for it. */
  readonly by?: string | undefined;
}

/** Tells a change to log and events. */
export type Reporter = (report: Report) => void;

/** A reporter to both. */
export function createReporter(logger: Logger, events: EventLog): Reporter {
  return ({ level, name, kind, service, server, text, reason, by }) => {
    const what = by === undefined ? text : `${text} by ${by}`;
    const told = reason === undefined || reason === "" ? what : `${what}: ${reason}`;
    logger.log(level, name, { service, server, by, reason: reason ?? text });
    events.add({ kind, service, server, text: told });
  };
}

/** By the change: how loud, which kind, and its words. */
const words: Readonly<
  Record<TransitionName, readonly [LogLevel, StatusEvent["kind"], string] | undefined>
> = {
  "server-up": ["info", "health", "Real server is up"],
  "server-down": ["warning", "health", "Real server is down"],
  "service-up": ["info", "service", "Service is up"],
  "service-down": ["error", "service", "Service is down"],
  "fallback-on": ["warning", "service", "Fallback serves"],
  "fallback-off": ["info", "service", "Fallback serves no more"],
  // Told by the quorum or the servers already; they exist for the hooks.
  "service-live": undefined,
  "service-dead": undefined,
};

/** What to tell of a change of a service; undefined if something else tells it. Pure. */
export function reportOf({ name, service, server, reason }: Transition): Report | undefined {
  const found = words[name];
  if (found === undefined) return undefined;
  const [level, kind, text] = found;
  return { level, name, kind, service, server, text, reason };
}
