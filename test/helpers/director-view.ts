/**
 * A running director as its operator sees it: status, metrics and commands, all by way of the
 * control socket, which is reached from outside a network namespace too.
 *
 * @module
 */
import { join } from "node:path";

import type { ServerSnapshot, ServiceSnapshot, Snapshot } from "../../src/status/index.ts";
import { runProcess, startProcess } from "./process.ts";
import type { FinishedProcess, StartedProcess } from "./process.ts";
import { executablePath } from "./require-peer.ts";
import { waitFor } from "./wait.ts";
import type { WaitOptions } from "./wait.ts";

/** Variables by which the command line finds a director. */
export interface DirectorEnvironment extends Readonly<Record<string, string>> {
  readonly APPLIANCE_RUNTIME_DIR: string;
  readonly APPLIANCE_STATE_DIR: string;
}

/** As much of a director as is needed to find it. */
export interface DirectorPlace {
  readonly environment: DirectorEnvironment;
}

/** An answer of the status endpoint. */
export interface DirectorAnswer {
  readonly status: number;
  readonly text: string;
}

/** Asks by the control socket; undefined if nobody answers there. */
export async function askDirector(
  { environment }: DirectorPlace,
  path: string,
): Promise<DirectorAnswer | undefined> {
  const unix = join(environment.APPLIANCE_RUNTIME_DIR, "control.sock");
  try {
    const answer = await fetch(`http://localhost${path}`, { unix, keepalive: false });
    return { status: answer.status, text: await answer.text() };
  } catch {
    return undefined;
  }
}

async function read(director: DirectorPlace, path: string): Promise<string> {
  const answer = await askDirector(director, path);
  if (answer?.status !== 200) throw new Error(`Cannot read ${path}: ${answer?.text}`);
  return answer.text;
}

/** The state of everything. */
export async function readSnapshot(director: DirectorPlace): Promise<Snapshot> {
  return JSON.parse(await read(director, "/status")) as Snapshot;
}

/** Value of one sample of `/metrics`, named as it stands there; undefined if it is not there. */
export async function readMetric(
  director: DirectorPlace,
  sample: string,
): Promise<number | undefined> {
  const lines = (await read(director, "/metrics")).split("\n");
  const line = lines.find((text) => text.startsWith(`${sample} `));
  return line === undefined ? undefined : Number(line.slice(sample.length + 1));
}

/** Hands addresses over as the commands do, without the time that a program takes to start. */
export async function postHandover(
  { environment }: DirectorPlace,
  action: "standby" | "takeover",
): Promise<DirectorAnswer> {
  const unix = join(environment.APPLIANCE_RUNTIME_DIR, "control.sock");
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ action });
  const request = { method: "POST", unix, keepalive: false, headers, body } as const;
  const answer = await fetch("http://localhost/failover", request);
  return { status: answer.status, text: await answer.text() };
}

/** One service; the only one without a name. */
export async function readService(
  director: DirectorPlace,
  name?: string,
): Promise<ServiceSnapshot> {
  const { services } = await readSnapshot(director);
  const found = services.find((service) => name === undefined || service.name === name);
  if (found === undefined) throw new Error(`No service ${name}`);
  return found;
}

/** One real server of the first service that has it. */
export async function readServer(director: DirectorPlace, key: string): Promise<ServerSnapshot> {
  const { services } = await readSnapshot(director);
  const servers = services.flatMap(({ realServers }) => realServers);
  const found = servers.find((server) => server.key === key);
  if (found === undefined) throw new Error(`No real server ${key}`);
  return found;
}

/** Waits until a real server is as wanted; its state then. */
export async function waitForServer(
  director: DirectorPlace,
  key: string,
  isMeant: (server: ServerSnapshot) => boolean,
): Promise<ServerSnapshot> {
  let last: ServerSnapshot | undefined;
  const find = async (): Promise<ServerSnapshot | undefined> => {
    last = await readServer(director, key);
    return isMeant(last) ? last : undefined;
  };
  try {
    return await waitFor(find, { what: `real server ${key}: ${String(isMeant)}` });
  } catch (error) {
    throw new Error(`${String(error)}\n${JSON.stringify(last)}`, { cause: error });
  }
}

/** Waits until a real server is up or down. */
export function waitForHealth(
  director: DirectorPlace,
  key: string,
  health: ServerSnapshot["health"],
): Promise<ServerSnapshot> {
  return waitForServer(director, key, (server) => server.health === health);
}

/** Waits until the first service is as wanted; its state then. */
export async function waitForService(
  director: DirectorPlace,
  isMeant: (service: ServiceSnapshot) => boolean,
  options: Partial<WaitOptions> = {},
): Promise<ServiceSnapshot> {
  let last: ServiceSnapshot | undefined;
  const find = async (): Promise<ServiceSnapshot | undefined> => {
    last = await readService(director);
    return isMeant(last) ? last : undefined;
  };
  try {
    return await waitFor(find, { what: `service: ${String(isMeant)}`, ...options });
  } catch (error) {
    throw new Error(`${String(error)}\n${JSON.stringify(last)}`, { cause: error });
  }
}

/** Runs a command of the built executable for this director. */
export function runCommand(
  { environment }: DirectorPlace,
  ...args: readonly string[]
): Promise<FinishedProcess> {
  return runProcess([executablePath, ...args], { env: environment });
}

/** Starts such a command and goes on. */
export function startCommand(
  { environment }: DirectorPlace,
  ...args: readonly string[]
): StartedProcess {
  return startProcess([executablePath, ...args], { env: environment });
}
