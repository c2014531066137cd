/**
 * `appliance import`: files of ldirectord or keepalived as native configuration.
 *
 * @module
 */

import { constants } from "node:fs";
import { open } from "node:fs/promises";

import { ApplianceError, errorText } from "../errors/index.ts";
import { parseArguments } from "./arguments.ts";
import type { ParsedArguments } from "./arguments.ts";
import { exitStatus } from "./command.ts";
import type { Command, CommandContext, ExitStatus } from "./command.ts";
import { filesMax } from "./files.ts";
import { readIncluded } from "./include.ts";

const spec = {
  options: [{ name: "output", short: "o", takesValue: true }, { name: "force" }, { name: "json" }],
  operandsMin: 1,
  operandsMax: filesMax,
} as const;

/** Largest file read, as of a native configuration. */
const fileBytesMax = 16 * 1024 * 1024;

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}

function unreadable(file: string, reason: string, cause?: unknown): ApplianceError {
  const message = `Cannot read configuration ${file}: ${reason}`;
  return new ApplianceError("CONFIG_FILE_UNREADABLE", message, { cause });
}

/** Bytes of a regular file, at most one more than may be. */
async function readBytes(file: string): Promise<Uint8Array> {
  // Without O_NONBLOCK, opening a FIFO would wait for somebody to write to it.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
  await using handle = await open(file, flags);
  const status = await handle.stat();
  if (!status.isFile()) throw unreadable(file, "expected a regular file");
  if (status.size > fileBytesMax) throw unreadable(file, `larger than ${fileBytesMax} bytes`);
  const bytes = new Uint8Array(status.size);
  let length = 0;
  while (length < bytes.length) {
    const { bytesRead } = await handle.read(bytes, length, bytes.length - length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return bytes.subarray(0, length);
}

/** The text of a file; old ones are not always UTF-8, and their comments may be in any encoding. */
async function readText(file: string): Promise<string> {
  try {
    const bytes = await readBytes(file);
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      return new TextDecoder("latin1").decode(bytes);
    }
  } catch (error) {
    if (error instanceof ApplianceError) throw error;
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") {
      const message = `Cannot read configuration ${file}: it does not exist`;
      throw new ApplianceError("CONFIG_FILE_MISSING", message, { cause: error });
    }
    if (code === "EACCES" || code === "EPERM") {
      const message = `Cannot read configuration ${file}: permission denied`;
      throw new ApplianceError("CONFIG_FILE_PERMISSION", message, { cause: error });
    }
    throw unreadable(file, errorText(error), error);
  }
}

/** Writes the file; an existing one only with `--force`. */
async function writeOutput(file: string, text: string, isForced: boolean): Promise<void> {
  try {
    // Passwords of checks may stand in it.
    await using handle = await open(file, isForced ? "w" : "wx", 0o640);
    await handle.writeFile(text);
  } catch (error) {
    const exists = codeOf(error) === "EEXIST";
    const reason = exists ? "it exists; --force replaces it" : errorText(error);
    const message = `Cannot write ${file}: ${reason}`;
    const code = exists ? "IMPORT_OUTPUT_EXISTS" : "IMPORT_OUTPUT_FAILED";
    throw new ApplianceError(code, message, { cause: error });
  }
}

async function translate(given: ParsedArguments) {
  const { importFile, readHostNames } = await import("../config/index.ts");
  const host = { ...(await readHostNames()), readInclude: readIncluded };
  const results = [];
  for (const file of given.operands) {
    results.push(importFile(await readText(file), file, host));
  }
  return {
    toml: results.map((result) => (result.ok ? result.toml : "")).join("\n"),
    isValid: results.every(({ ok }) => ok),
    problems: results.flatMap((result) => (result.ok ? [] : result.problems)),
    omitted: results.reduce((sum, result) => sum + (result.ok ? 0 : result.omitted), 0),
    warnings: results.flatMap(({ warnings }) => warnings),
  };
}

async function tell(
  { toml, isValid, problems, omitted, warnings }: Awaited<ReturnType<typeof translate>>,
  isJson: boolean,
  context: CommandContext,
): Promise<void> {
  if (isJson) {
    const answer = isValid ? { toml } : { omitted };
    const text = JSON.stringify({ valid: isValid, ...answer, problems, warnings });
    context.stdout(`${text}\n`);
    return;
  }
  const { formatProblem, formatWarning } = await import("../config/index.ts");
  for (const warning of warnings) context.stderr(`warning: ${formatWarning(warning)}\n`);
  for (const problem of problems) context.stderr(`${formatProblem(problem)}\n`);
  if (omitted > 0) context.stderr(`and ${omitted} more\n`);
}

async function run(args: readonly string[], context: CommandContext): Promise<ExitStatus> {
  const given = parseArguments(args, spec);
  const output = given.value("output");
  const isJson = given.has("json");
  const result = await translate(given);
  if (result.isValid && output !== undefined) {
    await writeOutput(output, result.toml, given.has("force"));
  }
  await tell(result, isJson, context);
  if (!result.isValid) return exitStatus.dataError;
  if (output === undefined && !isJson) context.stdout(result.toml);
  return exitStatus.ok;
}

/** See the module's head. */
export const importCommand: Command = {
  name: "import",
  summary: "Translate files of ldirectord or keepalived to native configuration",
  usage: "import FILE… [--output FILE [--force]] [--json]",
  details: `Prints TOML, or writes it to --output; an existing file only with --force.
A warning names file and line of whatever has no equal, or is not in this build yet.
Names are looked up in /etc/hosts and /etc/services.
Exit status 65: a file is refused, each problem with its line; 66: a file is missing.`,
  run,
};
