/**
 * Entry point: arguments to a command, its result to the exit status; nothing else.
 *
 * @module
 */

import type { ExitStatus } from "./cli/index.ts";

/** EX_SOFTWARE of sysexits.h(3): what was asked for could not be told. */
const outputFailed = 70;

/** What became of stdout. */
type OutputState = "open" | "unread" | "failed";

/** Follows stdout: when nobody reads any more, as after `head`, `onUnread` is called once. */
function watchOutput(onUnread: () => void): () => OutputState {
  let state: OutputState = "open";
  process.stdout.on("error", (error) => {
    if (state !== "open") return;
    state = "code" in error && error.code === "EPIPE" ? "unread" : "failed";
    onUnread();
  });
  // A director goes on when nobody takes its log any more.
  process.stderr.on("error", () => undefined);
  return () => state;
}

/**
 * Ends the process once everything printed has left it. `end` and not an empty `write`: the
 * callback of that comes before the bytes are gone.
 */
function exitAfterOutput(status: ExitStatus, output: OutputState): void {
  if (output === "failed") process.exit(outputFailed);
  if (output === "unread") process.exit(status);
  process.stdout.end(() => process.stderr.end(() => process.exit(status)));
}

/** Not at top level: a compiled executable with bytecode cannot wait there. */
async function main(): Promise<void> {
  const { runCli } = await import("./cli/index.ts");
  const interrupt = new AbortController();
  process.on("SIGINT", () => interrupt.abort());
  const outputState = watchOutput(() => interrupt.abort());
  const isTerminal = process.stdout.isTTY;
  const noColor = process.env["NO_COLOR"];
  const context = {
    stdout: (text: string) => void process.stdout.write(text),
    stderr: (text: string) => void process.stderr.write(text),
    environment: process.env,
    isTerminal,
    color: isTerminal && (noColor === undefined || noColor === ""),
    signal: interrupt.signal,
  };
  const status = await runCli(process.argv.slice(2), context, process.argv0);
  exitAfterOutput(status, outputState());
}

/**
 * The guard is this program too, started by the director: it loads its own part and nothing else,
 * and blocks at once.
 */
async function mainGuard(): Promise<void> {
  const { runGuard } = await import("./failover/index.ts");
  process.exit(runGuard((text) => void process.stderr.write(`${text}\n`)));
}

void (process.argv[2] === "guard" && process.argv.length === 3 ? mainGuard() : main());
