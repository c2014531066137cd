/**
 * wrk as a client that runs as long as a test needs it, and then tells of every failed request.
 *
 * @module
 */
import { parseWrk } from "../../bench/load/wrk.ts";
import { startProcess } from "./process.ts";
import type { StartedProcess } from "./process.ts";

/** What {@link startWrk} may be told. */
export interface WrkOptions {
  readonly url: string;
  /** Connections at one time. */
  readonly connections: number;
  /** A new connection for each request. */
  readonly close?: boolean;
  /** Put before the command, for example `["ip", "netns", "exec", "x"]`. */
  readonly prefix?: readonly string[];
}

/** What a client met. */
export interface WrkReport {
  readonly requests: number;
  /** What wrk says of errors and of answers other than 2xx and 3xx; empty if there were none. */
  readonly errors: string;
}

/** A running wrk; disposing of it ends it without a report. */
export interface WrkRun extends AsyncDisposable {
  readonly process: StartedProcess;
  /** Ends it; its report. */
  finish(): Promise<WrkReport>;
}

/** It ends by itself then, whatever becomes of the test. */
const secondsMax = 60;
/** An answer that takes longer counts as an error. */
const timeoutSeconds = 10;

/** Starts wrk with one thread. */
export function startWrk(options: WrkOptions): WrkRun {
  const { url, connections, close = false, prefix = [] } = options;
  const load = ["-t1", `-c${connections}`, `-d${secondsMax}s`, "--timeout", `${timeoutSeconds}s`];
  const header = close ? ["-H", "Connection: close"] : [];
  const child = startProcess([...prefix, "wrk", ...load, ...header, "--latency", url]);
  return {
    process: child,
    async finish() {
      child.kill("SIGINT");
      await child.exited;
      await child.waitForOutput(/Transfer\/sec/);
      const report = parseWrk(child.output());
      if (report === undefined) throw new Error(`No report of wrk:\n${child.output()}`);
      return report;
    },
    async [Symbol.asyncDispose]() {
      // Stopped processes take SIGTERM only once they go on.
      child.kill("SIGCONT");
      await child.stop();
    },
  };
}
