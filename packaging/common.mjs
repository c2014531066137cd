/**
 * What the scripts of packaging/ and .ci/ share. Plain Node 20 without dependencies: they run
 * before anything is installed.
 *
 * @module
 */
import { spawn, spawnSync } from "node:child_process";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

/** The tree this script belongs to, without a slash at its end. */
export const root = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");

/** A failure the user can mend: printed as one line, without a stack. */
export class SetupError extends Error {
  name = "SetupError";
}

/** Runs `main` and ends with its status, or with 1 and the message of a {@link SetupError}. */
export async function runMain(main) {
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}

/** True if `url` is the module that node was started with. */
export function isMain(url) {
  return process.argv[1] === fileURLToPath(url);
}

/** Output of a program, or undefined if it cannot be started or fails. */
export function capture(command, args) {
  const { status, stdout } = spawnSync(command, args, { cwd: root, encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

/** What a user or a service manager sends to end or reload a program. */
const signals = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * Runs a program with this one's terminal, passes signals on, and resolves with its exit status
 * (128 + number if a signal ended it, as a shell does).
 *
 * Ctrl-C in a terminal reaches the child by itself, since it is in the same process group; sending
 * it again would look like the second one, which ends a director at once.
 */
export function runForeground(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    let child;
    const forward = (signal) => {
      const reachedByItself = signal === "SIGINT" && process.stdin.isTTY === true;
      if (!reachedByItself) child?.kill(signal);
    };
    // Before the child is there: it may be told to end by whoever hears its first word.
    for (const signal of signals) process.on(signal, forward);
    child = spawn(command, args, { stdio: "inherit", ...options });
    const done = () => {
      for (const signal of signals) process.off(signal, forward);
    };
    child.on("error", (error) => {
      done();
      reject(new SetupError(`Cannot start ${command}: ${error.message}`));
    });
    child.on("exit", (status, signal) => {
      done();
      resolve(signal === null ? status : 128 + (constants.signals[signal] ?? 0));
    });
  });
}
