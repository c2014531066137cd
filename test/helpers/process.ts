/**
 * Programs started by tests and benchmarks: ended with their owner, by process id and nothing else.
 *
 * @module
 */
import { waitFor, waitTimeoutMs } from "./wait.ts";

/** Output kept of one program; older output is dropped, so that a chatty one cannot fill memory. */
const outputCharsMax = 256 * 1024;
/** A program that ignores SIGTERM for this long is killed. */
const stopTimeoutMs = 5_000;

const running = new Set<Bun.Subprocess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Has a program killed if this process ends before it does. @returns the same program. */
export function endWithThisProcess<Child extends Bun.Subprocess>(child: Child): Child {
  running.add(child);
  void child.exited.then(() => running.delete(child));
  return child;
}

/** What {@link startProcess} and {@link runProcess} may be told. */
export interface ProcessOptions {
  /** Added to this process's environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Working directory. */
  readonly cwd?: string;
}

function spawn(
  command: readonly string[],
  { env, cwd }: ProcessOptions,
): Bun.Subprocess<"ignore", "pipe", "pipe"> {
  return endWithThisProcess(
    Bun.spawn([...command], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      // The flag of the test run would end guards and daemons with the process that started them.
      env: { ...process.env, BUN_FEATURE_FLAG_NO_ORPHANS: undefined, ...env },
      ...(cwd === undefined ? {} : { cwd }),
    }),
  );
}

/** A running program. `await using` ends it, also when the test fails. */
export interface StartedProcess extends AsyncDisposable {
  readonly pid: number;
  /** The end of what it wrote to stdout and stderr, in the order of arrival. */
  output(): string;
  /** Its exit status once it ended; 128 + number of the signal that ended it. */
  readonly exited: Promise<number>;
  /**
   * Waits until its output matches.
   *
   * @throws {Error} with the output if it ended before, or at the deadline.
   */
  waitForOutput(pattern: RegExp, timeoutMs?: number): Promise<RegExpMatchArray>;
  /** Sends a signal; nothing happens if it has ended. */
  kill(signal: NodeJS.Signals): void;
  /** Ends it: SIGTERM, after 5 s SIGKILL. */
  stop(): Promise<number>;
}

/** Starts a program and goes on. */
export function startProcess(
  command: readonly string[],
  options: ProcessOptions = {},
): StartedProcess {
  const child = spawn(command, options);
  let output = "";
  const collect = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      output = (output + decoder.decode(chunk, { stream: true })).slice(-outputCharsMax);
    }
  };
  const collected = Promise.all([collect(child.stdout), collect(child.stderr)]);
  const ended = (): boolean => child.exitCode !== null || child.signalCode !== null;

  const stop = async (): Promise<number> => {
    if (!ended()) child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), stopTimeoutMs);
    const status = await child.exited;
    clearTimeout(timer);
    return status;
  };
  return {
    pid: child.pid,
    output: () => output,
    exited: child.exited,
    async waitForOutput(pattern, timeoutMs = waitTimeoutMs) {
      const what = `${pattern} in the output of ${command.join(" ")}`;
      const find = (): RegExpMatchArray | undefined => output.match(pattern) ?? undefined;
      try {
        return await waitFor(
          async () => {
            const wasRunning = !ended();
            if (!wasRunning) await collected;
            const found = find();
            if (found === undefined && !wasRunning) throw new Error(`${what}: it ended before`);
            return found;
          },
          { what, timeoutMs },
        );
      } catch (error) {
        throw new Error(`${String(error)}\n${output}`, { cause: error });
      }
    },
    kill(signal) {
      if (!ended()) child.kill(signal);
    },
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}

/** What a program left behind. */
export interface FinishedProcess {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. */
export async function runProcess(
  command: readonly string[],
  options: ProcessOptions = {},
): Promise<FinishedProcess> {
  const child = spawn(command, options);
  const [stdout, stderr, status] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { status, stdout, stderr };
}
