/**
 * External checks (`checktype=external`, `external-perl`): up if a program of the user, or a script
 * in Perl, exits with status 0.
 *
 * The program gets its own arguments, then virtual address, virtual port, real server address and
 * port, as ldirectord hands them over. How it is run, and what is refused, is the business of
 * src/process.
 *
 * ldirectord makes a script in Perl a function of its own process. Here it is a program like any
 * other; `do` keeps what only such a script may: return, and need no right to be executed.
 *
 * @module
 */

import type { Clock } from "../clock/index.ts";
import { runProgram } from "../process/index.ts";
import type { ProgramResult } from "../process/index.ts";
import type { Check, CheckTarget } from "./check.ts";
import { timedOut } from "./connector.ts";
import { down, printable, up } from "./failure.ts";
import type { Failure } from "./failure.ts";

/** What an external check needs. */
export interface ExternalCheckOptions {
  readonly clock: Clock;
  readonly type: "external" | "external-perl";
  /** Program, or script, and arguments. */
  readonly command: readonly string[];
  /** Login name it runs as when this process is root. */
  readonly scriptUser: string;
  /** Ends the program early when the runner closes. */
  readonly signal: AbortSignal;
}

/** Output kept, for the reason shown. */
const outputBytesMax = 4096;

/** Texts of a program that could not be started for want of something the director lacks. */
const lacksResources = /\b(?:EMFILE|ENFILE|EAGAIN|ENOMEM)\b/;

/** Runs the script that is its first argument, with the others as the script's own. */
const perlRunner = [
  "$0 = shift;",
  'unless (-r $0) { print STDERR "cannot read $0\n"; exit 2 }',
  "do $0;",
  "if ($@) { print STDERR $@; exit 255 }",
  "exit 0;",
].join(" ");

/** What is started, and the files that are as good as programs. */
function programOf({ type, command }: Pick<ExternalCheckOptions, "type" | "command">) {
  if (type === "external") return { command, scripts: [] };
  return { command: ["perl", "-e", perlRunner, "--", ...command], scripts: command.slice(0, 1) };
}

function programArguments(target: CheckTarget): readonly string[] {
  const { virtualAddress, virtualPort, address, port } = target;
  return [virtualAddress, String(virtualPort), address, String(port)];
}

/** The first line a program printed, after `what`. */
function withOutput(what: string, output: string): string {
  const line = output.trim().split("\n")[0]!;
  return printable(line === "" ? what : `${what}: ${line}`);
}

/** What the end of a program says; undefined: up. */
export function judgeProgram(result: ProgramResult): Failure | undefined {
  switch (result.outcome) {
    case "exited":
      if (result.status === 0) return undefined;
      return { reason: "exit-status", detail: withOutput(`exit ${result.status}`, result.output) };
    case "signalled":
      return { reason: "exit-status", detail: withOutput(result.signal, result.output) };
    case "timeout":
      return { reason: "timeout", detail: withOutput("killed at the deadline", result.output) };
    case "refused": {
      const reason = lacksResources.test(result.message) ? "no-resources" : "not-permitted";
      return { reason, detail: printable(result.message) };
    }
  }
}

/** Creates an external check. */
export function createExternalCheck(options: ExternalCheckOptions): Check {
  const { clock, scriptUser: user, signal } = options;
  const { command, scripts } = programOf(options);
  return {
    name: options.type,
    async run(target, timeoutMs) {
      const startedAtMs = clock.nowMs();
      const deadline = { atMs: startedAtMs + timeoutMs, limitMs: timeoutMs };
      const { promise: late, resolve } = Promise.withResolvers<Failure>();
      // A program in uninterruptible sleep outlives its kill; the check does not wait for it.
      const timer = clock.after(timeoutMs, () => resolve(timedOut("no end", deadline)));
      const ended = runProgram({
        command: [...command, ...programArguments(target)],
        scripts,
        timeoutMs,
        outputBytesMax,
        user,
        signal,
      }).then(judgeProgram);
      const failure = await Promise.race([ended, late]);
      timer.cancel();
      const tookMs = clock.nowMs() - startedAtMs;
      return failure === undefined ? up(tookMs) : down(tookMs, failure);
    },
  };
}
