/**
 * Asks what virtual routers track: an ICMP echo, or a program that exits with status 0. With the
 * bounds of checks, but about this director, not about a real server.
 *
 * @module
 */

import type { Clock } from "../clock/index.ts";
import type { TrackTarget } from "../model/index.ts";
import { runProgram } from "../process/index.ts";
import { timedOut } from "./connector.ts";
import { judgeProgram } from "./external.ts";
import type { Failure } from "./failure.ts";
import { createPinger } from "./pinger.ts";
import { createPollLoop } from "./poll-loop.ts";

/** Targets that are asked; the carrier of an interface is told by the kernel. */
export type AskedTarget = Exclude<TrackTarget, { readonly type: "interface" }>;

/** Under what a target is asked. */
export interface AskContext {
  /** Login name that scripts run as when this process is root. */
  readonly user: string;
  /** Ends a script early. */
  readonly signal: AbortSignal;
}

/** Asks targets; all pings share a socket. */
export interface TrackAsker {
  /** Undefined: all is well. Settles at the latest after the target's time. */
  ask(target: AskedTarget, context: AskContext): Promise<Failure | undefined>;
  /** Gives the socket back. Nothing may be asked afterwards. */
  close(): void;
}

/** Output kept, for the reason shown. */
const outputBytesMax = 4096;

/** Creates an asker; deadlines run on `clock`. */
export function createTrackAsker(clock: Clock): TrackAsker {
  const pollLoop = createPollLoop(clock);
  const pinger = createPinger(clock, pollLoop);

  const runScript = async (
    { command, timeoutMs }: Extract<AskedTarget, { readonly type: "script" }>,
    context: AskContext,
  ): Promise<Failure | undefined> => {
    const deadline = { atMs: clock.nowMs() + timeoutMs, limitMs: timeoutMs };
    const { promise: late, resolve } = Promise.withResolvers<Failure>();
    // A program in uninterruptible sleep outlives its kill; nobody waits for it.
    const timer = clock.after(timeoutMs, () => resolve(timedOut("no end", deadline)));
    const ended = runProgram({ command, timeoutMs, outputBytesMax, ...context }).then(judgeProgram);
    const failure = await Promise.race([ended, late]);
    timer.cancel();
    return failure;
  };

  return {
    ask(target, context) {
      if (target.type === "script") return runScript(target, context);
      const { address, timeoutMs } = target;
      return pinger.ping(address, { atMs: clock.nowMs() + timeoutMs, limitMs: timeoutMs });
    },
    close: () => pollLoop.close(),
  };
}
