/**
 * How many requests a failing server costs, against HAProxy.
 *
 * Run: `npm run bench -- detection`. Goal: killed, hanging, answering 500 or with a wrong page, no
 * more bad requests than HAProxy in the same run; killed, none.
 *
 * Each round starts two real servers and all parties in front of them, each with a client of its
 * own that asks every 10 ms, so all meet the same fault of the same server at the same moment. The
 * moment falls into another phase of the checks each time.
 *
 * @module
 */
import { startProcess } from "../../test/helpers/process.ts";
import type { StartedProcess } from "../../test/helpers/process.ts";
import { figure, formatTable, median } from "../harness/statistics.ts";
import { startSteadyClient } from "./client.ts";
import { evaluateRequests } from "./outcome.ts";
import type { Outcome } from "./outcome.ts";
import { parties } from "./party.ts";

/** What {@link benchDetection} is told. */
export interface DetectionOptions {
  /** Rounds of each fault. */
  readonly rounds: number;
}

const requestIntervalMs = 10;
/** Before the fault: both have checked several times. */
const leadMs = 600;
/** Steps of the phase in which the fault comes; no divisor of the check's interval. */
const phaseMs = 37;
/** After the fault: several times what detection may take. */
const watchMs = 1500;

const faults: readonly (readonly [name: string, signal: NodeJS.Signals])[] = [
  ["killed", "SIGKILL"],
  ["hangs", "SIGSTOP"],
  ["HTTP 500", "SIGUSR1"],
  ["wrong page", "SIGUSR2"],
];

async function startRealServer(): Promise<{ process: StartedProcess; address: string }> {
  const path = new URL("real-server.ts", import.meta.url).pathname;
  const started = startProcess([process.execPath, path]);
  const [, port] = await started.waitForOutput(/port (\d+)/);
  return { process: started, address: `127.0.0.1:${port}` };
}

/** One fault in front of all parties at once. */
async function playRound(signal: NodeJS.Signals, round: number): Promise<readonly Outcome[]> {
  await using stack = new AsyncDisposableStack();
  const servers = await Promise.all([startRealServer(), startRealServer()]);
  for (const { process: child } of servers) {
    stack.defer(async () => {
      // A stopped process takes SIGTERM only once it goes on.
      child.kill("SIGCONT");
      await child.stop();
    });
  }
  const addresses = servers.map(({ address }) => address);
  const started = await Promise.all(parties.map((party) => party.start(addresses)));
  for (const running of started) stack.use(running);
  const clients = started.map(({ port }) => startSteadyClient(port, requestIntervalMs));
  await Bun.sleep(leadMs + phaseMs * round);
  const beganMs = performance.now();
  servers[0].process.kill(signal);
  if (signal === "SIGKILL") await servers[0].process.exited;
  const fault = { beganMs, doneMs: performance.now() };
  await Bun.sleep(watchMs);
  const requests = await Promise.all(clients.map((client) => client.stop()));
  return requests.map((own) => evaluateRequests(own, fault));
}

function range(values: readonly number[], digits = 0): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const [low, high] = [figure(least, digits), figure(most, digits)];
  return `${figure(median(values), digits)} (${low}–${high})`;
}

function sumOf(outcomes: readonly Outcome[], valueOf: (outcome: Outcome) => number): number {
  return outcomes.reduce((sum, outcome) => sum + valueOf(outcome), 0);
}

function rowsOf(fault: string, rounds: readonly (readonly Outcome[])[]): string[][] {
  return parties.map(({ name, peer }, index) => {
    const own = rounds.map((outcomes) => outcomes[index]!);
    const peerIndex = parties.findIndex((party) => party.name === peer);
    const worse = rounds.filter((outcomes) => outcomes[index]!.bad > outcomes[peerIndex]!.bad);
    return [
      fault,
      name,
      range(own.map(({ bad }) => bad)),
      String(sumOf(own, ({ bad }) => bad)),
      String(sumOf(own, ({ underWay }) => underWay)),
      range(own.map(({ lastBadMs }) => lastBadMs)),
      name === peer ? "–" : `${worse.length} of ${rounds.length}`,
      String(sumOf(own, ({ badBefore }) => badBefore)),
    ];
  });
}

/** Measures and returns the table. */
export async function benchDetection({ rounds }: DetectionOptions): Promise<string> {
  const rows: string[][] = [];
  for (const [fault, signal] of faults) {
    const outcomes: (readonly Outcome[])[] = [];
    for (let round = 0; round < rounds; round++) {
      outcomes.push(await playRound(signal, round));
    }
    process.stderr.write(`${fault}: ${rounds} rounds\n`);
    rows.push(...rowsOf(fault, outcomes));
  }
  const head = [
    "fault",
    "party",
    "bad requests, median (range)",
    "in all",
    "of them under way at the fault",
    "last bad one started after ms",
    "rounds with more than its peer",
    "bad before the fault",
  ];
  return formatTable([head, ...rows]);
}
