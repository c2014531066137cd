/**
 * Signals to a running ldirectord, and waiting for its end.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";

import { ApplianceError } from "../../errors/index.ts";

/** Between two looks whether a process has ended, ms. */
const lookMs = 20;

/**
 * Sends a signal; to a process that is gone it makes no difference.
 *
 * @throws {ApplianceError} `LDIRECTORD_SIGNAL` if it belongs to somebody else.
 */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return;
    const message = `Cannot send ${signal} to ldirectord with pid ${pid}: run this as root`;
    throw new ApplianceError("LDIRECTORD_SIGNAL", message, { cause: error });
  }
}

/** Waits until `hasEnded` says so. @returns False if it has not within `timeoutMs`. */
export async function waitForEnd(
  hasEnded: () => boolean | Promise<boolean>,
  timeoutMs: number,
): Promise<boolean> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!(await hasEnded())) {
    if (performance.now() >= deadlineMs) return false;
    await sleep(lookMs);
  }
  return true;
}
