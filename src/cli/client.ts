/**
 * The director as a command sees it: HTTP over the control socket.
 *
 * Types only come from src/status: a command that asks something loads no server.
 *
 * @module
 */

import { ApplianceError, errorText } from "../errors/index.ts";
import type {
  ChangeRequest,
  ConnectionSnapshot,
  HandoverRequest,
  Snapshot,
} from "../status/index.ts";
import type { CommandContext } from "./command.ts";

/** A change can wait for others; nothing else takes as long. */
const timeoutMs = 30_000;
/** All bounds of an upgrade; the director drops connections that are silent for a minute. */
const upgradeTimeoutMs = 50_000;
/** Connections listed at most, as many as the endpoint gives. */
export const connectionsMax = 10_000;

/** A virtual router after an order. */
export interface HandedOver {
  readonly name: string;
  readonly state: string;
}

/** The process that is the director after an upgrade. */
export interface Upgraded {
  readonly pid: number;
  readonly version: string;
}

/** What was changed. */
export interface Changed {
  readonly changed: readonly { readonly service: string; readonly server: string }[];
  readonly warning?: string | undefined;
}

/**
 * A director that runs.
 *
 * Every method throws an {@link ApplianceError}: `CONTROL_NOT_RUNNING`, `CONTROL_PERMISSION`,
 * `CONTROL_TIMEOUT`, `CONTROL_ANSWER`, or with the code of the director's refusal.
 */
export interface ControlClient {
  snapshot(): Promise<Snapshot>;
  connections(): Promise<readonly ConnectionSnapshot[]>;
  /** The effective configuration, for showing. */
  configuration(): Promise<unknown>;
  change(request: ChangeRequest): Promise<Changed>;
  /** @returns Virtual routers with their state right after the order. */
  handover(request: HandoverRequest): Promise<readonly HandedOver[]>;
  /** @returns A line for each thing that changes. */
  reload(dryRun: boolean): Promise<readonly string[]>;
  /** Has the executable on disk replace the director; settles when it has. */
  upgrade(): Promise<Upgraded>;
}

/** Path of the control socket. */
export function controlPath(environment: CommandContext["environment"]): string {
  const folder = environment["APPLIANCE_RUNTIME_DIR"];
  return `${folder === undefined || folder === "" ? "/run/appliance" : folder}/control.sock`;
}

/** Errno of a failed fetch, as far as it has one. */
function errnoOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

const notRunning: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "ECONNREFUSED"]);

/** Why the director could not be asked. */
function explain(path: string, error: unknown, waitMs: number): ApplianceError {
  const errno = errnoOf(error);
  const options = { cause: error };
  if (notRunning.has(errno)) {
    const message = `Cannot reach the director: none runs here (no answer at ${path})`;
    return new ApplianceError("CONTROL_NOT_RUNNING", message, options);
  }
  if (errno === "EACCES" || errno === "EPERM") {
    const message =
      `Cannot reach the director: no permission for ${path}; ` +
      "root and the group appliance have it";
    return new ApplianceError("CONTROL_PERMISSION", message, options);
  }
  if (error instanceof Error && error.name === "TimeoutError") {
    const message = `Cannot reach the director: no answer within ${waitMs / 1000} s`;
    return new ApplianceError("CONTROL_TIMEOUT", message, options);
  }
  const message = `Cannot talk to the director: ${errorText(error)}`;
  return new ApplianceError("CONTROL_ANSWER", message, options);
}

type JsonObject = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function unexpected(what: string): ApplianceError {
  const message = `Cannot talk to the director: expected ${what}; is it another version?`;
  return new ApplianceError("CONTROL_ANSWER", message);
}

function isSnapshot(value: unknown): value is Snapshot {
  return isObject(value) && value["version"] === 1 && Array.isArray(value["services"]);
}

function isConnections(value: unknown): value is { connections: ConnectionSnapshot[] } {
  return isObject(value) && Array.isArray(value["connections"]);
}

function isChanged(value: unknown): value is Changed {
  return isObject(value) && Array.isArray(value["changed"]);
}

function isHandover(value: unknown): value is { routers: HandedOver[] } {
  return isObject(value) && Array.isArray(value["routers"]);
}

function isUpgraded(value: unknown): value is Upgraded {
  return isObject(value) && typeof value["pid"] === "number";
}

function isPlan(value: unknown): value is { plan: string[] } {
  return isObject(value) && Array.isArray(value["plan"]);
}

/** The body of an answer; a refusal is thrown with the director's code. */
function take(response: Response, text: string): unknown {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw unexpected("JSON");
  }
  if (response.ok) return body;
  if (!isObject(body)) throw unexpected("an error as JSON");
  throw new ApplianceError(String(body["code"]), String(body["message"]));
}

/** A client for the director whose runtime directory the environment names. */
export function createControlClient({
  environment,
  signal,
}: Pick<CommandContext, "environment" | "signal">): ControlClient {
  const path = controlPath(environment);

  const ask = async (
    target: string,
    { waitMs = timeoutMs, ...init }: RequestInit & { readonly waitMs?: number } = {},
  ): Promise<unknown> => {
    let response: Response;
    let text: string;
    try {
      response = await fetch(`http://localhost${target}`, {
        ...init,
        unix: path,
        signal: AbortSignal.any([signal, AbortSignal.timeout(waitMs)]),
      });
      text = await response.text();
    } catch (error) {
      throw explain(path, error, waitMs);
    }
    return take(response, text);
  };
  const post = (target: string, body: unknown, waitMs = timeoutMs): Promise<unknown> =>
    ask(target, {
      waitMs,
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });

  return {
    async snapshot() {
      const body = await ask("/status");
      if (!isSnapshot(body)) throw unexpected("status of version 1");
      return body;
    },
    async connections() {
      const body = await ask(`/connections?limit=${connectionsMax}`);
      if (!isConnections(body)) throw unexpected("connections");
      return body.connections;
    },
    configuration: () => ask("/config"),
    async change(request) {
      const body = await post("/servers/change", request);
      if (!isChanged(body)) throw unexpected("what was changed");
      return body;
    },
    async handover(request) {
      const body = await post("/failover", request);
      if (!isHandover(body)) throw unexpected("virtual routers");
      return body.routers;
    },
    async upgrade() {
      const body = await post("/upgrade", {}, upgradeTimeoutMs);
      if (!isUpgraded(body)) throw unexpected("the new process");
      return body;
    },
    async reload(dryRun) {
      const body = await post("/reload", { dry_run: dryRun });
      if (!isPlan(body)) throw unexpected("a plan");
      return body.plan;
    },
  };
}
