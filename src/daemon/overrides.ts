/**
 * What operators changed at run time (`drain`, `disable`, `enable`, `weight`), over what the
 * configuration says. Kept over reload and restart by `override-store.ts`.
 *
 * Pure: a change is a function from overrides to overrides, the file format a pair of functions.
 *
 * @module
 */

import { parseServerId, serverId } from "./server-id.ts";
import type { ServerRef } from "./server-id.ts";

/** What was said about one real server of one service. */
export interface ServerOverride {
  readonly admin: "enabled" | "draining" | "disabled";
  /** With `disabled`: live connections are ended too. */
  readonly kill: boolean;
  /** Instead of the configured weight, 0..65535; undefined: as configured. */
  readonly weight: number | undefined;
  /** Who said it last, for example `uid 1000`. */
  readonly by: string;
  /** RFC 3339 UTC time of it. */
  readonly at: string;
}

/** By {@link serverId}. */
export type Overrides = ReadonlyMap<string, ServerOverride>;

/** One change, as an operator asks for it. */
export type OverrideAction =
  | { readonly action: "drain" | "enable" }
  | { readonly action: "disable"; readonly kill: boolean }
  | { readonly action: "weight"; readonly weight: number };

/** Highest weight of a real server, as in ipvsadm(8). */
export const weightMax = 65_535;

/** More entries than the largest configuration has servers; a file with more is not ours. */
export const overridesMax = 100_000;

const untouched = { admin: "enabled", kill: false, weight: undefined } as const;

function changed(
  before: Omit<ServerOverride, "by" | "at">,
  request: OverrideAction,
  configuredWeight: number,
): Omit<ServerOverride, "by" | "at"> {
  switch (request.action) {
    case "drain":
      return { ...before, admin: "draining", kill: false };
    case "disable":
      return { ...before, admin: "disabled", kill: request.kill };
    case "enable":
      return { ...before, admin: "enabled", kill: false };
    case "weight": {
      // Back at the configured weight there is nothing left to remember.
      const weight = request.weight === configuredWeight ? undefined : request.weight;
      return { ...before, weight };
    }
  }
}

/** A change together with what it is about and who asked for it. */
export interface OverrideChange {
  readonly subject: ServerRef;
  readonly request: OverrideAction;
  /** Weight that the configuration gives the server now. */
  readonly configuredWeight: number;
  readonly by: string;
  readonly at: string;
}

/** Overrides after a change; an entry that says nothing any more is gone. */
export function withOverride(overrides: Overrides, change: OverrideChange): Overrides {
  const key = serverId(change.subject);
  const next = changed(overrides.get(key) ?? untouched, change.request, change.configuredWeight);
  const result = new Map(overrides);
  if (next.admin === "enabled" && next.weight === undefined) result.delete(key);
  else result.set(key, { ...next, by: change.by, at: change.at });
  return result;
}

/**
 * Text of overrides.json, one server a line so that an operator can read it.
 *
 * @param revision How often they were changed; 0 is left out.
 */
export function formatOverrides(overrides: Overrides, revision = 0): string {
  const lines = [...overrides].map(([key, override]) =>
    JSON.stringify({ ...parseServerId(key), ...override }),
  );
  const revised = revision === 0 ? "" : ` "revision": ${revision},`;
  return `{ "version": 1,${revised} "overrides": [\n${lines.join(",\n")}\n] }\n`;
}

/** Outcome of {@link parseOverrides}. A damaged file is no error: a director starts without it. */
export type ParsedOverrides =
  | { readonly ok: true; readonly overrides: Overrides; readonly revision: number }
  | { readonly ok: false; readonly reason: string };

type Entry = Readonly<Record<string, unknown>>;

function isEntry(value: unknown): value is Entry {
  return typeof value === "object" && value !== null;
}

function isAdmin(value: unknown): value is ServerOverride["admin"] {
  return value === "enabled" || value === "draining" || value === "disabled";
}

function isWeight(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= weightMax;
}

function isRevision(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** One entry of the file; undefined if it is none. */
function parseEntry(value: unknown): (ServerRef & ServerOverride) | undefined {
  if (!isEntry(value)) return undefined;
  const { service, server, admin, kill, weight, by, at } = value;
  if (typeof service !== "string" || typeof server !== "string") return undefined;
  if (server.includes("\n") || !isAdmin(admin)) return undefined;
  if (weight !== undefined && !isWeight(weight)) return undefined;
  return {
    service,
    server,
    admin,
    kill: kill === true,
    weight,
    by: typeof by === "string" ? by : "unknown",
    at: typeof at === "string" ? at : "",
  };
}

/** Reads the text of overrides.json. Never throws; one bad entry spoils the file. */
export function parseOverrides(text: string): ParsedOverrides {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return { ok: false, reason: "it is not JSON" };
  }
  if (!isEntry(document)) return { ok: false, reason: "no object" };
  const { version, overrides, revision = 0 } = document;
  if (version !== 1) return { ok: false, reason: "it is not of version 1" };
  if (!Array.isArray(overrides) || overrides.length > overridesMax) {
    return { ok: false, reason: "it has no list of overrides" };
  }
  if (!isRevision(revision)) return { ok: false, reason: "its revision is no number" };
  const result = new Map<string, ServerOverride>();
  for (const [index, value] of overrides.entries()) {
    const entry = parseEntry(value);
    if (entry === undefined) return { ok: false, reason: `entry ${index + 1} is damaged` };
    const { service, server, ...override } = entry;
    result.set(serverId({ service, server }), override);
  }
  return { ok: true, overrides: result, revision };
}
