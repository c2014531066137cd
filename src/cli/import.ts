/**
 * `appliance import`: files of ldirectord, keepalived or Heartbeat as native configuration.
 *
 * @module
 */

import { rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";

import type { HeartbeatHost, ImportResult } from "../config/index.ts";
import { parseArguments } from "./arguments.ts";
import type { ParsedArguments } from "./arguments.ts";
import { exitStatus } from "./command.ts";
import type { Command, CommandContext, ExitStatus } from "./command.ts";
import { filesMax } from "./files.ts";
import { readHeartbeat, readNamed, sortOperands } from "./import-heartbeat.ts";
import type { SortedOperands } from "./import-heartbeat.ts";
import { readTextFile, writeOutput } from "./import-text.ts";
import { readIncluded } from "./include.ts";

const spec = {
  options: [
    { name: "output", short: "o", takesValue: true },
    { name: "node", takesValue: true },
    { name: "force" },
    { name: "json" },
  ],
  operandsMin: 1,
  operandsMax: filesMax,
} as const;

/** What one file, or Heartbeat's files together, became. */
interface Translation {
  readonly result: ImportResult;
  /** Text of a key file that the result names; a secret. */
  readonly keyText?: string | undefined;
  /** Files that are in it beside those named. */
  readonly used?: ReadonlySet<string>;
}

async function translate(given: ParsedArguments, keyFile: string | undefined) {
  const { importFile, readHostNames } = await import("../config/index.ts");
  const host = { ...(await readHostNames()), readInclude: readIncluded };
  const sorted = sortOperands(given.operands);
  const translations: Translation[] = [];
  if (sorted.heartbeat.size > 0) {
    const node = given.value("node") ?? host.hostName;
    translations.push(await translateHeartbeat(sorted, { ...host, nodeName: node, keyFile }));
  }
  for (const path of sorted.others) {
    if (translations[0]?.used?.has(path) === true) continue;
    const { text } = await readTextFile(path);
    translations.push({ result: importFile(text, path, host) });
  }
  const results = translations.map(({ result }) => result);
  return {
    toml: results.map((result) => (result.ok ? result.toml : "")).join("\n"),
    keyText: translations[0]?.keyText,
    isValid: results.every(({ ok }) => ok),
    problems: results.flatMap((result) => (result.ok ? [] : result.problems)),
    omitted: results.reduce((sum, result) => sum + (result.ok ? 0 : result.omitted), 0),
    warnings: results.flatMap(({ warnings }) => warnings),
  };
}

async function translateHeartbeat(
  sorted: SortedOperands,
  host: Omit<HeartbeatHost, "keyFile"> & { readonly keyFile: string | undefined },
): Promise<Translation> {
  const { findScript, importHeartbeatFiles, ldirectordConfigs, readNetworks } =
    await import("../config/index.ts");
  const files = await readHeartbeat(sorted.heartbeat);
  const named = await readNamed(ldirectordConfigs(files.haresources), sorted);
  const { keyFile, ...rest } = host;
  const imported = importHeartbeatFiles(files, {
    ...rest,
    networks: readNetworks(),
    findScript,
    readLdirectordFile: (config) => named.get(config),
    ...(keyFile !== undefined && { keyFile }),
  });
  return { ...imported, used: new Set([...named.values()].map(({ file }) => file)) };
}

type Translated = Awaited<ReturnType<typeof translate>>;

async function tell(
  { toml, isValid, problems, omitted, warnings }: Translated,
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

/** Writes the result, and the key beside it; both or none. */
async function write(
  output: string,
  { toml, keyText }: Translated,
  isForced: boolean,
): Promise<void> {
  const keyFile = keyFileOf(output);
  if (keyText !== undefined) await writeOutput(keyFile, keyText, { isForced, mode: 0o600 });
  try {
    // Passwords of checks may stand in it.
    await writeOutput(output, toml, { isForced, mode: 0o640 });
  } catch (error) {
    if (keyText !== undefined && !isForced) await rm(keyFile, { force: true });
    throw error;
  }
}

function keyFileOf(output: string): string {
  return resolve(dirname(output), "vrrp.key");
}

async function run(args: readonly string[], context: CommandContext): Promise<ExitStatus> {
  const given = parseArguments(args, spec);
  const output = given.value("output");
  const isJson = given.has("json");
  const result = await translate(given, output === undefined ? undefined : keyFileOf(output));
  if (result.isValid && output !== undefined) await write(output, result, given.has("force"));
  await tell(result, isJson, context);
  if (!result.isValid) return exitStatus.dataError;
  if (output === undefined) {
    if (result.keyText !== undefined) {
      context.stderr("The key of authkeys is written only with --output, to vrrp.key beside it\n");
    }
    if (!isJson) context.stdout(result.toml);
  }
  return exitStatus.ok;
}

/** See the module's head. */
export const importCommand: Command = {
  name: "import",
  summary: "Translate files of ldirectord, keepalived or Heartbeat to native configuration",
  usage: "import FILE… [--output FILE [--force]] [--node NAME] [--json]",
  details: `Prints TOML, or writes it to --output; an existing file only with --force.
A warning names file and line of whatever has no equal, or is not in this build yet.
Heartbeat: ha.cf, haresources and authkeys, or their folder, and --node NAME for another director
than this one. The ldirectord.cf that haresources names is in the result. With --output the key of
authkeys goes to vrrp.key beside it, mode 0600; it is never printed.
Names are looked up in /etc/hosts and /etc/services.
Exit status 65: a file is refused, each problem with its line; 66: a file is missing.`,
  run,
};
