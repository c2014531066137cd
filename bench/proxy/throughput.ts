/**
 * CPU time of the proxy for each request, against HAProxy in the same run.
 *
 * Run: `npm run bench -- proxy`. Goal (CPU per request of HAProxy / ours, kernel threads counted):
 * new connections ≥ 1.0; keep-alive ≥ 1.1, with sockmap ≥ 2.0; bulk ≥ 1.1 against HAProxy with
 * splice.
 *
 * The candidates run in turn within a round, in alternating order, so that a slow moment of the
 * machine hits all of them; ratios are taken within a round, and their median is shown. wrk and
 * nginx have one core, the proxy has another.
 *
 * @module
 */
import { startNginx } from "../../test/helpers/nginx.ts";
import { startCpuMeter } from "../harness/cpu.ts";
import { figure, formatTable, median, medianRatio } from "../harness/statistics.ts";
import { waitForAnswer } from "../load/wait-answer.ts";
import { loadPages, runWrk } from "../load/wrk.ts";
import type { LoadKind, LoadResult } from "../load/wrk.ts";
import type { Candidate, RunningCandidate } from "./candidates.ts";

/** What {@link benchThroughput} is told. */
export interface ThroughputOptions {
  readonly candidates: readonly Candidate[];
  readonly kinds: readonly LoadKind[];
  readonly rounds: number;
  /** Length of one run of wrk. */
  readonly seconds: number;
  /** Cores of the load and of the proxy. */
  readonly loadCpu: number;
  readonly proxyCpu: number;
}

/** One run of wrk through one candidate. CPU times are for one request. */
interface Row extends LoadResult {
  readonly processUs: number;
  readonly kernelThreadUs: number;
  readonly softirqUs: number;
  /** What counts: the process, and the kernel threads where they work for the proxy. */
  readonly costUs: number;
  /** Share of the proxy's core that was in use by the proxy. */
  readonly utilisation: number;
}

type Results = Map<string, Row[]>;

function pin(cpu: number): string[] {
  return ["taskset", "-c", String(cpu)];
}

async function measure(
  name: string,
  running: RunningCandidate,
  kind: LoadKind,
  options: ThroughputOptions,
): Promise<Row> {
  const { seconds, loadCpu, proxyCpu } = options;
  const readMeter = startCpuMeter(running.process?.pid, proxyCpu);
  const startedMs = performance.now();
  const result = await runWrk(kind, { port: running.port, seconds, prefix: pin(loadCpu) });
  const tookMs = performance.now() - startedMs;
  const used = readMeter();
  const perRequestUs = (ms: number): number => (ms * 1000) / result.requests;
  const processUs = perRequestUs(used.processMs);
  const kernelThreadUs = perRequestUs(used.kernelThreadMs);
  return {
    ...result,
    processUs,
    kernelThreadUs,
    softirqUs: perRequestUs(used.softirqMs),
    // Kernel threads work for the whole machine: they are charged to the one that has them work
    // in its place, and shown for all.
    costUs: processUs + (name === "appliance-sockmap" ? kernelThreadUs : 0),
    utilisation: used.processMs / tookMs,
  };
}

const head = [
  "load",
  "candidate",
  "CPU µs/request",
  "kernel threads µs",
  "softirq µs",
  "efficiency ×haproxy",
  "×haproxy-splice",
  "requests/s",
  "×haproxy",
  "p50 µs",
  "p99 µs",
  "core in use",
  "errors",
];

function resultRow(kind: LoadKind, name: string, results: Results): string[] {
  const rowsOf = (candidate: string): Row[] => results.get(`${kind.name} ${candidate}`) ?? [];
  const rows = rowsOf(name);
  const middle = (key: (row: Row) => number, digits: number): string =>
    figure(median(rows.map(key)), digits);
  const costs = rows.map((row) => row.costUs);
  const efficiency = (base: string): string =>
    figure(
      medianRatio(
        rowsOf(base).map((row) => row.costUs),
        costs,
      ),
      2,
    );
  const rates = rows.map((row) => row.requestsPerSecond);
  const baseRates = rowsOf("haproxy").map((row) => row.requestsPerSecond);
  const errors = [...new Set(rows.map((row) => row.errors))].filter((text) => text !== "");
  const rate = (kind.bodyBytes * 8 * median(rates)) / 1e9;
  return [
    kind.name,
    name,
    middle((row) => row.processUs, 2),
    middle((row) => row.kernelThreadUs, 2),
    middle((row) => row.softirqUs, 2),
    name === "direct" ? "–" : efficiency("haproxy"),
    name === "direct" ? "–" : efficiency("haproxy-splice"),
    middle((row) => row.requestsPerSecond, 0) + (rate > 1 ? ` (${figure(rate, 1)} Gbit/s)` : ""),
    baseRates.length === 0 ? "–" : figure(medianRatio(rates, baseRates), 2),
    middle((row) => row.p50Us, 0),
    middle((row) => row.p99Us, 0),
    middle((row) => row.utilisation, 2),
    errors.length === 0 ? "0" : errors.join("; "),
  ];
}

/** Measures and returns the table. `owner` ends what is started. */
export async function benchThroughput(
  options: ThroughputOptions,
  owner: AsyncDisposableStack,
): Promise<string> {
  const { candidates, kinds, rounds, loadCpu, proxyCpu } = options;
  const directives = "open_file_cache max=10;";
  const realServer = owner.use(
    await startNginx({ pages: loadPages(), prefix: pin(loadCpu), directives }),
  );
  const running = new Map<string, RunningCandidate>();
  for (const candidate of candidates) {
    const setting = { realServer: realServer.address, prefix: pin(proxyCpu) };
    const started = owner.use(await candidate.start(setting));
    running.set(candidate.name, started);
    await waitForAnswer(started.port);
  }
  // Everybody's first requests are dearer (checks not done, code not compiled): not measured.
  for (const kind of kinds) {
    for (const { port } of running.values()) {
      await runWrk(kind, { port, seconds: 1, prefix: pin(loadCpu) });
    }
  }
  const results: Results = new Map();
  const names = [...running.keys()];
  for (let round = 0; round < rounds; round++) {
    process.stderr.write(`round ${round + 1} of ${rounds}\n`);
    for (const kind of kinds) {
      for (const name of round % 2 === 0 ? names : names.toReversed()) {
        const row = await measure(name, running.get(name)!, kind, options);
        const key = `${kind.name} ${name}`;
        results.set(key, [...(results.get(key) ?? []), row]);
      }
    }
  }
  const rows = kinds.flatMap((kind) => names.map((name) => resultRow(kind, name, results)));
  return formatTable([head, ...rows]);
}
