/**
 * Memory with 9,000 idle connections, against HAProxy.
 *
 * Run: `npm run bench -- memory`. Goal: per connection ≤ 1.0 of HAProxy's; in all ≤ 1.25 of
 * HAProxy's with one worker, 1.0 aimed at.
 *
 * Each round starts a fresh process, measures its resident memory at rest, opens the connections
 * from a client of its own, and measures again at rest when both sides of each are open. 9,000 is
 * what a limit of 20,000 descriptors leaves, two for each connection. Afterwards 200 of them are
 * asked for a page.
 *
 * @module
 */
import { startNginx } from "../../test/helpers/nginx.ts";
import { waitFor } from "../../test/helpers/wait.ts";
import { descriptorCount, residentKib } from "../harness/cpu.ts";
import { whileOwned } from "../harness/owner.ts";
import { figure, formatTable, median, medianRatio } from "../harness/statistics.ts";
import { startClient } from "../load/start-client.ts";
import { waitForAnswer } from "../load/wait-answer.ts";
import { loadKinds, loadPages, runWrk } from "../load/wrk.ts";
import type { Candidate, RunningCandidate } from "./candidates.ts";

/** What {@link benchMemory} is told. */
export interface MemoryOptions {
  readonly candidates: readonly Candidate[];
  readonly connections: number;
  readonly rounds: number;
}

interface Row {
  readonly idleKib: number;
  readonly openKib: number;
  readonly bytesPerConnection: number;
  readonly answered: number;
}

/** Rest before each figure: longer than the director's interval of giving code back. */
const restMs = 17_000;
const sources = 8;
const sampled = 200;
/** Opening takes a second; a machine may stall. */
const openTimeoutMs = 60_000;

async function measure(running: RunningCandidate, connections: number): Promise<Row> {
  await waitForAnswer(running.port);
  // One second of traffic, so that code and buffers of a working proxy are in the first figure.
  await runWrk(loadKinds[0]!, { port: running.port, seconds: 1, prefix: [] });
  const pid = running.process!.pid;
  const descriptorsBefore = await settledDescriptors(pid);
  await Bun.sleep(restMs);
  const idleKib = residentKib(pid);
  await using client = startClient({
    mode: "hold",
    port: running.port,
    connections,
    concurrency: 64,
    sources,
    path: "/small.txt",
  });
  const opened = await client.next("open", openTimeoutMs);
  if (opened.failed > 0) throw new Error(`${opened.failed} connections were refused`);
  await waitFor(() => descriptorCount(pid) - descriptorsBefore >= 2 * connections, {
    what: `${2 * connections} descriptors of the proxy`,
    timeoutMs: openTimeoutMs,
  });
  await Bun.sleep(restMs);
  const openKib = residentKib(pid);
  client.send("sample");
  const { answered } = await client.next("sampled", openTimeoutMs);
  const bytesPerConnection = ((openKib - idleKib) * 1024) / connections;
  return { idleKib, openKib, bytesPerConnection, answered };
}

/** Descriptors of a process once none is opened or closed any more. */
async function settledDescriptors(pid: number): Promise<number> {
  let last = -1;
  return waitFor(
    async () => {
      const before = last;
      last = descriptorCount(pid);
      await Bun.sleep(100);
      return last === before ? last : undefined;
    },
    { what: "descriptors at rest" },
  );
}

/** Measures and returns the table. `owner` ends what is started. */
export async function benchMemory(
  { candidates, connections, rounds }: MemoryOptions,
  owner: AsyncDisposableStack,
): Promise<string> {
  const realServer = owner.use(await startNginx({ pages: loadPages() }));
  const proxies = candidates.filter(({ name }) => name !== "direct");
  const results = new Map<string, Row[]>(proxies.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    process.stderr.write(`round ${round + 1} of ${rounds}\n`);
    for (const candidate of round % 2 === 0 ? proxies : proxies.toReversed()) {
      const started = await candidate.start({ realServer: realServer.address, prefix: [] });
      const row = await whileOwned(owner, started, (running) => measure(running, connections));
      results.get(candidate.name)!.push(row);
    }
  }
  const base = results.get("haproxy") ?? [];
  const rows = [...results].map(([name, own]) => {
    const perConnection = own.map((row) => row.bytesPerConnection);
    const total = own.map((row) => row.openKib);
    return [
      name,
      figure(median(own.map((row) => row.idleKib)) / 1024, 1),
      figure(median(total) / 1024, 1),
      figure(median(perConnection) / 1024, 2),
      figure(
        medianRatio(
          perConnection,
          base.map((row) => row.bytesPerConnection),
        ),
        2,
      ),
      figure(
        medianRatio(
          total,
          base.map((row) => row.openKib),
        ),
        2,
      ),
      own.map((row) => `${row.answered}/${sampled}`).join(" "),
    ];
  });
  return formatTable([
    [
      "candidate",
      "idle MiB",
      `with ${connections} MiB`,
      "KiB/connection",
      "/connection ×haproxy",
      "total ×haproxy",
      "answered",
    ],
    ...rows,
  ]);
}
