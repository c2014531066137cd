/**
 * `appliance run`: a director in the foreground, until a signal ends it.
 *
 * @module
 */

import { systemClock } from "../clock/index.ts";
import type { LoadedConfig } from "../config/index.ts";
import { ApplianceError, errorText } from "../errors/index.ts";
import type { Snapshot } from "../status/index.ts";
import type { DirectorParts } from "./assembly.ts";
import { watchConfig } from "./config-watch.ts";
import { startDirector } from "./director.ts";
import type { Director } from "./director.ts";
import { directoriesOf } from "./directories.ts";
import { directorExit, exitStatusOf } from "./exit-status.ts";
import type { DirectorExit } from "./exit-status.ts";
import { openLdirectordSession } from "./ldirectord/session.ts";
import type { LdirectordSession, LdirectordStart } from "./ldirectord/session.ts";
import { lockRuntimeDirectory } from "./lock.ts";
import { createLevelLogger, createParts, loadForThisHost } from "./parts.ts";
import { handleSignals } from "./signals.ts";
import { keepTrimmed } from "./trim.ts";
import { meetPredecessor } from "./upgrade/predecessor.ts";
import type { Predecessor } from "./upgrade/predecessor.ts";

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
  /** Set if it is called as ldirectord. Default: in the foreground, by `run`. */
  readonly ldirectord?: LdirectordStart | undefined;
  /**
   * Arguments of the command line that starts the same director anew, for upgrades; undefined: it
   * cannot be replaced while it runs.
   */
  readonly restartArguments?: readonly string[] | undefined;
  /** Called when it accepts connections. */
  readonly onStarted?: ((director: Director) => void) | undefined;
}

/** Stands in while nobody says which build this is. */
const unknownProgram: Snapshot["program"] = { version: "0.0.0", commit: "" };

/** What a director is run to its end with. */
interface Running extends Pick<RunOptions, "signal" | "hangup"> {
  readonly session: LdirectordSession | undefined;
  /** Called when another process has become the director. */
  readonly onReplaced: () => void;
}

/** Runs a started director until it is told to stop, and stops it. */
async function runToTheEnd(
  director: Director,
  { signal, hangup, session, onReplaced }: Running,
): Promise<void> {
  const hurry = new AbortController();
  const { promise: stopped, resolve: stop } = Promise.withResolvers<string>();
  const release = handleSignals({
    stop,
    stopNow: () => hurry.abort(),
    reload: () => {
      session?.hungUp();
      if (hangup === "stop") stop("its terminal is gone");
      else void director.reload("SIGHUP");
    },
    dumpState: () => director.dumpState(),
  });
  const onAbort = (): void => stop("it was interrupted");
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted === true) onAbort();
  try {
    const reason = await Promise.race([stopped, director.replaced]);
    if (reason === undefined) {
      onReplaced();
      return await director.leave(hurry.signal);
    }
    await director.stop(reason, hurry.signal);
    session?.stopped(reason.startsWith("SIG") ? reason.slice("SIG".length) : "INT");
  } finally {
    signal?.removeEventListener("abort", onAbort);
    release();
  }
}

/**
 * ldirectord opens no port of its own, several of them run on one host, and their file has no
 * words for it: the control socket has to do.
 */
function withoutEndpoint(loaded: LoadedConfig): LoadedConfig {
  const { config } = loaded;
  return { ...loaded, config: { ...config, status: { ...config.status, listen: undefined } } };
}

/** Reads the configuration, as this start wants it. */
async function loadFor({ files, ldirectord }: RunOptions): Promise<LoadedConfig> {
  const loaded = await loadForThisHost(files);
  return ldirectord === undefined ? loaded : withoutEndpoint(loaded);
}

function openSession(options: RunOptions, loaded: LoadedConfig): LdirectordSession | undefined {
  const { environment, stdout, stderr, program = unknownProgram } = options;
  const { config, ldirectord } = loaded;
  if (ldirectord === undefined) return undefined;
  return openLdirectordSession({
    run: ldirectord,
    start: options.ldirectord ?? { mode: "run" },
    config,
    version: program.version,
    environment,
    stdout,
    stderr,
  });
}

/** Lets a session see what the director finds out. */
function withSession(parts: DirectorParts, session: LdirectordSession | undefined): DirectorParts {
  if (session === undefined) return parts;
  return {
    ...parts,
    onJudged: (assessments) => session.judged(assessments),
    onRouterState: (name, isActive) => session.routerChanged(name, isActive),
    createHealth(config, onChange, onResult) {
      const health = parts.createHealth(config, onChange, (id, result) => {
        onResult?.(id, result);
        session.checked(id, health.state(id));
      });
      return health;
    },
  };
}

async function run(options: RunOptions, predecessor: Predecessor | undefined): Promise<void> {
  const { files, environment, stderr, program = unknownProgram, onStarted } = options;
  await using stack = new AsyncDisposableStack();
  const watch = await watchConfig(systemClock, files);
  stack.defer(() => watch.close());
  const loaded = await loadFor(options);
  const directories = directoriesOf(environment);
  const lock = predecessor?.lock ?? (await lockRuntimeDirectory(directories.runtime));
  stack.defer(() => lock.release());
  const session = openSession(options, loaded);
  stack.defer(() => session?.close());
  const native = createLevelLogger(loaded.config.director.logLevel, stderr, environment);
  const logger = session?.wrapLogger(native) ?? native;
  session?.tellLoaded(loaded);
  const own = createParts({
    files,
    environment,
    directories,
    logger,
    program,
    lockFd: lock.fd,
    predecessor,
    restartArguments: session === undefined ? options.restartArguments : undefined,
  });
  const parts = withSession({ ...own, load: () => loadFor(options) }, session);
  const director = await startDirector(parts, loaded);
  watch.follow(director, {
    logger,
    hooks: parts.hooks,
    onChange: (file, isReread) => session?.fileChanged(file, isReread),
  });
  const stopTrimming = keepTrimmed(parts.clock);
  stack.defer(stopTrimming);
  onStarted?.(director);
  await runToTheEnd(director, { ...options, session, onReplaced: () => watch.close() });
}

/**
 * Runs a director to its end.
 *
 * @returns Exit status: 0 after a stop, else why it could not start, which stands on stderr.
 */
export async function runDirector(options: RunOptions): Promise<DirectorExit> {
  let predecessor: Predecessor | undefined;
  try {
    predecessor = await meetPredecessor(systemClock, options.environment);
    await run(options, predecessor);
    return directorExit.ok;
  } catch (error) {
    // A bug keeps its stack.
    const isKnown = error instanceof ApplianceError;
    const text = isKnown || !(error instanceof Error) ? errorText(error) : error.stack;
    options.stderr(`appliance: ${text}\n`);
    await predecessor?.fail(error);
    return exitStatusOf(error);
  }
}
