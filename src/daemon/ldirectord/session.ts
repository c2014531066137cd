/**
 * What a director that runs from an ldirectord.cf has besides: the pid file and the log that
 * ldirectord would have. Owns the pid file until it is closed.
 *
 * @module
 */

import { resolve } from "node:path";

import type { HealthState } from "../../check/index.ts";
import type { LdirectordRun, LoadedConfig, LoadedLdirectord } from "../../config/index.ts";
import { ApplianceError, errorText } from "../../errors/index.ts";
import type { Logger } from "../../log/index.ts";
import type { Config, ListenAddress } from "../../model/index.ts";
import { formatEndpoint } from "../../net/address.ts";
import type { ServiceAssessment } from "../assessment.ts";
import { parseServerId } from "../server-id.ts";
import {
  findForeignManager,
  foreignManagerText,
  listProcesses,
  readTextStart,
} from "./foreign-manager.ts";
import { createLdirectordLog } from "./log-file.ts";
import type { LdirectordLog } from "./log-file.ts";
import {
  eventPhrases,
  failurePhrase,
  judgementPhrases,
  placePhrase,
  purgePhrases,
  virtualOf,
} from "./phrase.ts";
import { configNameOf, pidFilePaths, readPidFile } from "./pid-file.ts";
import { createPidFiles } from "./pid-files.ts";
import type { PidFiles, ServedFile } from "./pid-files.ts";

/** How the director was started. */
export interface LdirectordStart {
  /** `run`: by `appliance run`. The others: called as ldirectord. */
  readonly mode: "run" | "daemon" | "foreground" | "debug";
  /** In the names of pid file and log; of the path if not given. */
  readonly configName?: string | undefined;
}

/** What a {@link LdirectordSession} is made of. */
export interface LdirectordSessionOptions {
  readonly run: LoadedLdirectord;
  readonly start: LdirectordStart;
  readonly config: Config;
  readonly version: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

/** See the module's head. */
export interface LdirectordSession {
  /** Writes to ldirectord's log what the native one gets; to `native` too, if that is read. */
  wrapLogger<T extends Logger>(native: T): T;
  /** Tells of warnings of the files. */
  tellLoaded(loaded: LoadedConfig): void;
  /** Tells what one more judgement of all services has changed. */
  judged(assessments: Iterable<ServiceAssessment>): void;
  /** Tells what one more check says of a real server. */
  checked(id: string, state: HealthState | undefined): void;
  /** A file has changed on disk. */
  fileChanged(file: string, isReread: boolean): void;
  /** A virtual router is active here, or is not any more. */
  routerChanged(name: string, isActive: boolean): void;
  /** SIGHUP came. */
  hungUp(): void;
  /** The director has ended. */
  stopped(signal: string): void;
  close(): void;
}

/** `192.0.2.1:80` of a listening address. */
function endpointText({ address, portFirst }: ListenAddress): string {
  return formatEndpoint({ address, port: portFirst });
}

/** @throws {ApplianceError} `LDIRECTORD_MANAGED` if somebody else manages these services. */
function refuseSecondManager({ run, start, config }: LdirectordSessionOptions, pidFile: string) {
  const known = readPidFile(pidFile);
  const isRival = known.state === "running" && known.pid !== process.pid;
  if (isRival && known.isOurs) {
    const text = `ldirectord for ${run.file} is running with pid: ${known.pid}`;
    throw new ApplianceError("DIRECTOR_RUNNING", text);
  }
  const remedy = isRival ? `kill ${known.pid}` : "";
  const manager = isRival
    ? ({ program: "ldirectord", pid: known.pid, what: run.file, remedy } as const)
    : findForeignManager(
        {
          path: resolve(run.file),
          virtuals: config.virtualServices.flatMap(({ name, listen }) =>
            listen.length === 0 ? [virtualOf(name)] : listen.map(endpointText),
          ),
          processes: listProcesses(),
          readText: readTextStart,
        },
        start.mode !== "run",
      );
  if (manager !== undefined) {
    throw new ApplianceError("LDIRECTORD_MANAGED", foreignManagerText(run.file, manager));
  }
}

/** Where the lines go, by the way of the start. */
function openLog(options: LdirectordSessionOptions, configName: string): LdirectordLog {
  const { run, start, stdout, stderr } = options;
  const output = start.mode === "debug" ? stderr : stdout;
  const isShown = start.mode === "debug" || start.mode === "foreground";
  return createLdirectordLog({
    target: isShown ? { output } : run.logfile,
    configName,
    pid: process.pid,
    wallMs: Date.now,
    stderr,
  });
}

/**
 * Takes the pid file and opens the log.
 *
 * @throws {ApplianceError} `LDIRECTORD_MANAGED` or `DIRECTOR_RUNNING` if somebody else manages
 *   these services, `LDIRECTORD_PID_FILE` if a daemon cannot write its pid file.
 */
export function openLdirectordSession(options: LdirectordSessionOptions): LdirectordSession {
  const { run, start, environment, version, stderr } = options;
  const configName = start.configName ?? configNameOf(resolve(run.file));
  const own = pidFilePaths(configName, environment);
  refuseSecondManager(options, own[0]);
  const log = openLog(options, configName);
  const isDaemon = start.mode === "daemon";
  const served = [{ pidFiles: own, routers: run.routers }, ...otherFiles(options)];
  // ldirectord itself has none unless it is a daemon.
  const hasFiles = isDaemon || start.mode === "run";
  const pidFiles = createPidFiles(hasFiles ? served : [], (error) => {
    if (isDaemon) throw error;
    stderr(`appliance: ${errorText(error)}; going on without a pid file\n`);
  });
  log.write(
    `Starting Linux Director (appliance ${version}) ` +
      (isDaemon ? "as daemon" : `with pid: ${process.pid}`),
  );
  return createSession(log, { options, pidFiles });
}

/** Those of a haresources that names several; without it only the first one has a pid file. */
function otherFiles({ run, environment }: LdirectordSessionOptions): readonly ServedFile[] {
  const isResource = ({ routers }: LdirectordRun): boolean => routers.length > 0;
  return run.others.filter(isResource).map(({ file, routers }) => {
    return { pidFiles: pidFilePaths(configNameOf(resolve(file)), environment), routers };
  });
}

interface SessionParts {
  readonly options: LdirectordSessionOptions;
  readonly pidFiles: PidFiles;
}

function createSession(log: LdirectordLog, { options, pidFiles }: SessionParts): LdirectordSession {
  const { run, start } = options;
  const { pid } = process;
  let services = new Map<string, ServiceAssessment>();
  const failures = new Map<string, number>();
  return {
    wrapLogger: (native) => ({
      ...native,
      log(level, event, fields) {
        if (start.mode === "run") native.log(level, event, fields);
        log.write(...eventPhrases({ level, event, fields }, pid));
      },
    }),
    tellLoaded({ warnings }) {
      log.write(
        ...warnings.map(({ file, line, path, message }) => {
          const text = path === "" ? message : `${path}: ${message}`;
          return placePhrase("Warning", { file, line, text, pid });
        }),
      );
    },
    judged(assessments) {
      const before = services;
      services = new Map();
      const phrases: string[] = [];
      for (const assessment of assessments) {
        const { name } = assessment.service;
        services.set(name, assessment);
        const old = before.get(name);
        if (old !== assessment) phrases.push(...judgementPhrases(old, assessment));
        before.delete(name);
      }
      for (const gone of before.values()) phrases.push(...purgePhrases(gone, "start"));
      if (before.size > 0) failures.clear();
      log.write(...phrases);
    },
    checked(id, state) {
      const { service, server } = parseServerId(id);
      const known = services.get(service)?.servers.find(({ key }) => key === server);
      const after = state?.failures ?? 0;
      const count = { before: failures.get(id) ?? 0, after };
      if (after === 0) failures.delete(id);
      else failures.set(id, after);
      // A server that was never up, or is down already, is not about to go down.
      const isSoft = state?.health === "up";
      if (count.before === after || known === undefined || !isSoft) return;
      const phrase = failurePhrase(service, known, count);
      if (phrase !== undefined) log.write(phrase);
    },
    fileChanged(file, isReread) {
      const outcome = isReread ? " - reread new configuration" : " - ignore new configuration";
      log.write(`Configuration file '${file}' has changed on disk`, outcome);
    },
    hungUp: () => log.write("Reloading Linux Director Daemon config on signal"),
    stopped(signal) {
      const purged = run.cleanstop ? [...services.values()] : [];
      log.write(
        ...purged.flatMap((service) => purgePhrases(service, "stop")),
        `Linux Director Daemon terminated on signal: ${signal}`,
      );
    },
    routerChanged: (name, isActive) => pidFiles.follow(name, isActive),
    close: () => pidFiles.close(),
  };
}
