/**
 * The built executable as a director under test, with directories of its own.
 *
 * @module
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { askDirector } from "./director-view.ts";
import type { DirectorEnvironment } from "./director-view.ts";
import { freePort } from "./port.ts";
import { startProcess } from "./process.ts";
import type { StartedProcess } from "./process.ts";
import { executablePath } from "./require-peer.ts";
import { createTempFolder } from "./temp-folder.ts";
import { waitFor } from "./wait.ts";

/** What {@link startDirector} may be told. */
export interface DirectorOptions {
  /** Native configuration without `[status]`, which is added with a free port. */
  readonly config: string;
  /** Put before the command, for example `["taskset", "-c", "1"]`. */
  readonly prefix?: readonly string[];
  /** Executable, if not the one of this tree. */
  readonly executable?: string;
  /** Directory for its files, kept when it ends: for what outlives one. Else a temporary one. */
  readonly folder?: string;
  /** Runtime and state directory, if not below its own. */
  readonly environment?: DirectorEnvironment;
}

/** A running director. */
export interface Director extends AsyncDisposable {
  readonly process: StartedProcess;
  /** `performance.now()` just before the process was spawned. */
  readonly spawnedMs: number;
  /** Path of its configuration; see {@link Director.configure}. */
  readonly configPath: string;
  /** Address of its status endpoint, without a slash at its end. */
  readonly statusUrl: string;
  /** Variables by which the command line finds this director. */
  readonly environment: DirectorEnvironment;
  /** Writes another configuration, without telling the director. */
  configure(config: string): void;
}

function openFolder(path: string | undefined): ReturnType<typeof createTempFolder> {
  if (path === undefined) return createTempFolder();
  return { path, [Symbol.dispose]: () => undefined };
}

/** The file as the director gets it; its status endpoint stays where it is. */
function withStatus(config: string, statusPort: number): string {
  return `[status]\nlisten = "127.0.0.1:${statusPort}"\n\n${config}`;
}

/** Starts a director without waiting for anything. The caller ends it. */
export async function spawnDirector(options: DirectorOptions): Promise<Director> {
  const { config, prefix = [], executable = executablePath } = options;
  const folder = openFolder(options.folder);
  const statusPort = await freePort();
  const configPath = join(folder.path, "appliance.toml");
  writeFileSync(configPath, withStatus(config, statusPort));
  const environment = options.environment ?? {
    APPLIANCE_RUNTIME_DIR: join(folder.path, "run"),
    APPLIANCE_STATE_DIR: join(folder.path, "state"),
  };
  const spawnedMs = performance.now();
  const child = startProcess([...prefix, executable, "run", "--config", configPath], {
    env: environment,
  });
  return {
    process: child,
    spawnedMs,
    configPath,
    statusUrl: `http://127.0.0.1:${statusPort}`,
    environment,
    configure: (next) => writeFileSync(configPath, withStatus(next, statusPort)),
    async [Symbol.asyncDispose]() {
      await child.stop();
      folder[Symbol.dispose]();
    },
  };
}

/**
 * Starts a director and waits until it is ready: listeners open, first checks done.
 *
 * @throws {Error} with its output if it ends before.
 */
export async function startDirector(options: DirectorOptions): Promise<Director> {
  const director = await spawnDirector(options);
  let hasEnded = false;
  void director.process.exited.then(() => (hasEnded = true));
  const isReady = async (): Promise<boolean> => {
    if (hasEnded) throw new Error(`The director ended:\n${director.process.output()}`);
    // By the control socket, which is reached from outside a network namespace too.
    return (await askDirector(director, "/readyz"))?.status === 200;
  };
  try {
    await waitFor(isReady, { what: "ready director" });
    return director;
  } catch (error) {
    const output = director.process.output();
    await director[Symbol.asyncDispose]();
    throw new Error(`${String(error)}\n${output}`, { cause: error });
  }
}
