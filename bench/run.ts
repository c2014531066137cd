/**
 * `npm run bench`: runs benchmarks and prints their tables as Markdown, for bench/results.md.
 *
 *     npm run bench                                          proxy, memory, startup
 *     npm run bench -- proxy --rounds=4 --seconds=2 --loads=close,bulk
 *     npm run bench -- proxy memory --candidates=haproxy,appliance
 *     npm run bench -- soak --connections=200000
 *     npm run bench -- detection --rounds=12
 *     npm run bench -- failover --rounds=10 --scenarios=killed,gone --parties=appliance
 *     npm run bench -- kernel --rounds=6 --seconds=2
 *     npm run bench -- packet --rounds=2000
 *     npm run bench -- copy --connections=1000000 --rounds=6
 *     npm run bench -- scheduler check                       the *.bench.ts files of these names
 *
 * Each benchmark states its goal in the head comment of its file.
 *
 * @module
 */
import { existsSync } from "node:fs";

import { requirePeer } from "../test/helpers/require-peer.ts";
import { benchDetection } from "./detection/detection.ts";
import { benchFailover } from "./failover/failover.ts";
import { allowedCpus } from "./harness/cpu.ts";
import { takeTurn } from "./harness/exclusive.ts";
import { describeMachine } from "./harness/machine.ts";
import { withOwner } from "./harness/owner.ts";
import { benchCopy } from "./kernel/copy.ts";
import { benchKernel } from "./kernel/kernel.ts";
import { benchPacket } from "./kernel/packet.ts";
import { loadKinds } from "./load/wrk.ts";
import { candidates, chooseCandidates } from "./proxy/candidates.ts";
import { benchMemory } from "./proxy/memory.ts";
import { benchStartup } from "./proxy/startup.ts";
import { benchThroughput } from "./proxy/throughput.ts";
import { benchSoak } from "./soak.ts";

interface Arguments {
  readonly names: readonly string[];
  readonly options: ReadonlyMap<string, string>;
}

type Bench = (args: Arguments, owner: AsyncDisposableStack) => Promise<string>;

/** Connections of the full soak, as product and issue name them. */
const soakConnections = 2_000_000;
/** Two descriptors each, of 20,000. */
const idleConnections = 9_000;
/** Slower than 500 connections a second is a fault of its own. */
const soakMsPerConnection = 2;

const optionNames = [
  "rounds",
  "seconds",
  "candidates",
  "loads",
  "connections",
  "starts",
  "scenarios",
  "parties",
];

function parseArguments(args: readonly string[]): Arguments {
  const names: string[] = [];
  const options = new Map<string, string>();
  for (const arg of args) {
    const [, name, value] = arg.match(/^--([a-z]+)=(.+)$/) ?? [];
    if (name !== undefined && optionNames.includes(name)) options.set(name, value!);
    else if (arg.startsWith("-")) {
      const known = optionNames.map((option) => `--${option}=`).join(" ");
      throw new Error(`Unknown option ${arg}, expected one of ${known}`);
    } else names.push(arg);
  }
  return { names: names.length > 0 ? names : ["proxy", "memory", "startup"], options };
}

function numberOption(args: Arguments, name: string, fallback: number): number {
  const text = args.options.get(name);
  if (text === undefined) return fallback;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new Error(`Expected a number above 0, got --${name}=${text}`);
}

function candidatesOption(args: Arguments, fallback: readonly string[]) {
  return chooseCandidates(args.options.get("candidates")?.split(",") ?? fallback);
}

const throughput: Bench = (args, owner) => {
  const cpus = allowedCpus();
  const loads = args.options.get("loads")?.split(",") ?? loadKinds.map(({ name }) => name);
  const options = {
    candidates: candidatesOption(
      args,
      candidates.map(({ name }) => name).filter((name) => name !== "appliance-sockmap"),
    ),
    kinds: loadKinds.filter(({ name }) => loads.includes(name)),
    rounds: numberOption(args, "rounds", 6),
    seconds: numberOption(args, "seconds", 2),
    loadCpu: cpus[0]!,
    proxyCpu: cpus[1] ?? cpus[0]!,
  };
  return benchThroughput(options, owner);
};

const memory: Bench = (args, owner) =>
  benchMemory(
    {
      candidates: candidatesOption(args, ["haproxy", "appliance", "appliance-portable"]),
      connections: numberOption(args, "connections", idleConnections),
      rounds: numberOption(args, "rounds", 3),
    },
    owner,
  );

const startup: Bench = (args, owner) =>
  benchStartup(
    {
      candidates: candidatesOption(args, ["haproxy", "appliance"]),
      starts: numberOption(args, "starts", 12),
    },
    owner,
  );

const soak: Bench = async (args, owner) => {
  const [candidate] = candidatesOption(args, ["appliance"]);
  if (candidate === undefined) return "nothing to soak";
  const connections = numberOption(args, "connections", soakConnections);
  const options = {
    candidate,
    connections,
    timeoutMs: 60_000 + connections * soakMsPerConnection,
    onReading: (reading: object) => process.stderr.write(`${JSON.stringify(reading)}\n`),
  };
  return benchSoak(options, owner);
};

const detection: Bench = (args) => benchDetection({ rounds: numberOption(args, "rounds", 12) });

/** Seconds of loss and load, as issue and product name them. */
const failoverSeconds = 60;

const failover: Bench = (args) =>
  benchFailover({
    rounds: numberOption(args, "rounds", 10),
    seconds: numberOption(args, "seconds", failoverSeconds),
    scenarios: args.options.get("scenarios")?.split(","),
    parties: args.options.get("parties")?.split(","),
  });

const kernel: Bench = (args, owner) =>
  benchKernel(
    { rounds: numberOption(args, "rounds", 6), seconds: numberOption(args, "seconds", 2) },
    owner,
  );

const packet: Bench = async (args) => {
  await Promise.resolve();
  return benchPacket({ calls: numberOption(args, "rounds", 2000) });
};
/** Connections that are copied, as the issue names them. */
const copiedConnections = 1_000_000;

const copy: Bench = (args, owner) =>
  benchCopy(
    {
      connections: numberOption(args, "connections", copiedConnections),
      rounds: numberOption(args, "rounds", 6),
    },
    owner,
  );

const benches: Readonly<Record<string, Bench>> = {
  proxy: throughput,
  memory,
  startup,
  soak,
  detection,
  failover,
  kernel,
  packet,
  copy,
};

/** Runs a mitata file in a process of its own, which prints its own tables. */
async function runFile(path: string): Promise<void> {
  const child = Bun.spawn([process.execPath, path], { stdio: ["ignore", "inherit", "inherit"] });
  if ((await child.exited) !== 0) throw new Error(`${path} failed`);
}

async function main(): Promise<void> {
  const args = parseArguments(process.argv.slice(2));
  using _turn = takeTurn();
  process.stdout.write(`${await describeMachine()}\n`);
  for (const name of args.names) {
    process.stdout.write(`\n### ${name}\n\n`);
    const path = new URL(`${name}.bench.ts`, import.meta.url).pathname;
    const bench = benches[name];
    if (bench === undefined && existsSync(path)) {
      await runFile(path);
      continue;
    }
    if (bench === undefined) {
      throw new Error(`Unknown benchmark ${name}, expected ${Object.keys(benches).join(", ")}`);
    }
    const { skip, reason } = requirePeer("wrk", "nginx", "taskset");
    if (skip) throw new Error(`Cannot measure: ${reason}`);
    process.stdout.write(`${await withOwner((owner) => bench(args, owner))}\n`);
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
