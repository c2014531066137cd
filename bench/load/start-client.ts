/**
 * Starts `bench/load/client.ts` as a process of its own.
 *
 * @module
 */
import { endWithThisProcess } from "../../test/helpers/process.ts";
import type { ClientPlan, ClientReport } from "./client.ts";

/** A running load client. */
export interface LoadClient extends AsyncDisposable {
  /**
   * Waits for the next report of this kind.
   *
   * @param onProgress Is handed what is reported before.
   * @throws {Error} at the deadline, or if the client ends without it.
   */
  next(
    event: ClientReport["event"],
    timeoutMs: number,
    onProgress?: (report: ClientReport) => void,
  ): Promise<ClientReport>;
  /** Sends a command. */
  send(command: "sample" | "close"): void;
}

async function* reportsOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<ClientReport> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    for (const line of lines) yield JSON.parse(line) as ClientReport;
  }
}

/** Starts a client; `await using` ends it. */
export function startClient(plan: ClientPlan): LoadClient {
  const path = new URL("client.ts", import.meta.url).pathname;
  const child = endWithThisProcess(
    Bun.spawn([process.execPath, path, JSON.stringify(plan)], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    }),
  );
  const reports = reportsOf(child.stdout);
  return {
    async next(event, timeoutMs, onProgress) {
      const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
      try {
        for (;;) {
          const { value, done } = await reports.next();
          if (done === true) throw new Error(`The load client ended before it said ${event}`);
          if (value.event === event) return value;
          onProgress?.(value);
        }
      } finally {
        clearTimeout(timer);
      }
    },
    send(command) {
      void child.stdin.write(`${command}\n`);
      void child.stdin.flush();
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}
