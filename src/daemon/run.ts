/**
 * `appliance run`: a director in the foreground, until a signal ends it.
 *
 * @module
 */

import { ApplianceError, errorText } from "../errors/index.ts";
import type { Snapshot } from "../status/index.ts";
import { startDirector } from "./director.ts";
import type { Director } from "./director.ts";
import { directoriesOf } from "./directories.ts";
import { directorExit, exitStatusOf } from "./exit-status.ts";
import type { DirectorExit } from "./exit-status.ts";
import { lockRuntimeDirectory } from "./lock.ts";
import { createLevelLogger, createParts, loadForThisHost } from "./parts.ts";
import { handleSignals } from "./signals.ts";
import { keepTrimmed } from "./trim.ts";

/** What `run` gets from the command line. */
export interface RunOptions {
  /** Configuration files, at least one. */
  readonly files: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Stops the director as SIGTERM does. */
  readonly signal?: AbortSignal | undefined;
  /** Shown in status. */
  readonly program?: Snapshot["program"] | undefined;
  /** What SIGHUP asks for. Default: a reload, as daemons do. */
  readonly hangup?: "reload" | "stop" | undefined;
  /** Called when it accepts connections. */
  readonly onStarted?: ((director: Director) => void) | undefined;
}

/** Stands in while nobody says which build this is. */
const unknownProgram: Snapshot["program"] = { version: "0.0.0", commit: "" };

/** Runs a started director until it is told to stop, and stops it. */
async function runToTheEnd(
  director: Director,
  { signal, hangup }: Pick<RunOptions, "signal" | "hangup">,
): Promise<void> {
  const hurry = new AbortController();
  const { promise: stopped, resolve: stop } = Promise.withResolvers<string>();
  const release = handleSignals({
    stop,
    stopNow: () => hurry.abort(),
    reload: () => {
      if (hangup === "stop") stop("its terminal is gone");
      else void director.reload("SIGHUP");
    },
    dumpState: () => director.dumpState(),
  });
  const onAbort = (): void => stop("it was interrupted");
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted === true) onAbort();
  try {
    await director.stop(await stopped, hurry.signal);
  } finally {
    signal?.removeEventListener("abort", onAbort);
    release();
  }
}

async function run(options: RunOptions): Promise<void> {
  const { files, environment, stderr, program = unknownProgram, onStarted } = options;
  const loaded = await loadForThisHost(files);
  const directories = directoriesOf(environment);
  const lock = await lockRuntimeDirectory(directories.runtime);
  try {
    const logger = createLevelLogger(loaded.config.director.logLevel, stderr, environment);
    const parts = createParts({ files, environment, directories, logger, program });
    const director = await startDirector(parts, loaded);
    const stopTrimming = keepTrimmed(parts.clock);
    try {
      onStarted?.(director);
      await runToTheEnd(director, options);
    } finally {
      stopTrimming();
    }
  } finally {
    lock.release();
  }
}

/**
 * Runs a director to its end.
 *
 * @returns Exit status: 0 after a stop, else why it could not start, which stands on stderr.
 */
export async function runDirector(options: RunOptions): Promise<DirectorExit> {
  try {
    await run(options);
    return directorExit.ok;
  } catch (error) {
    // A bug keeps its stack.
    const isKnown = error instanceof ApplianceError;
    const text = isKnown || !(error instanceof Error) ? errorText(error) : error.stack;
    options.stderr(`appliance: ${text}\n`);
    return exitStatusOf(error);
  }
}
