/**
 * The programs of one virtual router that run where its addresses are: one at a time, each with a
 * deadline, started in their order and stopped in the opposite one.
 *
 * Facts: what Heartbeat 2.1 and 3.0 ask of the scripts of haresources. A script that is called with
 * `status` says that it runs by the word "running" or "OK" in what it prints; its exit status does
 * not count. One that runs is not started again. What is wanted may change at any time; a pass ends
 * with the script that is at work, and the next one begins with what is wanted then.
 *
 * @module
 */

import type { Clock } from "../clock/index.ts";
import type { ProgramRequest, ProgramResult } from "../process/index.ts";

/** What a resource is doing. */
export type ResourceState =
  /** Nothing is known yet. */
  "unknown" | "starting" | "running" | "stopping" | "stopped" | "failed";

/** One resource, for status and metrics. */
export interface ResourceView {
  /** Path of the program, without its arguments: they may be secret. Unlike those beside it. */
  readonly name: string;
  readonly state: ResourceState;
  /** Why it is not as wanted; empty if it is. */
  readonly reason: string;
  /** Starts and stops that failed. */
  readonly failures: number;
}

/** A change of a resource, ready to be told. */
export interface ResourceNews {
  readonly level: "info" | "warning" | "error";
  readonly text: string;
}

/** What a group works with. */
export interface ResourceGroupOptions {
  /** Name of the virtual router. */
  readonly router: string;
  readonly clock: Clock;
  readonly run: (request: ProgramRequest) => Promise<ProgramResult>;
  readonly tell: (news: ResourceNews) => void;
}

type Verb = "start" | "status" | "stop";

/** Resource scripts mount file systems and recover databases; a hang must end all the same. */
const timeoutMs: Readonly<Record<Verb, number>> = { start: 60_000, status: 10_000, stop: 60_000 };
/** Attempts to stop, as Heartbeat makes several; here nothing is rebooted after the last. */
const stopAttemptsMax = 3;
/** Between two attempts. */
const stopPauseMs = 1000;
/** What a script prints beyond it is thrown away. */
const outputBytesMax = 4096;
/** Of its output in a message. */
const outputShownMax = 200;
/** As Heartbeat ran them: they mount, and start services. */
const user = "root";

interface Member {
  readonly command: readonly string[];
  readonly name: string;
  state: ResourceState;
  reason: string;
  failures: number;
}

/** True if the output of `status` says that it runs. Pure. */
export function saysRunning(output: string): boolean {
  return /[Rr]unning|OK/.test(output) && !/not [^]*running/i.test(output);
}

/** Why a call did not do what it should; undefined if it did. Pure. */
function complaint(result: ProgramResult, verb: Verb): string | undefined {
  switch (result.outcome) {
    case "exited":
      if (result.status === 0) return undefined;
      return withOutput(`exit status ${result.status}`, result.output);
    case "signalled":
      return withOutput(`it died of ${result.signal}`, result.output);
    case "timeout":
      return withOutput(`it was killed after ${timeoutMs[verb] / 1000} s`, result.output);
    case "refused":
      return result.message;
  }
}

/** With the last line that it printed, which says why. */
function withOutput(what: string, output: string): string {
  const lines = output.replaceAll(/[^\P{C}\n]/gu, "?").split("\n");
  const last = lines.findLast((line) => line.trim() !== "")?.trim() ?? "";
  return last === "" ? what : `${what}, ${last.slice(0, outputShownMax)}`;
}

/** See the module's head. At first nothing is wanted to run, and what does is stopped. */
export class ResourceGroup {
  readonly #options: ResourceGroupOptions;
  readonly #abort = new AbortController();
  #members: Member[] = [];
  /** Members of before a reload that must still be stopped. */
  #leaving: Member[] = [];
  #isWanted = false;
  /** Number of the last change of what is wanted. */
  #asked = 0;
  #work: Promise<void> | undefined;

  constructor(options: ResourceGroupOptions) {
    this.#options = options;
  }

  /** Takes these programs for the wanted ones; those that were there are left alone. */
  apply(commands: readonly (readonly string[])[]): void {
    const keyOf = (command: readonly string[]): string => JSON.stringify(command);
    const before = this.#members;
    if (keyOf(commands.flat()) === keyOf(before.flatMap(({ command }) => command))) return;
    const old = new Map(before.map((member) => [keyOf(member.command), member]));
    const names = new Set<string>();
    this.#members = commands.map((command) => {
      const name = freeName(command[0]!, names);
      const known = old.get(keyOf(command));
      old.delete(keyOf(command));
      const { state = "unknown", reason = "", failures = 0 } = known ?? {};
      return { command, name, state, reason, failures };
    });
    this.#leaving.push(...old.values());
    this.#ask();
  }

  /** Says whether they should run. */
  want(isWanted: boolean): void {
    if (this.#isWanted === isWanted) return;
    this.#isWanted = isWanted;
    this.#ask();
  }

  /** Settles when everything is as wanted, or has failed to be. */
  async settled(): Promise<void> {
    await this.#work;
  }

  /** Kills what is at work; nothing is run any more. */
  abandon(): void {
    this.#abort.abort();
  }

  views(): readonly ResourceView[] {
    return this.#members.map(({ name, state, reason, failures }) => {
      return { name, state, reason, failures };
    });
  }

  #ask(): void {
    this.#asked += 1;
    this.#work ??= this.#turn();
  }

  async #turn(): Promise<void> {
    for (let done = 0; done !== this.#asked && !this.#abort.signal.aborted;) {
      done = this.#asked;
      await this.#stopAll(this.#leaving.splice(0), () => false);
      const isOver = (): boolean => done !== this.#asked || this.#abort.signal.aborted;
      if (this.#isWanted) await this.#startAll(isOver);
      else await this.#stopAll(this.#members, isOver);
    }
    this.#work = undefined;
  }

  async #startAll(isOver: () => boolean): Promise<void> {
    let failed: Member | undefined;
    for (const member of this.#members) {
      if (isOver()) return;
      if (failed === undefined) {
        if (!(await this.#start(member))) failed = member;
      } else if (member.state !== "running") {
        member.state = "stopped";
        member.reason = `${failed.name}, which stands before it, did not start`;
      }
    }
  }

  /** @returns False if it does not run. */
  async #start(member: Member): Promise<boolean> {
    member.state = "starting";
    if (await this.#isRunning(member)) {
      settle(member, "running");
      return true;
    }
    const problem = complaint(await this.#call(member, "start"), "start");
    if (problem === undefined) {
      settle(member, "running");
      this.#tell("info", `${member.name} was started`);
      return true;
    }
    this.#fail(member, `did not start: ${problem}`);
    return false;
  }

  async #stopAll(members: readonly Member[], isOver: () => boolean): Promise<void> {
    for (const member of members.toReversed()) {
      if (isOver()) return;
      if (member.state === "stopped") member.reason = "";
      else if (member.state !== "unknown" || (await this.#isLeftOver(member))) {
        await this.#stop(member);
      }
    }
  }

  async #isLeftOver(member: Member): Promise<boolean> {
    const isRunning = await this.#isRunning(member);
    if (isRunning) this.#tell("warning", `${member.name} runs without the addresses`);
    else settle(member, "stopped");
    return isRunning;
  }

  async #stop(member: Member): Promise<void> {
    const { signal } = this.#abort;
    member.state = "stopping";
    let problem: string | undefined;
    for (let attempt = 1; attempt <= stopAttemptsMax && !signal.aborted; attempt++) {
      if (attempt > 1) await this.#pause();
      const ended = await this.#call(member, "stop");
      problem = complaint(ended, "stop");
      if (problem === undefined) {
        settle(member, "stopped");
        this.#tell("info", `${member.name} was stopped`);
        return;
      }
      // Old scripts say that a stop failed where there was nothing to stop.
      if (ended.outcome === "exited" && !(await this.#isRunning(member))) {
        settle(member, "stopped");
        this.#tell("warning", `${member.name} does not run, but its stop says: ${problem}`);
        return;
      }
    }
    this.#fail(member, `did not stop: ${problem ?? "the director ends"}`);
  }

  async #isRunning(member: Member): Promise<boolean> {
    const result = await this.#call(member, "status");
    return result.outcome === "exited" && saysRunning(result.output);
  }

  #call({ command }: Member, verb: Verb): Promise<ProgramResult> {
    const { router, run } = this.#options;
    return run({
      command: [...command, verb],
      environment: { VRRP_INSTANCE: router },
      timeoutMs: timeoutMs[verb],
      outputBytesMax,
      user,
      signal: this.#abort.signal,
      leavesProcesses: verb === "start",
    });
  }

  async #pause(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.clock.after(stopPauseMs, resolve);
    this.#abort.signal.addEventListener("abort", () => resolve(), { once: true });
    await promise;
    timer.cancel();
  }

  #fail(member: Member, reason: string): void {
    member.state = "failed";
    member.reason = reason;
    member.failures += 1;
    this.#tell("error", `${member.name} ${reason}`);
  }

  #tell(level: ResourceNews["level"], text: string): void {
    const { router, tell } = this.#options;
    tell({ level, text: `${router}: ${text}` });
  }
}

function settle(member: Member, state: "running" | "stopped"): void {
  member.state = state;
  member.reason = "";
}

/** `/etc/init.d/web`, the second one `/etc/init.d/web 2`. */
function freeName(path: string, names: Set<string>): string {
  let name = path;
  for (let number = 2; names.has(name); number++) name = `${path} ${number}`;
  names.add(name);
  return name;
}
