/**
 * Command lines run within the test, against a director that is only its status endpoint.
 *
 * @module
 */

import { join } from "node:path";

import { runCli } from "../../src/cli/index.ts";
import type { CommandContext } from "../../src/cli/index.ts";
import { startStatusServer } from "../../src/status/index.ts";
import type { Snapshot } from "../../src/status/index.ts";
import { createFakeStatusSource } from "./fake-status-source.ts";
import { createTempFolder } from "./temp-folder.ts";

/** What a command has printed, and its exit status. */
export interface CliResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly signal?: AbortSignal;
  readonly isTerminal?: boolean;
  readonly color?: boolean;
  /** Called with everything that is printed, as it comes. */
  readonly onOutput?: (text: string) => void;
}

/** Lets `run` work with `runtime` as its runtime directory. */
export async function runInContext(
  runtime: string,
  run: (context: CommandContext) => Promise<number>,
  options: CliOptions = {},
): Promise<CliResult> {
  let stdout = "";
  let stderr = "";
  const context: CommandContext = {
    stdout(text) {
      stdout += text;
      options.onOutput?.(text);
    },
    stderr: (text) => void (stderr += text),
    environment: { APPLIANCE_RUNTIME_DIR: runtime },
    isTerminal: options.isTerminal ?? false,
    color: options.color ?? false,
    signal: options.signal ?? new AbortController().signal,
  };
  const status = await run(context);
  return { status, stdout, stderr };
}

/** Runs one command line with `runtime` as its runtime directory. */
export function runLine(
  runtime: string,
  args: readonly string[],
  options?: CliOptions,
): Promise<CliResult> {
  return runInContext(runtime, (context) => runCli(args, context), options);
}

/** A director that answers on a control socket of its own; use it with `await using`. */
export async function createCliFixture(start: Partial<Snapshot> = {}) {
  const folder = createTempFolder();
  const source = createFakeStatusSource(start);
  const server = await startStatusServer({
    source,
    unixPath: join(folder.path, "control.sock"),
    peerUid: () => 1000,
  });
  return {
    source,
    server,
    runtime: folder.path,
    run: (args: readonly string[], options?: CliOptions) => runLine(folder.path, args, options),
    async [Symbol.asyncDispose]() {
      await server.stop();
      folder[Symbol.dispose]();
    },
  };
}
