/**
 * Soak: many short connections through one director, watching its memory and its descriptors.
 *
 * Run: `npm run bench -- soak` (2 million connections). Goal: when all are gone, as many
 * descriptors as before, and no growth of memory between the first tenth and the end beyond what
 * the allocator keeps. `test/integration/soak.test.ts` runs 1 % of it.
 *
 * Connections come from several addresses of loopback. One in about ninety is reset halfway, one
 * in about ninety closes without a word.
 *
 * @module
 */
import { startNginx } from "../test/helpers/nginx.ts";
import { waitFor } from "../test/helpers/wait.ts";
import { descriptorCount, residentKib } from "./harness/cpu.ts";
import { figure, formatTable } from "./harness/statistics.ts";
import type { ClientReport } from "./load/client.ts";
import { startClient } from "./load/start-client.ts";
import { waitForAnswer } from "./load/wait-answer.ts";
import { loadPages } from "./load/wrk.ts";
import type { Candidate } from "./proxy/candidates.ts";

/** What {@link runSoak} is told. */
export interface SoakOptions {
  readonly candidate: Candidate;
  readonly connections: number;
  /** Longest time for all of them. */
  readonly timeoutMs: number;
  /** Is handed each reading, about a hundred of them. */
  readonly onReading?: (reading: SoakReading) => void;
}

/** State of the director at one moment. */
export interface SoakReading {
  /** Connections ended so far. */
  readonly connections: number;
  readonly residentKib: number;
  readonly descriptors: number;
}

/** Outcome of a soak. */
export interface SoakResult {
  readonly client: ClientReport;
  /** Before the first connection. */
  readonly before: SoakReading;
  /** After a tenth of them: caches and compiled code are there. */
  readonly warm: SoakReading;
  /** After the last one, when the descriptors had time to go. */
  readonly after: SoakReading;
  readonly tookMs: number;
}

const sources = 16;
const concurrency = 64;
const readings = 100;
/** What the client reset or left half closed is gone by then. */
const settleTimeoutMs = 60_000;

/** Drives `connections` through a fresh director. `owner` ends what is started. */
export async function runSoak(
  { candidate, connections, timeoutMs, onReading }: SoakOptions,
  owner: AsyncDisposableStack,
): Promise<SoakResult> {
  const realServer = owner.use(await startNginx({ pages: loadPages() }));
  const running = owner.use(await candidate.start({ realServer: realServer.address, prefix: [] }));
  const pid = running.process!.pid;
  const read = (done: number): SoakReading => ({
    connections: done,
    residentKib: residentKib(pid),
    descriptors: descriptorCount(pid),
  });
  await waitForAnswer(running.port);
  const before = read(0);
  let warm: SoakReading | undefined;
  let lastReading = 0;
  const startedMs = performance.now();
  const plan = { mode: "churn", connections, concurrency, sources, path: "/small.txt" } as const;
  await using client = startClient({ ...plan, port: running.port });
  const report = await client.next("done", timeoutMs, ({ connections: done }) => {
    if (warm === undefined && done >= connections / 10) warm = read(done);
    if (done - lastReading < connections / readings) return;
    lastReading = done;
    onReading?.(read(done));
  });
  const tookMs = performance.now() - startedMs;
  await waitFor(() => descriptorCount(pid) <= before.descriptors, {
    what: `${before.descriptors} descriptors as before, there are ${descriptorCount(pid)}`,
    timeoutMs: settleTimeoutMs,
  }).catch(() => undefined);
  return { client: report, before, warm: warm ?? before, after: read(connections), tookMs };
}

/** Runs a soak and returns its table. */
export async function benchSoak(
  options: SoakOptions,
  owner: AsyncDisposableStack,
): Promise<string> {
  const result = await runSoak(options, owner);
  const row = (name: string, reading: SoakReading): string[] => [
    name,
    String(reading.connections),
    figure(reading.residentKib / 1024, 1),
    String(reading.descriptors),
  ];
  const { answered, aborted, failed } = result.client;
  const rate = (options.connections / result.tookMs) * 1000;
  return [
    formatTable([
      ["moment", "connections", "resident MiB", "descriptors"],
      row("before", result.before),
      row("after a tenth", result.warm),
      row("at the end", result.after),
    ]),
    "",
    `${options.candidate.name}: ${answered} answered, ${aborted} ended early by the client, ` +
      `${failed} failed; ${figure(rate, 0)} connections/s`,
  ].join("\n");
}
