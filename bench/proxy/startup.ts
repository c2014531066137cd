/**
 * Time from the start of the process to the first accepted connection, and to the first answer.
 *
 * Run: `npm run bench -- startup`. Goal: ≤ 100 ms to the first accepted connection.
 *
 * A client tries to connect each millisecond from the moment the process is spawned. Nothing is
 * sent to a real server before its first check, so the first answer includes that check.
 *
 * @module
 */
import { startNginx } from "../../test/helpers/nginx.ts";
import { whileOwned } from "../harness/owner.ts";
import { figure, formatTable, median } from "../harness/statistics.ts";
import { loadPages } from "../load/wrk.ts";
import type { Candidate, RunningCandidate } from "./candidates.ts";

/** What {@link benchStartup} is told. */
export interface StartupOptions {
  readonly candidates: readonly Candidate[];
  /** Starts of each candidate. */
  readonly starts: number;
}

interface Row {
  readonly acceptedMs: number;
  readonly answeredMs: number;
}

const retryMs = 1;
const startTimeoutMs = 10_000;
const request = "GET /small.txt HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";

/** One attempt: what came of it, with the time of the connection. */
async function attempt(port: number): Promise<{ acceptedMs?: number; isAnswered: boolean }> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  try {
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        data: (_socket, chunk) => resolve(chunk.toString().startsWith("HTTP/1.1 200")),
        close: () => resolve(false),
        error: () => resolve(false),
      },
    });
    const acceptedMs = performance.now();
    socket.write(request);
    const isAnswered = await promise;
    socket.terminate();
    return { acceptedMs, isAnswered };
  } catch {
    return { isAnswered: false };
  }
}

async function measure(running: RunningCandidate): Promise<Row> {
  const deadlineMs = running.spawnedMs + startTimeoutMs;
  let firstMs: number | undefined;
  while (performance.now() < deadlineMs) {
    const { acceptedMs, isAnswered } = await attempt(running.port);
    firstMs ??= acceptedMs;
    if (isAnswered) {
      const answeredMs = performance.now() - running.spawnedMs;
      return { acceptedMs: firstMs! - running.spawnedMs, answeredMs };
    }
    await Bun.sleep(retryMs);
  }
  throw new Error(`The proxy did not answer:\n${running.process?.output() ?? ""}`);
}

/** Measures and returns the table. `owner` ends what is started. */
export async function benchStartup(
  { candidates, starts }: StartupOptions,
  owner: AsyncDisposableStack,
): Promise<string> {
  const realServer = owner.use(await startNginx({ pages: loadPages() }));
  const proxies = candidates.filter(({ name }) => name !== "direct");
  const results = new Map<string, Row[]>(proxies.map(({ name }) => [name, []]));
  const measureStart = async (candidate: Candidate): Promise<Row> => {
    const started = await candidate.start({ realServer: realServer.address, prefix: [] });
    return whileOwned(owner, started, measure);
  };
  // The first start of each reads the executable from disk: not measured.
  for (const candidate of proxies) await measureStart(candidate);
  for (let start = 0; start < starts; start++) {
    for (const candidate of start % 2 === 0 ? proxies : proxies.toReversed()) {
      results.get(candidate.name)!.push(await measureStart(candidate));
    }
  }
  const rows = [...results].map(([name, own]) => [
    name,
    figure(median(own.map((row) => row.acceptedMs)), 1),
    figure(Math.max(...own.map((row) => row.acceptedMs)), 1),
    figure(median(own.map((row) => row.answeredMs)), 1),
    figure(Math.max(...own.map((row) => row.answeredMs)), 1),
  ]);
  const head = [
    "candidate",
    "accepted ms, median",
    "worst",
    `answered ms, median of ${starts}`,
    "worst",
  ];
  return formatTable([head, ...rows]);
}
