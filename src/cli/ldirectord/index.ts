/**
 * Called as `ldirectord`, or as `appliance ldirectord`: its verbs, messages and exit statuses.
 *
 * Each configuration is a director of its own, with its own runtime directory; the default one has
 * the usual directory, where `appliance status` finds it.
 *
 * @module
 */

import { statSync } from "node:fs";
import { resolve } from "node:path";

import type { LdirectordRun, LoadedConfig } from "../../config/index.ts";
import { ApplianceError } from "../../errors/index.ts";
import { exitStatus } from "../command.ts";
import type { Command, CommandContext, ExitStatus } from "../command.ts";
import { program } from "../program.ts";
import { defaultName, findConfig, readCommandLine } from "./command-line.ts";
import type { FoundConfig, LdirectordRequest, Verb } from "./command-line.ts";
import { createStartReport, startDaemon } from "./daemonize.ts";
import { sendSignal, waitForEnd } from "./process.ts";
import { findResourceDirector } from "./resource.ts";

/** ldirectord's exit statuses. */
const exit = {
  ok: exitStatus.ok,
  failed: exitStatus.findings,
  configError: exitStatus.failed,
  stopped: exitStatus.notRunning,
  usage: exitStatus.ldirectordUsage,
} as const;

/** `stop` waits this long for the director to end: less than resource scripts wait for it. */
const stopWaitMs = 12_000;

/** `restart` waits this long, and once more after a second signal, which ends it at once. */
const restartWaitMs = 60_000;

const usage = `Usage: ldirectord [-d|--debug] [--] [CONFIG] VERB
       ldirectord [-h|--help|-v|--version]

VERB is start, stop, restart, try-restart, reload, force-reload or status.

CONFIG is looked for in /etc/ha.d, in /etc/ha.d/conf, and as it is given; without one it is
ldirectord.cf. -d stays in the foreground and logs to standard error. Pid files are in /var/run,
or in the folder that APPLIANCE_PID_DIR names.
`;

/** One verb on one configuration. */
interface Work {
  readonly request: Extract<LdirectordRequest, { kind: "verb" }>;
  readonly found: FoundConfig;
  readonly context: CommandContext;
  /** Names of configurations that had their turn, so that `execute` comes to an end. */
  readonly seen: Set<string>;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

const loadDaemon = () => import("../../daemon/index.ts");

/** What the pid file says. */
async function look({ found, context }: Work) {
  const { pidFilePath, readPidFile } = await loadDaemon();
  const pidFile = pidFilePath(found.name, context.environment);
  return { ...readPidFile(pidFile), pidFile };
}

/** Reads the file; what is wrong with it is printed as ldirectord does. */
async function load({ found, context }: Work): Promise<LoadedConfig | undefined> {
  const { ConfigError, loadConfig } = await import("../../config/index.ts");
  const { placePhrase } = await loadDaemon();
  const tell = (file: string, line: number, text: string): void =>
    context.stderr(`${placePhrase("Error", { file, line, text, pid: process.pid })}\n`);
  try {
    const loaded = await loadConfig([found.path], { cores: 1 });
    if (loaded.ldirectord !== undefined) return loaded;
    tell(found.path, 0, "Expected an ldirectord.cf, got a native configuration");
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const { file, line, path, message, found: value } of error.problems) {
      tell(file, line, `${path === "" ? "" : `${path}: `}${message}, got ${value}`);
    }
    if (error.omitted > 0) context.stderr(`and ${error.omitted} more\n`);
  }
  return undefined;
}

/** Runtime and state directory of one of several directors. */
function instanceEnvironment({ found, context: { environment } }: Work) {
  if (found.name === defaultName) return environment;
  const below = (folder: string | undefined, byDefault: string): string =>
    `${folder === undefined || folder === "" ? byDefault : folder}/ldirectord-${found.name}`;
  return {
    ...environment,
    APPLIANCE_RUNTIME_DIR: below(environment["APPLIANCE_RUNTIME_DIR"], "/run/appliance"),
    APPLIANCE_STATE_DIR: below(environment["APPLIANCE_STATE_DIR"], "/var/lib/appliance"),
  };
}

/** Runs the director in this process, until it is told to stop. */
async function runHere(work: Work): Promise<ExitStatus> {
  const { request, found, context } = work;
  const { runDirector } = await loadDaemon();
  const isDaemon = request.daemonName !== undefined;
  const report = isDaemon ? createStartReport() : undefined;
  const status = await runDirector({
    files: [found.path],
    environment: instanceEnvironment(work),
    stdout: context.stdout,
    stderr: (text) => {
      const isTold = report?.tell(text.replace(/^appliance: /, "")) ?? false;
      if (!isTold) context.stderr(text);
    },
    signal: context.signal,
    program,
    ldirectord: {
      mode: isDaemon ? "daemon" : request.isDebug ? "debug" : "foreground",
      configName: found.name,
    },
    onStarted: () => report?.up(),
  });
  if (status === exitStatus.dataError) return exit.configError;
  return status === exitStatus.ok ? exit.ok : exit.failed;
}

/** The same verb for the configurations that `execute` names. */
async function executeOthers(work: Work, loaded: LoadedConfig | undefined): Promise<void> {
  for (const config of loaded?.ldirectord?.execute ?? []) {
    await perform({ ...work.request, config }, work);
  }
}

async function startDetached(
  { found, context }: Work,
  { logfile }: LdirectordRun,
): Promise<ExitStatus> {
  const { isUp, status, text } = await startDaemon({
    path: resolve(found.path),
    name: found.name,
    environment: context.environment,
    outputFile: logfile.startsWith("/") ? logfile : undefined,
  });
  const isSilent = !isUp && text === "";
  context.stderr(isSilent ? `ldirectord for ${found.path} could not start\n` : text);
  if (isUp) return exit.ok;
  return status === exit.configError ? exit.configError : exit.failed;
}

async function start(work: Work): Promise<ExitStatus> {
  const { request } = work;
  if (request.daemonName !== undefined) return runHere(work);
  const known = await look(work);
  // The director itself refuses beside a program of another maker.
  if (known.state === "running" && known.isOurs) return exit.ok;
  if (await isResource(work, "appliance takeover")) return exit.failed;
  const loaded = await load(work);
  if (loaded?.ldirectord === undefined) return exit.configError;
  if (request.isDebug || loaded.ldirectord.supervised) return runHere(work);
  const status = await startDetached(work, loaded.ldirectord);
  if (status === exit.ok) await executeOthers(work, loaded);
  return status;
}

/** Refuses what a director with virtual routers does by itself. @returns True if one does. */
async function isResource({ found, context }: Work, order: string): Promise<boolean> {
  const director = await findResourceDirector(found.path, context);
  if (director === undefined) return false;
  const who = `the director with pid ${director.pid} starts and stops it with its addresses`;
  context.stderr(`ldirectord for ${found.path} is a resource: ${who}; type: ${order}\n`);
  return true;
}

/** Asks a director to end, and waits for it. @returns False if it takes too long. */
async function end(work: Work, pid: number, timeoutMs: number): Promise<boolean> {
  sendSignal(pid, "SIGTERM");
  return waitForEnd(async () => {
    const known = await look(work);
    return known.state !== "running" || known.pid !== pid;
  }, timeoutMs);
}

async function stop(work: Work): Promise<ExitStatus> {
  const known = await look(work);
  if (known.state !== "running") return exit.ok;
  if (await isResource(work, "appliance standby")) return exit.failed;
  await end(work, known.pid, stopWaitMs);
  const quiet = { ...work, context: { ...work.context, stderr: () => undefined } };
  await executeOthers(work, await load(quiet));
  return exit.ok;
}

async function restart(work: Work): Promise<ExitStatus> {
  const known = await look(work);
  if (known.state !== "running") return work.request.verb === "restart" ? start(work) : exit.ok;
  // Its services are anew after it, and the addresses stay.
  if ((await findResourceDirector(work.found.path, work.context)) !== undefined) {
    return reload(work);
  }
  // With a broken file the old director goes on.
  if ((await load(work)) === undefined) return exit.configError;
  const { pid } = known;
  const isEnded = (await end(work, pid, restartWaitMs)) || (await end(work, pid, restartWaitMs));
  if (isEnded) return start(work);
  work.context.stderr(`ldirectord with pid ${pid} for ${work.found.path} does not end\n`);
  return exit.failed;
}

async function reload(work: Work): Promise<ExitStatus> {
  const loaded = await load(work);
  if (loaded === undefined) return exit.configError;
  const known = await look(work);
  if (known.state !== "running") {
    work.context.stderr(`ldirectord is stopped for ${work.found.path}\n`);
    return exit.failed;
  }
  sendSignal(known.pid, "SIGHUP");
  await executeOthers(work, loaded);
  return exit.ok;
}

async function tellStatus(work: Work): Promise<ExitStatus> {
  const { found, context } = work;
  const known = await look(work);
  if (known.state === "running") {
    context.stderr(`ldirectord for ${found.path} is running with pid: ${known.pid}\n`);
    return exit.ok;
  }
  const isStale = known.state === "stale";
  if (isStale) context.stderr(`ldirectord stale pid file ${known.pidFile} for ${found.path}\n`);
  context.stdout(`ldirectord is stopped for ${found.path}\n`);
  return isStale ? exit.failed : exit.stopped;
}

const verbActions: Readonly<Record<Verb, (work: Work) => Promise<ExitStatus>>> = {
  start,
  stop,
  restart,
  "try-restart": restart,
  reload,
  "force-reload": reload,
  status: tellStatus,
};

async function perform(
  request: Work["request"],
  { context, seen }: Pick<Work, "context" | "seen">,
): Promise<ExitStatus> {
  const found = findConfig(request.config, isFile);
  if (typeof found === "string") {
    context.stderr(`Config file ${found} not found\n`);
    return exit.failed;
  }
  const named = { ...found, name: request.daemonName ?? found.name };
  if (seen.has(named.path)) return exit.ok;
  seen.add(named.path);
  return verbActions[request.verb]({ request, found: named, context, seen });
}

async function run(args: readonly string[], context: CommandContext): Promise<ExitStatus> {
  const request = readCommandLine(args);
  switch (request.kind) {
    case "help":
      context.stdout(usage);
      return exit.ok;
    case "version":
      context.stdout(`Linux Director (appliance ${program.version})\n`);
      return exit.ok;
    case "wrong":
      context.stderr(usage);
      return exit.usage;
    case "verb":
      break;
  }
  try {
    return await perform(request, { context, seen: new Set() });
  } catch (error) {
    if (!(error instanceof ApplianceError)) throw error;
    context.stderr(`${error.message}\n`);
    return exit.failed;
  }
}

/** See the module's head. */
export const ldirectord: Command = {
  name: "ldirectord",
  summary: "Start, stop and ask as ldirectord does",
  usage: "ldirectord [-d|--debug] [--] [CONFIG] VERB",
  details: usage,
  run,
};
