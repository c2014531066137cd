/**
 * Runs one foreign program with bounds.
 *
 * No shell, an environment of its own, no standard input, output cut at a limit, its own process
 * group, which is killed when the program ends or its time is over: what it left behind goes with
 * it, unless starting something is what it is for. Root runs it as the user that the request names.
 * Programs that others can write are refused.
 *
 * @module
 */

import { realpathSync } from "node:fs";

import { errorText } from "../errors/index.ts";
import { readAccount } from "./account.ts";
import { refusalOfProgram, refusalOfScript } from "./program-file.ts";

/** One run. */
export interface ProgramRequest {
  /** Program and arguments. A name without a slash is looked for in {@link searchPath}. */
  readonly command: readonly string[];
  /**
   * Which of the arguments are absolute paths of files that it reads as code: held to the same
   * rules, but to be executable. The program gets them with links followed.
   */
  readonly scripts?: readonly string[];
  /** Everything the program finds in its environment besides PATH. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** More output than this many bytes is read and thrown away. */
  readonly outputBytesMax: number;
  /** Login name it runs as when this process is root; otherwise it runs as this process does. */
  readonly user: string;
  /** Kills the program early, as at its deadline. */
  readonly signal?: AbortSignal;
  /**
   * What it has started goes on when it ends by itself, and may go on writing: nobody looks at that
   * any more. @default false
   */
  readonly leavesProcesses?: boolean;
}

/** What became of it. A program that fails is an answer, not an error. */
export type ProgramResult = { readonly tookMs: number } & (
  | { readonly outcome: "exited"; readonly status: number; readonly output: string }
  | { readonly outcome: "signalled"; readonly signal: string; readonly output: string }
  | { readonly outcome: "timeout"; readonly output: string }
  /** It was not started: missing, not safe to run, no such user, no resources. */
  | { readonly outcome: "refused"; readonly message: string }
);

/** PATH of every program. */
export const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

type Prepared =
  | {
      /** Without links, so that it is the file that was looked at. */
      readonly path: string;
      /** As found: some programs act by the name they are called. */
      readonly name: string;
      readonly arguments: readonly string[];
      readonly uid: number | undefined;
      readonly gid: number | undefined;
    }
  | { readonly refusal: string };

/** Path of the file that `name` stands for, links followed. */
function locate(name: string): { readonly found: string; readonly path: string } | undefined {
  const found = name.includes("/") ? name : Bun.which(name, { PATH: searchPath });
  return found?.startsWith("/") === true ? { found, path: realpathSync(found) } : undefined;
}

/** What `locate` found, if it may be run by somebody with one of these uids. */
function prepareFile(name: string, trustedUids: readonly number[]) {
  try {
    const located = locate(name);
    if (located === undefined) return { refusal: `${name} is not in ${searchPath}` };
    const refusal = refusalOfProgram(located.path, trustedUids);
    return refusal === undefined ? located : { refusal };
  } catch (error) {
    return { refusal: errorText(error) };
  }
}

/** A script with links followed, if somebody with one of these uids may run it. */
function prepareScript(
  script: string,
  trustedUids: readonly number[],
): { readonly path: string } | { readonly refusal: string } {
  if (!script.startsWith("/")) return { refusal: `${script} is no absolute path` };
  try {
    const path = realpathSync(script);
    const refusal = refusalOfScript(path, trustedUids);
    return refusal === undefined ? { path } : { refusal };
  } catch (error) {
    return { refusal: errorText(error) };
  }
}

/** The arguments, scripts among them with links followed. */
function prepareArguments(
  { command, scripts = [] }: ProgramRequest,
  trustedUids: readonly number[],
): readonly string[] | { readonly refusal: string } {
  const prepared: string[] = [];
  for (const argument of command.slice(1)) {
    if (!scripts.includes(argument)) {
      prepared.push(argument);
      continue;
    }
    const script = prepareScript(argument, trustedUids);
    if ("refusal" in script) return script;
    prepared.push(script.path);
  }
  return prepared;
}

/** Finds the program and the account it runs as. */
function prepare(request: ProgramRequest): Prepared {
  const { command, user } = request;
  const ownUid = process.getuid!();
  const account = ownUid === 0 ? readAccount(user) : undefined;
  if (ownUid === 0 && account === undefined) {
    return { refusal: `user ${user} does not exist; create it or set script_user` };
  }
  const trustedUids = [ownUid, account?.uid ?? ownUid];
  const file = prepareFile(command[0] ?? "", trustedUids);
  if ("refusal" in file) return file;
  const own = prepareArguments(request, trustedUids);
  if ("refusal" in own) return own;
  const { path, found: name } = file;
  return { path, name, arguments: own, uid: account?.uid, gid: account?.gid };
}

/** Reads a stream to its end or until `stop`; keeps the first `bytesMax` bytes. */
function collect(stream: ReadableStream<Uint8Array>, bytesMax: number) {
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let keptBytes = 0;
  const read = async (): Promise<void> => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const part = value.subarray(0, bytesMax - keptBytes);
      keptBytes += part.length;
      if (part.length > 0) chunks.push(part);
    }
  };
  return {
    // A stream that breaks has ended.
    ended: read().catch(() => undefined),
    stop: () => reader.cancel().catch(() => undefined),
    text: () => new TextDecoder().decode(Buffer.concat(chunks)),
  };
}

/** Ends a whole process group at once. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // ESRCH: everybody has gone already.
  }
}

/** Output that still stands in the pipe when the program has ended is waited for this long. */
const lastOutputMs = 100;

/**
 * Runs a program to its end, at most `timeoutMs`.
 *
 * Standard output and error come back as one text, in this order. Never rejects.
 */
export async function runProgram(request: ProgramRequest): Promise<ProgramResult> {
  const startedAtMs = performance.now();
  const tookMs = (): number => performance.now() - startedAtMs;
  const prepared = prepare(request);
  if ("refusal" in prepared) {
    return { outcome: "refused", message: prepared.refusal, tookMs: tookMs() };
  }
  let child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  try {
    child = Bun.spawn([prepared.path, ...prepared.arguments], {
      argv0: prepared.name,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      cwd: "/",
      env: { PATH: searchPath, ...request.environment },
      detached: true,
      ...(prepared.uid === undefined ? {} : { uid: prepared.uid, gid: prepared.gid! }),
    });
  } catch (error) {
    return { outcome: "refused", message: errorText(error), tookMs: tookMs() };
  }
  return supervise(child, request, tookMs);
}

/** Waits for the end of a started program, or brings it about. */
async function supervise(
  child: Bun.Subprocess<"ignore", "pipe", "pipe">,
  { timeoutMs, outputBytesMax, signal, leavesProcesses = false }: ProgramRequest,
  tookMs: () => number,
): Promise<ProgramResult> {
  let timedOut = false;
  const onDeadline = (): void => {
    timedOut = true;
    killGroup(child.pid);
  };
  const timer = setTimeout(onDeadline, timeoutMs);
  signal?.addEventListener("abort", onDeadline, { once: true });
  if (signal?.aborted === true) onDeadline();
  const outputs = [collect(child.stdout, outputBytesMax), collect(child.stderr, outputBytesMax)];
  await child.exited;
  clearTimeout(timer);
  signal?.removeEventListener("abort", onDeadline);
  // A child of it may hold the pipe open: it ends now, or has left the group and is not waited for.
  const isAlone = timedOut || !leavesProcesses;
  if (isAlone) killGroup(child.pid);
  const allRead = Promise.all(outputs.map((output) => output.ended));
  await Promise.race([allRead, Bun.sleep(lastOutputMs)]);
  // A pipe that is closed would end what goes on with its next word.
  if (isAlone) for (const output of outputs) void output.stop();
  const output = outputs
    .map((part) => part.text())
    .join("")
    .slice(0, outputBytesMax);
  const facts = { output, tookMs: tookMs() };
  return timedOut ? { outcome: "timeout", ...facts } : { ...endOf(child), ...facts };
}

/** How a program that has ended did so by itself. */
function endOf({ signalCode, exitCode }: Bun.Subprocess) {
  if (signalCode !== null) return { outcome: "signalled", signal: String(signalCode) } as const;
  return { outcome: "exited", status: exitCode ?? -1 } as const;
}
