/**
 * Monitor files: a line for each check of the services that have one.
 *
 * Lines wait a moment and are appended together; the file is opened anew each time, so that
 * logrotate(8) may move it away. A file that cannot be written, or not fast enough, costs lines
 * and nothing else.
 *
 * @module
 */

import { constants } from "node:fs";
import { open } from "node:fs/promises";

import type { CheckResult } from "../check/index.ts";
import type { Clock, Timer } from "../clock/index.ts";
import { errorText } from "../errors/index.ts";
import type { Logger } from "../log/index.ts";
import type { RealServer, VirtualService } from "../model/index.ts";
import { monitorLine } from "./monitor-line.ts";
import { configuredKey, serverId } from "./server-id.ts";

/** Lines of this time are written together. */
const gatherMs = 200;

/** Lines that wait for one file; a director with so many checks in the time of a slow disk. */
const waitingMax = 10_000;

/** Appends text to a file, which it makes if it is not there. @throws {Error} if it cannot. */
export type AppendText = (path: string, text: string) => Promise<void>;

/** See the module's head. */
export interface MonitorFiles {
  /** Writes for these services from now on. */
  apply(services: readonly VirtualService[]): void;
  /** Notes the result of a check. */
  note(id: string, result: CheckResult): void;
  /** Notes that a server is down without having been asked. */
  noteDown(id: string, message: string): void;
  /** Writes what waits; settles when it is written. */
  close(): Promise<void>;
}

/** What it works with. */
export interface MonitorFileOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly append: AppendText;
  readonly addressOf: (host: string) => string | undefined;
  readonly pid: number;
}

interface Target {
  readonly service: VirtualService;
  readonly server: RealServer;
  readonly path: string;
}

interface Waiting {
  lines: string[];
  lost: number;
  /** Lines gather as long as it runs. */
  timer: Timer | undefined;
  running: Promise<void> | undefined;
  /** Why it could not be written the last time; told once. */
  fault: string | undefined;
}

/** Appends to a file of this host; never waits for the reader of a pipe. */
export async function appendText(path: string, text: string): Promise<void> {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK, O_NOCTTY } = constants;
  const file = await open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY, 0o644);
  try {
    await file.appendFile(text);
  } finally {
    await file.close();
  }
}

/** The servers whose checks have a file, by {@link serverId}. */
function targetsOf(services: readonly VirtualService[]): ReadonlyMap<string, Target> {
  const targets = new Map<string, Target>();
  for (const service of services) {
    const { monitorFile: path, name } = service;
    if (path === undefined) continue;
    for (const server of service.realServers) {
      const id = serverId({ service: name, server: configuredKey(server) });
      targets.set(id, { service, server, path });
    }
  }
  return targets;
}

/** Monitor files of no service. */
export function createMonitorFiles(options: MonitorFileOptions): MonitorFiles {
  return new Files(options);
}

class Files implements MonitorFiles {
  readonly #options: MonitorFileOptions;
  #targets: ReadonlyMap<string, Target> = new Map();
  readonly #waitingByPath = new Map<string, Waiting>();

  constructor(options: MonitorFileOptions) {
    this.#options = options;
  }

  apply(services: readonly VirtualService[]): void {
    this.#targets = targetsOf(services);
    const used = new Set([...this.#targets.values()].map(({ path }) => path));
    for (const [path, { lines, running }] of this.#waitingByPath) {
      const isIdle = lines.length === 0 && running === undefined;
      if (isIdle && !used.has(path)) this.#waitingByPath.delete(path);
    }
  }

  note(id: string, result: CheckResult): void {
    this.#add(id, result.up, result.up ? "" : result.detail);
  }

  noteDown(id: string, message: string): void {
    this.#add(id, false, message);
  }

  async close(): Promise<void> {
    this.#targets = new Map();
    const left = [...this.#waitingByPath].map(([path, waiting]) => {
      waiting.timer?.cancel();
      return waiting.running ?? this.#drain(path, waiting);
    });
    await Promise.all(left);
  }

  #add(id: string, isUp: boolean, message: string): void {
    const target = this.#targets.get(id);
    if (target === undefined) return;
    const { clock, addressOf, pid } = this.#options;
    const { service, server, path } = target;
    const waiting = this.#waitingFor(path);
    if (waiting.lines.length >= waitingMax) {
      waiting.lost += 1;
      return;
    }
    const address = addressOf(server.host) ?? server.host;
    const atMs = clock.wallMs();
    waiting.lines.push(monitorLine({ service, server, address, isUp, message, atMs, pid }));
    if (waiting.timer !== undefined || waiting.running !== undefined) return;
    waiting.timer = clock.after(gatherMs, () => {
      waiting.timer = undefined;
      waiting.running = this.#drain(path, waiting);
    });
  }

  #waitingFor(path: string): Waiting {
    let waiting = this.#waitingByPath.get(path);
    if (waiting === undefined) {
      waiting = { lines: [], lost: 0, timer: undefined, running: undefined, fault: undefined };
      this.#waitingByPath.set(path, waiting);
    }
    return waiting;
  }

  async #drain(path: string, waiting: Waiting): Promise<void> {
    while (waiting.lines.length > 0) await this.#write(path, waiting);
    waiting.running = undefined;
  }

  async #write(path: string, waiting: Waiting): Promise<void> {
    const { logger, append } = this.#options;
    const { lines, lost } = waiting;
    waiting.lines = [];
    waiting.lost = 0;
    if (lost > 0) logger.log("warning", "monitor-file", { path, lost });
    try {
      await append(path, lines.join(""));
      waiting.fault = undefined;
    } catch (error) {
      const reason = errorText(error);
      if (reason !== waiting.fault) logger.log("warning", "monitor-file", { path, reason });
      waiting.fault = reason;
    }
  }
}
