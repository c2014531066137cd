/**
 * Entry point: arguments to a command, its result to the exit status; nothing else.
 *
 * @module
 */

import { runCli } from "./cli/index.ts";

/** Ends the process once everything printed has left it. */
function exitAfterOutput(status: number): void {
  process.stdout.write("", () => process.stderr.write("", () => process.exit(status)));
}

/** Not at top level: a compiled executable with bytecode cannot wait there. */
async function main(): Promise<void> {
  const interrupt = new AbortController();
  process.on("SIGINT", () => interrupt.abort());
  // A reader that has seen enough, as `head`, is no error.
  process.stdout.on("error", () => process.exit(0));
  const isTerminal = process.stdout.isTTY;
  const noColor = process.env["NO_COLOR"];
  const status = await runCli(process.argv.slice(2), {
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
    environment: process.env,
    isTerminal,
    color: isTerminal && (noColor === undefined || noColor === ""),
    signal: interrupt.signal,
  });
  exitAfterOutput(status);
}

void main();
