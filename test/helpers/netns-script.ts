/**
 * Runs a function of a file in a process of its own, in a network namespace of its own: what it
 * makes there goes with it. The namespace has `lo` only, down.
 *
 * @module
 */
import { runProcess } from "./process.ts";

/** Named functions that run inside; what they return must fit JSON. */
export type Scenarios = Readonly<Record<string, () => unknown>>;

/** Called at the end of a file of scenarios: runs the one that the command line names. */
export async function runScenario(scenarios: Scenarios): Promise<void> {
  const name = process.argv[2] ?? "";
  const scenario = scenarios[name];
  if (scenario === undefined) throw new Error(`No scenario ${name}`);
  const result = await scenario();
  // A line of its own: programs that it ran may have written before.
  process.stdout.write(`\n${JSON.stringify(result ?? null)}\n`);
}

/**
 * Runs one scenario of a file.
 *
 * @param file The file that calls {@link runScenario}.
 * @throws {Error} with its output if it fails.
 */
export async function inNetns(file: URL, name: string): Promise<unknown> {
  const command = ["unshare", "--net", process.execPath, file.pathname, name];
  const { status, stdout, stderr } = await runProcess(command);
  if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr}${stdout}`);
  return scenarioResult(stdout);
}

/** What a scenario returned, from all that it and its programs wrote. */
export function scenarioResult(stdout: string): unknown {
  return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
}

/** Runs a program inside a scenario. @throws {Error} with what it said. */
export function sh(...command: readonly string[]): string {
  const { success, stdout, stderr } = Bun.spawnSync([...command]);
  if (!success) throw new Error(`${command.join(" ")}: ${stderr.toString()}`);
  return stdout.toString();
}
