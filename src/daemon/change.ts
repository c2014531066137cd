/**
 * Carries out `drain`, `disable`, `enable` and `weight`: finds the real servers, notes the
 * override, brings it into force, keeps it on disk.
 *
 * @module
 */

import type { Clock } from "../clock/index.ts";
import type { VirtualService } from "../model/index.ts";
import type { ChangeRequest, ChangeResult } from "../status/index.ts";
import { withOverride } from "./overrides.ts";
import type { Overrides } from "./overrides.ts";
import type { Reporter } from "./report.ts";
import { createSerial } from "./serial.ts";
import { matchServers } from "./server-match.ts";
import type { MatchedServer } from "./server-match.ts";

/** What a change works with. */
export interface ChangerOptions {
  readonly clock: Clock;
  /** Keeps overrides. @returns Why they are not kept over a restart. */
  readonly save: (overrides: Overrides) => Promise<string | undefined>;
  /** Tells the other director. @returns Why it may not know them; undefined without a peer. */
  readonly tellPeer: () => Promise<string | undefined>;
  readonly services: () => readonly VirtualService[];
  readonly addressOf: (host: string) => string | undefined;
  readonly overrides: () => Overrides;
  /** Puts new overrides in force; settles when they are. */
  readonly apply: (overrides: Overrides) => Promise<void>;
  readonly report: Reporter;
}

/** Carries out one change; see `StatusSource.change`. Never rejects for what an operator asks. */
export type Changer = (request: ChangeRequest, by: string) => Promise<ChangeResult>;

/** Changes that may wait: more than this are a script gone wild. */
const waitingMax = 100;

/** What an event says of a change. */
function describe(request: ChangeRequest): string {
  switch (request.action) {
    case "drain":
      return "Drained";
    case "enable":
      return "Enabled";
    case "disable":
      return request.kill ? "Disabled, its connections ended," : "Disabled";
    case "weight":
      return `Weight set to ${request.weight}`;
  }
}

/** Why nothing matches: the service, or the server in it. */
function unknown(
  request: ChangeRequest,
  services: readonly VirtualService[],
): Extract<ChangeResult, { ok: false }> {
  const { service, server } = request;
  if (service !== undefined && !services.some(({ name }) => name === service)) {
    const message = `Cannot ${request.action} ${server}: no virtual service is called ${service}`;
    return { ok: false, code: "SERVICE_UNKNOWN", message };
  }
  const fact =
    service === undefined
      ? "no virtual service has such a real server"
      : `virtual service ${service} has no such real server`;
  const message = `Cannot ${request.action} ${server}: ${fact}`;
  return { ok: false, code: "SERVER_UNKNOWN", message };
}

/** A changer; changes are carried out one after the other. */
export function createChanger(options: ChangerOptions): Changer {
  const { clock, save, tellPeer, services, addressOf, overrides, apply, report } = options;
  const serial = createSerial(waitingMax);

  const carryOut = async (
    request: ChangeRequest,
    matched: readonly MatchedServer[],
    by: string,
  ): Promise<ChangeResult> => {
    const at = new Date(clock.wallMs()).toISOString();
    let next = overrides();
    for (const subject of matched) {
      const configuredWeight = subject.realServer.weight;
      next = withOverride(next, { subject, request, configuredWeight, by, at });
    }
    const text = describe(request);
    for (const { service, server } of matched) {
      report({ level: "info", name: "override", kind: "override", service, server, text, by });
    }
    await apply(next);
    const [notKept, notTold] = await Promise.all([save(next), tellPeer()]);
    const changed = matched.map(({ service, server }) => ({ service, server }));
    const warnings: string[] = [];
    if (notKept !== undefined) warnings.push(`not kept over a restart: ${notKept}`);
    if (notTold !== undefined) warnings.push(`the other director may not know it: ${notTold}`);
    if (warnings.length === 0) return { ok: true, changed };
    const warning = `in force, but ${warnings.join("; ")}`;
    report({
      level: "warning",
      name: "override",
      kind: "override",
      text: "Overrides",
      reason: warning,
    });
    return { ok: true, changed, warning };
  };

  return async (request, by) => {
    const result = serial.run(async () => {
      const query = { server: request.server, service: request.service };
      const matched = matchServers(services(), query, addressOf);
      if (matched.length === 0) return unknown(request, services());
      return carryOut(request, matched, by);
    });
    if (result !== undefined) return result;
    const why = `${waitingMax} changes wait already`;
    const message = `Cannot ${request.action} ${request.server}: ${why}`;
    return { ok: false, code: "CHANGES_WAIT", message };
  };
}
