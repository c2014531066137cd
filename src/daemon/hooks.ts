/**
 * Programs that tell the rest of the world of a service: quorum_up and quorum_down,
 * on_service_up and on_service_down.
 *
 * One at a time for each service, in the order of what happened, with a deadline; a program that
 * hangs delays only the programs of its own service.
 *
 * @module
 */

import { errorText } from "../errors/index.ts";
import type { Logger } from "../log/index.ts";
import type { ProgramRequest, ProgramResult } from "../process/index.ts";

/** Killed with its children after this time. */
export const hookTimeoutMs = 10_000;

/** Output beyond it is thrown away; it goes to the log. */
const outputBytesMax = 1024;

/** Waiting programs of one service; beyond it the oldest goes, since the newest state counts. */
const waitingMax = 16;

/** One program to be run. */
export interface Hook {
  /** Empty: it is about the director itself. */
  readonly service: string;
  /** For example `quorum_up`, as the configuration calls it. */
  readonly name: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Login name it runs as if the director is root. */
  readonly user: string;
}

/** Runs hooks in the background. */
export interface HookRunner {
  enqueue(hook: Hook): void;
  /** Settles when nothing runs and nothing waits. */
  idle(): Promise<void>;
  /** Drops what waits and kills what runs, with its children. Nothing is run after it. */
  abandon(): void;
}

/** What the runner needs. */
export interface HookRunnerOptions {
  readonly logger: Logger;
  readonly run: (request: ProgramRequest) => Promise<ProgramResult>;
}

/** One line about a run that did not go well; undefined if it did. */
function complaint(result: ProgramResult): string | undefined {
  switch (result.outcome) {
    case "exited":
      return result.status === 0 ? undefined : `exit status ${result.status}`;
    case "signalled":
      return `died of ${result.signal}`;
    case "timeout":
      return `killed after ${hookTimeoutMs / 1000} s`;
    case "refused":
      return result.message;
  }
}

/** A runner with nothing to do. */
export function createHookRunner({ logger, run }: HookRunnerOptions): HookRunner {
  const waitingByService = new Map<string, Hook[]>();
  const running = new Map<string, Promise<void>>();
  const abandoned = new AbortController();

  const runOne = async (hook: Hook): Promise<void> => {
    const { command, environment, user, service, name } = hook;
    const result = await run({
      command,
      environment,
      user,
      timeoutMs: hookTimeoutMs,
      outputBytesMax,
      signal: abandoned.signal,
    });
    const problem = complaint(result);
    logger.log(problem === undefined ? "info" : "warning", "hook", {
      service: service === "" ? undefined : service,
      hook: name,
      program: command[0],
      problem,
      output: "output" in result && result.output !== "" ? result.output.trim() : undefined,
      took_ms: Math.round(result.tookMs),
    });
  };

  const work = async (service: string, waiting: Hook[]): Promise<void> => {
    for (let hook = waiting.shift(); hook !== undefined; hook = waiting.shift()) {
      try {
        await runOne(hook);
      } catch (error) {
        logger.log("error", "hook", { service, hook: hook.name, problem: errorText(error) });
      }
    }
    waitingByService.delete(service);
    running.delete(service);
  };

  return {
    enqueue(hook) {
      if (abandoned.signal.aborted) return;
      const { service, name } = hook;
      let waiting = waitingByService.get(service);
      if (waiting === undefined) {
        waiting = [];
        waitingByService.set(service, waiting);
      }
      waiting.push(hook);
      if (waiting.length > waitingMax) {
        const dropped = waiting.shift()!;
        logger.log("warning", "hook", { service, hook: dropped.name, problem: "too many wait" });
      }
      if (!running.has(service)) running.set(service, work(service, waiting));
      logger.log("debug", "hook-queued", { service, hook: name, waiting: waiting.length });
    },
    async idle() {
      while (running.size > 0) await Promise.all(running.values());
    },
    abandon() {
      for (const waiting of waitingByService.values()) waiting.length = 0;
      abandoned.abort();
    },
  };
}
