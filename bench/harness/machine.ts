/**
 * What a result must name: machine, kernel, versions.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";

import { runProcess } from "../../test/helpers/process.ts";
import { executablePath, requireExecutable } from "../../test/helpers/require-peer.ts";

async function firstLine(command: readonly string[]): Promise<string> {
  if (Bun.which(command[0]!) === null) return "";
  const { stdout, stderr } = await runProcess(command);
  return (stdout || stderr).split("\n")[0]!.trim();
}

function distribution(): string {
  try {
    return readFileSync("/etc/os-release", "utf8").match(/^PRETTY_NAME="(.*)"$/m)?.[1] ?? "";
  } catch {
    return "";
  }
}

/** Lines for the head of a result: date, machine, versions of all parties. */
export async function describeMachine(): Promise<string> {
  const model = cpus()[0]?.model.trim() ?? "unknown";
  const gib = (totalmem() / 2 ** 30).toFixed(0);
  const versions = await Promise.all([
    firstLine(["haproxy", "-v"]),
    firstLine(["nginx", "-v"]),
    requireExecutable().skip ? "" : firstLine([executablePath, "version"]),
  ]);
  return [
    new Date().toISOString().slice(0, "2026-01-01".length),
    `${cpus().length} × ${model}, ${gib} GiB, Linux ${release()}, ${distribution()}`,
    `Bun ${Bun.version}`,
    ...versions.filter((version) => version !== ""),
  ].join("; ");
}
