/**
 * A host on which the executable is called as `ldirectord`: its link, its folders, and daemons that
 * end with the test.
 *
 * @module
 */
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { runProcess } from "../process.ts";
import { executablePath } from "../require-peer.ts";
import { createTempFolder } from "../temp-folder.ts";
import { waitFor } from "../wait.ts";

/** What is to be done after a test, the last one first. */
export type Cleanups = (() => unknown)[];

/** A real server whose page is its name. */
export function startRealServer(name: string, cleanups: Cleanups): number {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    development: false,
    fetch: () => new Response(name, { headers: { Connection: "close" } }),
  });
  cleanups.push(() => server.stop(true));
  return server.port!;
}

/** A virtual service of an ldirectord.cf; its servers are ports of loopback. */
export interface Service {
  readonly port: number;
  readonly servers: readonly number[];
  readonly more?: readonly string[];
}

/** An ldirectord.cf. */
function configText(globals: readonly string[], services: readonly Service[]): string {
  const blocks = services.map(({ port, servers, more = ["checktype=connect"] }) => [
    `virtual=127.0.0.1:${port}`,
    ...servers.map((server) => `\treal=127.0.0.1:${server} masq 5`),
    ...more.map((line) => `\t${line}`),
    "",
  ]);
  return [...globals, "checkinterval=1", "checktimeout=1", ...blocks.flat()].join("\n");
}

/** A host with the link `ldirectord`, and folders instead of /var/run, /run and /var/lib. */
export function createCommandHost(cleanups: Cleanups) {
  const folder = createTempFolder();
  cleanups.push(() => folder[Symbol.dispose]());
  const path = (name: string): string => join(folder.path, name);
  const program = path("ldirectord");
  symlinkSync(executablePath, program);
  mkdirSync(path("pid"));
  const env = {
    APPLIANCE_PID_DIR: path("pid"),
    APPLIANCE_RUNTIME_DIR: path("run"),
    APPLIANCE_STATE_DIR: path("state"),
  };
  const pidFile = (config: string): string => path(`pid/ldirectord.${config}.pid`);
  const pidOf = (config: string): number => Number(readFileSync(pidFile(config), "utf8"));
  return {
    env,
    path,
    program,
    pidFile,
    pidOf,
    log: path("ldirectord.log"),
    /** Waits until the log has this text. */
    logged: (text: string) =>
      waitFor(() => readIfThere(path("ldirectord.log")).includes(text), { what: text }),
    write(name: string, globals: readonly string[], services: readonly Service[]) {
      const logfile = `logfile="${path("ldirectord.log")}"`;
      writeFileSync(path(name), configText([logfile, ...globals], services));
      // Whatever becomes of the test, its daemon ends with it.
      cleanups.push(async () => {
        if (!existsSync(pidFile(name))) return;
        const pid = pidOf(name);
        const isDaemon = commandLineOf(pid).includes(path(name));
        if (isDaemon) process.kill(pid, "SIGKILL");
        await waitFor(() => !isDaemon || !isAlive(pid), { what: `end of ${pid}` });
      });
    },
    call: (...args: readonly string[]) => runProcess([program, ...args], { env, cwd: folder.path }),
  };
}

/** Text of a file; empty if there is none. */
export function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

/** Command line of a process, its words separated by blanks; empty if there is none. */
export function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

/** True unless the process has ended; one that nobody has waited for yet has. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
