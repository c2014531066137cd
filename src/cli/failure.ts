/**
 * How a command's failure is told, and the exit status for it (sysexits.h(3)).
 *
 * @module
 */

import { ApplianceError, errorText } from "../errors/index.ts";
import { exitStatus } from "./command.ts";
import type { ExitStatus } from "./command.ts";

/** Exit status by error code; the director's own codes come over the control socket. */
const statusByCode: Readonly<Record<string, ExitStatus>> = {
  CLI_USAGE: exitStatus.usage,
  CONFIG_INVALID: exitStatus.dataError,
  CONFIG_FILE_MISSING: exitStatus.noInput,
  CONFIG_FILE_PERMISSION: exitStatus.permission,
  CONFIG_FILE_UNREADABLE: exitStatus.noInput,
  CONTROL_NOT_RUNNING: exitStatus.unavailable,
  CONTROL_PERMISSION: exitStatus.permission,
  CONTROL_TIMEOUT: exitStatus.unavailable,
  CONTROL_ANSWER: exitStatus.internal,
  SERVER_UNKNOWN: exitStatus.dataError,
  SERVICE_UNKNOWN: exitStatus.dataError,
  VRRP_UNKNOWN: exitStatus.dataError,
  CHANGES_WAIT: exitStatus.busy,
  RELOADS_WAIT: exitStatus.busy,
  DIRECTOR_STARTING: exitStatus.busy,
  DIRECTOR_STOPPING: exitStatus.busy,
  SETUP_PERMISSION: exitStatus.permission,
  SETUP_RECORD: exitStatus.dataError,
  SETUP_REFUSED: exitStatus.dataError,
  UPGRADE_RUNS: exitStatus.busy,
  STATUS_TOO_MANY_CLIENTS: exitStatus.busy,
};

/** Exit status for whatever a command threw. */
export function exitStatusOf(error: unknown): ExitStatus {
  if (!(error instanceof ApplianceError)) return exitStatus.internal;
  return statusByCode[error.code] ?? exitStatus.unavailable;
}

/** Code of an error for `--json`; a bug has `INTERNAL`. */
function codeOf(error: unknown): string {
  return error instanceof ApplianceError ? error.code : "INTERNAL";
}

/** The error as JSON, one line. */
export function formatErrorJson(error: unknown): string {
  return `${JSON.stringify({ error: { code: codeOf(error), message: errorText(error) } })}\n`;
}

/** The error for people: a bug with its stack, everything else in its own words. */
export function formatErrorText(commandName: string, error: unknown): string {
  const isBug = !(error instanceof ApplianceError) && error instanceof Error;
  return `appliance ${commandName}: ${isBug ? (error.stack ?? error.message) : errorText(error)}\n`;
}
