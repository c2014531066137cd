/**
 * What commands in the place of Heartbeat's have in common.
 *
 * @module
 */

import { ApplianceError } from "../../errors/index.ts";
import { exitStatus } from "../command.ts";
import type { CommandContext, ExitStatus } from "../command.ts";

/** Exit status of Heartbeat's tools for whatever went wrong. */
export const heartbeatFailed: ExitStatus = exitStatus.findings;

/** Runs `answer`; what cannot be done is told under the name of the program that was called. */
export async function answerAs(
  program: string,
  context: CommandContext,
  answer: () => Promise<ExitStatus>,
): Promise<ExitStatus> {
  try {
    return await answer();
  } catch (error) {
    if (context.signal.aborted) return exitStatus.interrupted;
    // A bug is told by the caller, with its stack.
    if (!(error instanceof ApplianceError)) throw error;
    context.stderr(`${program}: ${error.message}\n`);
    return heartbeatFailed;
  }
}
