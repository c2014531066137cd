/**
 * The parts of a director in the real world.
 *
 * @module
 */

import { availableParallelism, hostname } from "node:os";

import { peerUid } from "../../ffi/peer.ts";
import { raiseDescriptorLimit } from "../../ffi/resource.ts";
import { createHealthRunner } from "../check/index.ts";
import { systemClock } from "../clock/index.ts";
import { loadConfig } from "../config/index.ts";
import type { LoadedConfig } from "../config/index.ts";
import {
  createBpfEngine,
  createCompositeEngine,
  createIpvsEngine,
  createPortableEngine,
  createProxyEngine,
} from "../datapath/index.ts";
import type { Engine, EngineListener } from "../datapath/index.ts";
import { errorText } from "../errors/index.ts";
import { createLogger } from "../log/index.ts";
import type { Logger, LogLevel } from "../log/index.ts";
import type { Config } from "../model/index.ts";
import { readGroupId, runProgram } from "../process/index.ts";
import { startStatusServer } from "../status/index.ts";
import type { Snapshot } from "../status/index.ts";
import type { DirectorParts } from "./assembly.ts";
import { controlSocketPath } from "./directories.ts";
import type { Directories } from "./directories.ts";
import { createEngineRecord } from "./engine-record.ts";
import { createHookRunner } from "./hooks.ts";
import { createLocalAddresses } from "./local-address.ts";
import { createLookup } from "./lookup.ts";
import { sendMail } from "./mail-transport.ts";
import { listNames } from "./maintenance.ts";
import { appendText } from "./monitor-file.ts";
import { createNotifier } from "./notify.ts";
import { createOverrideStore } from "./override-store.ts";

/** Checks that run at once; each holds a descriptor, and `requireDescriptors` counts them. */
const checksMax = 512;

/** Group that may use the control socket besides root. */
const controlGroup = "appliance";

/** A logger whose level can be changed. */
export interface LevelLogger extends Logger {
  setLevel(level: LogLevel): void;
}

/** A logger to `write`, in journald's form where systemd listens. */
export function createLevelLogger(
  level: LogLevel,
  write: (text: string) => void,
  environment: Readonly<Record<string, string | undefined>>,
): LevelLogger {
  const journal = environment["JOURNAL_STREAM"] !== undefined;
  const make = (next: LogLevel): Logger =>
    createLogger({ level: next, clock: systemClock, write, journal });
  let current = { level, logger: make(level) };
  return {
    log: (lineLevel, event, fields) => current.logger.log(lineLevel, event, fields),
    setLevel(next) {
      // A new logger starts with full buckets; without a change nothing held back is let loose.
      if (next !== current.level) current = { level: next, logger: make(next) };
    },
  };
}

/** Reads a configuration for this machine. */
export function loadForThisHost(files: readonly string[]): Promise<LoadedConfig> {
  return loadConfig(files, { cores: availableParallelism() });
}

/** What differs between directors. */
export interface PartsOptions {
  readonly files: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly directories: Directories;
  readonly logger: LevelLogger;
  readonly program: Snapshot["program"];
}

/** The proxy that the configuration asks for. */
function createProxy(
  { proxy }: Config,
  listener: EngineListener,
  { descriptorsMax, logger }: { readonly descriptorsMax: number; readonly logger: Logger },
): Promise<Engine> {
  if (proxy.engine === "portable") return createPortableEngine({ listener, descriptorsMax });
  return createProxyEngine({
    workers: proxy.workers,
    descriptorsMax,
    sockmap: proxy.experimentalSockmap,
    listener,
    onCrash(error) {
      logger.log("error", "engine-crash", { reason: errorText(error) });
      // A bug: the process ends, its service manager starts it again.
      throw error;
    },
  });
}

/** This program, told to be a guard; from source it is a script of the runtime. */
function guardCommand(): readonly string[] {
  const isCompiled = Bun.main.startsWith("/$bunfs/");
  return [process.execPath, ...(isCompiled ? [] : [Bun.main]), "guard"];
}

/** The proxy, and the engines of the kernel for those services that are given to them. */
async function createEngine(
  config: Config,
  listener: EngineListener,
  options: Parameters<typeof createProxy>[2] & { readonly runtimeDirectory: string },
): Promise<Engine> {
  const isLocal = createLocalAddresses(systemClock);
  const ipvs = createIpvsEngine({ listener, isLocal });
  const bpf = createBpfEngine({ listener, runtimeDirectory: options.runtimeDirectory });
  return createCompositeEngine({ proxy: await createProxy(config, listener, options), ipvs, bpf });
}

/** Parts over files, sockets, threads and programs of this host. */
export function createParts(options: PartsOptions): DirectorParts {
  const { files, environment, directories, logger, program } = options;
  const descriptorsMax = raiseDescriptorLimit();
  const onError = (error: unknown): void =>
    logger.log("error", "status", { reason: errorText(error) });
  return {
    clock: systemClock,
    logger,
    setLogLevel: (level) => logger.setLevel(level),
    notifier: createNotifier({ environment, clock: systemClock }),
    program,
    store: createOverrideStore(directories.state),
    engineRecord: createEngineRecord(directories.state),
    lookup: createLookup(),
    hooks: createHookRunner({ logger, run: runProgram }),
    descriptorsMax,
    load: () => loadForThisHost(files),
    createEngine: (config, listener) => {
      const { runtime: runtimeDirectory } = directories;
      return createEngine(config, listener, { descriptorsMax, logger, runtimeDirectory });
    },
    listNames,
    appendText,
    sendMail,
    hostName: hostname(),
    runtimeDirectory: directories.runtime,
    guardCommand: guardCommand(),
    createHealth: ({ director }, onChange, onResult) =>
      createHealthRunner({
        clock: systemClock,
        onChange,
        ...(onResult !== undefined && { onResult }),
        log: logger,
        concurrencyMax: checksMax,
        scriptUser: director.scriptUser,
      }),
    startControl: (source) =>
      startStatusServer({
        source,
        unixPath: controlSocketPath(directories),
        // Only root may give a socket to a group that it is not in.
        unixGid: process.getuid?.() === 0 ? readGroupId(controlGroup) : undefined,
        peerUid,
        onError,
      }),
    startStatus: (source, settings) => startStatusServer({ source, ...settings, onError }),
  };
}
