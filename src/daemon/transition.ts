/**
 * What changed between two judgements of a service: the lines of the log, the events, the hooks.
 *
 * Pure.
 *
 * @module
 */

import type { ServerAssessment, ServiceAssessment } from "./assessment.ts";

/** Name of a change; the event name in the log. */
export type TransitionName =
  | "server-up"
  | "server-down"
  | "service-up"
  | "service-down"
  | "service-live"
  | "service-dead"
  | "fallback-on"
  | "fallback-off";

/** One change. */
export interface Transition {
  readonly name: TransitionName;
  readonly service: string;
  /** `host:port` as configured, for changes of a server or the fallback. */
  readonly server: string | undefined;
  readonly reason: string;
}

function serverTransition(
  service: string,
  before: ServerAssessment | undefined,
  after: ServerAssessment,
): Transition | undefined {
  if (after.health === (before?.health ?? "unchecked")) return undefined;
  // Back to unchecked after a reload or an `enable`: the next check tells.
  if (after.health === "unchecked") return undefined;
  const name = after.health === "up" ? "server-up" : "server-down";
  return { name, service, server: after.key, reason: after.healthReason };
}

/** True, false, or undefined as long as the first checks have not ended. */
function settled(
  assessment: ServiceAssessment | undefined,
  test: (assessment: ServiceAssessment) => boolean,
): boolean | undefined {
  if (assessment === undefined) return undefined;
  const value = test(assessment);
  // A service that serves already need not wait for the checks of its other servers.
  return value || assessment.isSettled ? value : undefined;
}

const isUp = ({ state }: ServiceAssessment): boolean => state === "up";
const isLive = ({ liveWeight }: ServiceAssessment): boolean => liveWeight > 0;
const isOnFallback = ({ fallback }: ServiceAssessment): boolean => fallback?.isActive === true;

/** Why the service is up, for the line that says so. */
function upReason({ liveWeight, service }: ServiceAssessment): string {
  return `live weight ${liveWeight}, quorum ${service.quorum}`;
}

/** Changes of servers. */
function serverTransitions(
  before: ServiceAssessment | undefined,
  { service, servers }: ServiceAssessment,
): readonly Transition[] {
  const beforeByKey = new Map(before?.servers.map((server) => [server.key, server]));
  return servers
    .map((server) => serverTransition(service.name, beforeByKey.get(server.key), server))
    .filter((transition) => transition !== undefined);
}

/** Name of the change of a fact about the service; undefined if it is the same or not known yet. */
function changeOf(
  [before, after]: readonly [ServiceAssessment | undefined, ServiceAssessment],
  test: (assessment: ServiceAssessment) => boolean,
  [whenTrue, whenFalse]: readonly [TransitionName, TransitionName],
): TransitionName | undefined {
  const now = settled(after, test);
  if (now === undefined || now === settled(before, test)) return undefined;
  return now ? whenTrue : whenFalse;
}

function fallbackChange(
  before: ServiceAssessment | undefined,
  after: ServiceAssessment,
): TransitionName | undefined {
  const was = before !== undefined && isOnFallback(before);
  if (isOnFallback(after) === was) return undefined;
  return was ? "fallback-off" : "fallback-on";
}

/**
 * Changes from `before` to `after`, in the order in which they are told: servers, then service,
 * then fallback. A new service has no `before`; its first state is a change too.
 *
 * `service-up` and `service-down` tell of the quorum, `service-live` and `service-dead` of the
 * first real server that serves and the last one that does not any more.
 */
export function transitions(
  before: ServiceAssessment | undefined,
  after: ServiceAssessment,
): readonly Transition[] {
  const service = after.service.name;
  const reason = isUp(after) ? upReason(after) : after.reason;
  const found = [...serverTransitions(before, after)];
  const both = [before, after] as const;
  const names = [
    changeOf(both, isLive, ["service-live", "service-dead"]),
    changeOf(both, isUp, ["service-up", "service-down"]),
  ];
  for (const name of names) {
    if (name !== undefined) found.push({ name, service, server: undefined, reason });
  }
  const name = fallbackChange(before, after);
  const server = after.fallback?.key ?? before?.fallback?.key;
  if (name !== undefined) found.push({ name, service, server, reason });
  return found;
}
