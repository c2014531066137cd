/**
 * What the director thinks of each service right now: the configuration seen through health,
 * overrides and resolved names. Engine, status, events and hooks all follow from it.
 *
 * Pure.
 *
 * @module
 */

import type { RealServer, ServerState, VirtualService } from "../model/index.ts";
import type { ServerOverride } from "./overrides.ts";
import { configuredKey } from "./server-id.ts";

/** What checks say of a server; `unchecked`: nothing yet. */
export type Health = "up" | "down" | "unchecked";

/** What is known of one real server from outside the configuration. */
export interface ServerFacts {
  /** Undefined while its name is not resolved. */
  readonly address: string | undefined;
  readonly health: Health;
  /** Why its health is what it is, one line. */
  readonly reason: string;
  readonly override: ServerOverride | undefined;
}

/** One real server, judged. */
export interface ServerAssessment {
  /** `host:port` as configured; unique within the service. */
  readonly key: string;
  readonly server: RealServer;
  readonly address: string | undefined;
  readonly health: Health;
  readonly admin: ServerOverride["admin"];
  /** As configured or overridden. */
  readonly weight: number;
  /** 0 unless it may get new connections. */
  readonly effectiveWeight: number;
  readonly state: ServerState;
  /** Why it is in this state, one line. */
  readonly reason: string;
  /** Why its health is what it is, whatever operators said. */
  readonly healthReason: string;
}

/** One service, judged. */
export interface ServiceAssessment {
  readonly service: VirtualService;
  readonly servers: readonly ServerAssessment[];
  /** Sum of the effective weights. */
  readonly liveWeight: number;
  /** True once the first check of each real server had ended; stays true. */
  readonly isSettled: boolean;
  /** `up`: quorum reached. `fallback`: the fallback serves. `down`: neither. */
  readonly state: "up" | "fallback" | "down";
  /** Why it is not up; empty when up. */
  readonly reason: string;
  readonly fallback: FallbackAssessment | undefined;
}

/**
 * True if a server is in the table of services, if only with weight 0: it is healthy, an operator
 * took it out, or its service keeps those that fail.
 */
export function isListed(
  { quiescent }: Pick<VirtualService, "quiescent">,
  { health, admin }: Pick<ServerAssessment, "health" | "admin">,
): boolean {
  return quiescent || health === "up" || admin !== "enabled";
}

/** The fallback of a service. */
export interface FallbackAssessment {
  /** `host:port` as configured. */
  readonly key: string;
  /** Undefined while its name is not resolved. */
  readonly address: string | undefined;
  readonly port: number;
  /** True while it gets the connections. */
  readonly isActive: boolean;
}

/** Where {@link assessService} gets its facts from. */
export interface FactSource {
  server(service: VirtualService, key: string, server: RealServer): ServerFacts;
  /** Address of a host, undefined while its name is not resolved. */
  addressOf(host: string): string | undefined;
}

/** What an engine does with a server, by its health and what the operator said. */
function stateOf({ health, override }: ServerFacts): ServerState {
  if (override?.admin === "disabled") return override.kill ? "reset" : "quiescent";
  if (health === "down") return "down";
  if (health === "unchecked" || override?.admin === "draining") return "quiescent";
  return "active";
}

function reasonOf({ health, reason, override }: ServerFacts, weight: number): string {
  if (override !== undefined && override.admin !== "enabled") {
    return `${override.admin} by ${override.by} since ${override.at}`;
  }
  if (health === "unchecked") return reason === "" ? "not checked yet" : reason;
  if (health === "up" && weight === 0) {
    return override?.weight === 0 ? `weight 0 by ${override.by}` : "weight 0 by the configuration";
  }
  return reason;
}

function assessServer(key: string, server: RealServer, facts: ServerFacts): ServerAssessment {
  const weight = facts.override?.weight ?? server.weight;
  // Also what is never checked (`on`) needs an address to be sent to.
  const isLost = facts.address === undefined && facts.health === "up";
  const known: ServerFacts = isLost
    ? { ...facts, health: "down", reason: "its name is not resolved" }
    : facts;
  const state = stateOf(known);
  return {
    key,
    server,
    address: known.address,
    health: known.health,
    admin: known.override?.admin ?? "enabled",
    weight,
    effectiveWeight: state === "active" ? weight : 0,
    state,
    reason: reasonOf(known, weight),
    healthReason: known.reason,
  };
}

/** Why a service is not up. */
function serviceReason(liveWeight: number, quorum: number, isSettled: boolean): string {
  if (liveWeight > 0) return `live weight ${liveWeight} is below the quorum of ${quorum}`;
  return isSettled ? "no real server is up" : "first checks have not ended";
}

/**
 * Judges one service.
 *
 * The fallback serves exactly while no real server may get connections, but not before the first
 * check of each has ended: a director that starts must not send its first clients there. Later,
 * a server that is new or enabled again does not hold the fallback back.
 *
 * @param before The last judgement of the service; undefined if it is new.
 */
export function assessService(
  service: VirtualService,
  source: FactSource,
  before: ServiceAssessment | undefined,
): ServiceAssessment {
  const servers = service.realServers.map((server) => {
    const key = configuredKey(server);
    return assessServer(key, server, source.server(service, key, server));
  });
  const liveWeight = servers.reduce((sum, server) => sum + server.effectiveWeight, 0);
  const isChecked = servers.every(
    ({ health, admin }) => health !== "unchecked" || admin === "disabled",
  );
  const isSettled = isChecked || before?.isSettled === true;
  const fallback = assessFallback(service, source, isSettled && liveWeight === 0);
  const isUp = liveWeight > 0 && liveWeight >= service.quorum;
  const isOnFallback = fallback?.isActive === true;
  return {
    service,
    servers,
    liveWeight,
    isSettled,
    state: isUp ? "up" : isOnFallback ? "fallback" : "down",
    reason: isUp ? "" : serviceReason(liveWeight, service.quorum, isSettled),
    fallback,
  };
}

function assessFallback(
  { fallback }: VirtualService,
  source: FactSource,
  isNeeded: boolean,
): FallbackAssessment | undefined {
  if (fallback === undefined) return undefined;
  const address = source.addressOf(fallback.host);
  const key = configuredKey(fallback);
  return { key, address, port: fallback.port, isActive: isNeeded && address !== undefined };
}
