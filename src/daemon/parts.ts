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
import type { Engine, EngineListener, SharedListener } from "../datapath/index.ts";
import { ApplianceError, errorText } from "../errors/index.ts";
import { createLogger } from "../log/index.ts";
import type { Logger, LogLevel } from "../log/index.ts";
import type { Config } from "../model/index.ts";
import { readGroupId, runProgram } from "../process/index.ts";
import { startStatusServer } from "../status/index.ts";
import type { Snapshot } from "../status/index.ts";
import { findVipPathObstacle, VipPaths } from "../vip-path/index.ts";
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
import type { Predecessor } from "./upgrade/predecessor.ts";
import { ownCommand } from "./upgrade/program-path.ts";
import { successorSocketPath } from "./upgrade/replacement.ts";
import { startSuccessor } from "./upgrade/successor.ts";

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
  /** Descriptor of the lock of the runtime directory. */
  readonly lockFd: number;
  /** The director that this one replaces. */
  readonly predecessor?: Predecessor | undefined;
  /** Arguments of the command line that starts such a director; undefined: there is none. */
  readonly restartArguments?: readonly string[] | undefined;
}

/** What a proxy needs besides the configuration. */
interface ProxyOptions {
  readonly descriptorsMax: number;
  readonly logger: Logger;
  /** Listening sockets of an earlier process. */
  readonly shared: readonly SharedListener[] | undefined;
}

/** The proxy that the configuration asks for. */
function createProxy(
  { proxy }: Config,
  listener: EngineListener,
  { descriptorsMax, logger, shared }: ProxyOptions,
): Promise<Engine> {
  if (proxy.engine === "portable" && shared !== undefined) {
    const text = "The portable engine cannot take over the listeners of another process";
    throw new ApplianceError("UPGRADE_REFUSED", text);
  }
  if (proxy.engine === "portable") return createPortableEngine({ listener, descriptorsMax });
  return createProxyEngine({
    workers: proxy.workers,
    descriptorsMax,
    sockmap: proxy.experimentalSockmap,
    listener,
    shared,
    onCrash(error) {
      logger.log("error", "engine-crash", { reason: errorText(error) });
      // A bug: the process ends, its service manager starts it again.
      throw error;
    },
  });
}

/** What the engines of one director need besides the configuration. */
interface EngineOptions extends ProxyOptions {
  readonly runtimeDirectory: string;
}

/** The proxy, and the engines of the kernel for those services that are given to them. */
async function createEngine(
  config: Config,
  listener: EngineListener,
  options: EngineOptions,
): Promise<Engine> {
  const isLocal = createLocalAddresses(systemClock);
  const ipvs = createIpvsEngine({ listener, isLocal });
  const bpf = createBpfEngine({ listener, runtimeDirectory: options.runtimeDirectory });
  const proxy = await createProxy(config, listener, options);
  return createCompositeEngine({ proxy, ipvs, bpf, isHeld: options.shared !== undefined });
}

/** Starts this program anew, as it is on disk then. */
function successorStarter({ restartArguments, environment }: PartsOptions) {
  if (restartArguments === undefined) return undefined;
  const command = ownCommand(restartArguments);
  return () => startSuccessor({ clock: systemClock, command, environment });
}

/** Parts over files, sockets, threads and programs of this host. */
export function createParts(options: PartsOptions): DirectorParts {
  const { files, environment, directories, logger, program, predecessor } = options;
  const shared = predecessor?.listeners;
  const descriptorsMax = raiseDescriptorLimit();
  const onError = (error: unknown): void =>
    logger.log("error", "status", { reason: errorText(error) });
  return {
    clock: systemClock,
    logger,
    setLogLevel: (level) => logger.setLevel(level),
    notifier: createNotifier({ environment, clock: systemClock }),
    program,
    store: {
      ...createOverrideStore(directories.state),
      ...(predecessor && { load: async () => predecessor.overrides }),
    },
    lockFd: options.lockFd,
    predecessor,
    startSuccessor: successorStarter(options),
    engineRecord: createEngineRecord(directories.state),
    lookup: createLookup(),
    hooks: createHookRunner({ logger, run: runProgram }),
    descriptorsMax,
    load: () => loadForThisHost(files),
    createEngine: (config, listener) => {
      const { runtime: runtimeDirectory } = directories;
      return createEngine(config, listener, { descriptorsMax, logger, shared, runtimeDirectory });
    },
    listNames,
    appendText,
    sendMail,
    hostName: hostname(),
    runtimeDirectory: directories.runtime,
    guardCommand: ownCommand(["guard"]),
    createHealth: ({ director }, onChange, onResult) =>
      createHealthRunner({
        clock: systemClock,
        onChange,
        ...(onResult !== undefined && { onResult }),
        log: logger,
        known: predecessor?.state.health,
        concurrencyMax: checksMax,
        clientPaths: new VipPaths(),
        scriptUser: director.scriptUser,
      }),
    findVipObstacle: findVipPathObstacle,
    startControl: (source) =>
      startStatusServer({
        source,
        unixPath: controlSocketPath(directories),
        ...(predecessor && {
          unixPathBefore: successorSocketPath(controlSocketPath(directories), process.pid),
        }),
        // Only root may give a socket to a group that it is not in.
        unixGid: process.getuid?.() === 0 ? readGroupId(controlGroup) : undefined,
        peerUid,
        onError,
      }),
    startStatus: (source, settings) => startStatusServer({ source, ...settings, onError }),
  };
}
