/**
 * Pid files as ldirectord has them: one for each configuration, named after it.
 *
 * @module
 */

import { readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";

import { ApplianceError, errorText } from "../../errors/index.ts";

/** The only file that is meant when no configuration is named. */
export const defaultConfigPath = "/etc/ha.d/ldirectord.cf";

/** Name in pid files and log of that one. */
export const defaultConfigName = "ldirectord";

/**
 * Name of a configuration in pid files and log: the file's own name, but for the default
 * configuration, whose pid file scripts look for under {@link defaultConfigName}. Pure.
 */
export function configNameOf(path: string): string {
  if (path === defaultConfigPath) return defaultConfigName;
  return path.slice(path.lastIndexOf("/") + 1);
}

/**
 * `/var/run/ldirectord.NAME.pid`; `APPLIANCE_PID_DIR` is a folder instead of `/var/run`. Pure.
 */
export function pidFilePath(
  configName: string,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  const { APPLIANCE_PID_DIR: folder } = environment;
  const where = folder === undefined || folder === "" ? "/var/run" : folder;
  return `${where}/ldirectord.${configName}.pid`;
}

/**
 * Every pid file of a configuration, the one that counts first. Scripts look for the default one
 * also under the name of its file, as ldirectord calls it when the file is named. Pure.
 */
export function pidFilePaths(
  configName: string,
  environment: Readonly<Record<string, string | undefined>>,
): readonly [string, ...string[]] {
  const path = pidFilePath(configName, environment);
  if (configName !== defaultConfigName) return [path];
  return [path, pidFilePath(`${defaultConfigName}.cf`, environment)];
}

/** What a pid file says. */
export type PidState =
  | { readonly state: "none" }
  /** It names no process, or one of another program. */
  | { readonly state: "stale" }
  | { readonly state: "running"; readonly pid: number; readonly isOurs: boolean };

/** Command line of a process, its words separated by NUL; undefined if there is none. */
function commandLineOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch {
    return undefined;
  }
}

/** True if a process runs this very program. */
function runsThisProgram(pid: number): boolean {
  try {
    // After an upgrade the kernel says that the old file is deleted; it is this program still.
    const path = readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, "");
    return path === process.execPath || path.endsWith("/appliance");
  } catch {
    return false;
  }
}

/** Reads a pid file; as for ldirectord, a process counts if its command line has that word. */
export function readPidFile(path: string): PidState {
  let text: string;
  try {
    text = readFileSync(path, "latin1");
  } catch {
    return { state: "none" };
  }
  const pid = Number(/^\d{1,9}/.exec(text)?.[0] ?? 0);
  const commandLine = pid === 0 ? undefined : commandLineOf(pid);
  if (commandLine === undefined || !commandLine.includes("ldirectord")) {
    const isOurs = commandLine !== undefined && commandLine !== "" && runsThisProgram(pid);
    return isOurs ? { state: "running", pid, isOurs } : { state: "stale" };
  }
  return { state: "running", pid, isOurs: runsThisProgram(pid) };
}

/** Writes the number of this process. @throws {ApplianceError} `LDIRECTORD_PID_FILE`. */
export function writePidFile(path: string): void {
  try {
    // Opened anew: a link that others have put there must not be followed.
    rmSync(path, { force: true });
    writeFileSync(path, `${process.pid}\n`, { mode: 0o644, flag: "wx" });
  } catch (error) {
    const message = `Can not open ${path}: ${errorText(error)}`;
    throw new ApplianceError("LDIRECTORD_PID_FILE", message, { cause: error });
  }
}

/** Removes it, unless it names another process by now. */
export function removePidFile(path: string): void {
  try {
    if (Number(readFileSync(path, "latin1")) === process.pid) rmSync(path, { force: true });
  } catch {
    // It is gone, which is all that was wanted.
  }
}
