/**
 * Starts this program again as a daemon of its own session, and waits until it is up.
 *
 * The daemon holds one end of a pipe as descriptor 3. It writes a mark when it accepts
 * connections, or why it cannot start, and closes it.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs";

import { daemonOption } from "./command-line.ts";

/** Descriptor by which the daemon tells how its start went. */
const reportDescriptor = 3;

/** What the daemon says when it is up; no message for people has it. */
const upMark = "\0up\n";

/** Longest text that is taken from it: a line for each of many faults. */
const textMax = 64 * 1024;

/** A start takes a fraction of a second; one that takes longer than this does not end. */
const startTimeoutMs = 60_000;

/** How a start went. */
export interface StartOutcome {
  readonly isUp: boolean;
  /** Exit status of a daemon that is not up. */
  readonly status: number;
  /** What it had to say. */
  readonly text: string;
}

/** What a daemon is started with. */
export interface DaemonOptions {
  /** Absolute path of the configuration. */
  readonly path: string;
  /** Name of the configuration in pid file and log. */
  readonly name: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Takes what the runtime itself may print, for example at a crash; undefined: nobody. */
  readonly outputFile: string | undefined;
}

/** Program and first words that run this program, compiled or from source. Pure. */
export function ownCommand(
  execPath: string,
  script: string | undefined,
): readonly [string, ...string[]] {
  // The paths of a compiled executable's own files are of no use to another process.
  return script === undefined || script.startsWith("/$bunfs/") ? [execPath] : [execPath, script];
}

function openOutput(file: string | undefined): number | "ignore" {
  if (file === undefined) return "ignore";
  try {
    const { O_WRONLY, O_APPEND, O_CREAT, O_NOCTTY } = constants;
    return openSync(file, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY, 0o644);
  } catch {
    return "ignore";
  }
}

/** Starts the daemon. Resolves when it is up or has ended. */
export async function startDaemon(options: DaemonOptions): Promise<StartOutcome> {
  const { path, name, environment, outputFile } = options;
  const output = openOutput(outputFile);
  const [program, ...first] = ownCommand(process.execPath, process.argv[1]);
  const child = spawn(program, [...first, daemonOption + name, path, "start"], {
    argv0: "ldirectord",
    cwd: "/",
    detached: true,
    env: { ...environment },
    stdio: ["ignore", output, output, "pipe"],
  });
  if (typeof output === "number") closeSync(output);
  const { promise, resolve } = Promise.withResolvers<StartOutcome>();
  let text = "";
  const pipe = child.stdio[reportDescriptor];
  pipe?.on("data", (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-textMax);
    if (!text.endsWith(upMark)) return;
    resolve({ isUp: true, status: 0, text: text.slice(0, -upMark.length) });
  });
  child.once("error", (error) => resolve({ isUp: false, status: 1, text: `${error.message}\n` }));
  // After `exit` the pipe may still hold what it said last; `close` comes when all is read.
  child.once("close", (code) => resolve({ isUp: false, status: code ?? 1, text }));
  const timer = setTimeout(() => {
    child.kill("SIGKILL");
    text += `It did not start within ${startTimeoutMs / 1000} s\n`;
  }, startTimeoutMs);
  const outcome = await promise;
  clearTimeout(timer);
  child.unref();
  pipe?.destroy();
  return outcome;
}

/** The daemon's end of the pipe. */
export interface StartReport {
  /** Something that the one who waits should print. @returns False if nobody waits any more. */
  tell(text: string): boolean;
  /** It is up; nothing can be told from now on. */
  up(): void;
}

/** True if descriptor 3 is what the one who waits has put there, and nothing of the runtime. */
function hasPipe(): boolean {
  try {
    const status = fstatSync(reportDescriptor);
    return status.isSocket() || status.isFIFO();
  } catch {
    return false;
  }
}

/** Opens the daemon's end; without a pipe there it does nothing. */
export function createStartReport(): StartReport {
  let isOpen = hasPipe();
  const tell = (text: string): boolean => {
    if (!isOpen) return false;
    try {
      writeSync(reportDescriptor, text);
      return true;
    } catch {
      // Who waited has gone.
      return false;
    }
  };
  return {
    tell,
    up() {
      tell(upMark);
      if (isOpen) closeSync(reportDescriptor);
      isOpen = false;
    },
  };
}
