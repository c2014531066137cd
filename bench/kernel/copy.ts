/**
 * Connections of one table copied into another one, by what two directors do: walked, told by
 * addresses, sealed and opened as frames of the peer channel, found by configuration, written. Both
 * ends take turns in one thread, whose processor time is counted; there is no network between.
 *
 * Goal (issue "kernel engines"): 1,000,000 connections in at most 1.5 s; memory per connection
 * stated.
 *
 * @module
 */
import { readFileSync } from "node:fs";

import { PortionWriter } from "../../src/datapath/bpf/connection-codec.ts";
import { ConnectionCopier } from "../../src/datapath/bpf/connection-copy.ts";
import { parseAddress } from "../../src/net/address.ts";
import { PeerStream } from "../../src/peer/index.ts";
import { forwardingServer, forwardingService } from "../../test/helpers/balancer-lan.ts";
import { TestBalancer } from "../../test/helpers/balancer-program.ts";
import { longTimeouts } from "../../test/helpers/traffic/forwarding.ts";
import { figure, formatTable, median } from "../harness/statistics.ts";

const virtual = "192.0.2.1";
const portionEntries = 4096;
/** A table forgets some before it is full: processors keep entries of their own. */
const spareShare = 1.2;

/** What {@link benchCopy} is told. */
export interface CopyBenchOptions {
  readonly connections: number;
  readonly rounds: number;
}

/** Milliseconds of processor time of each part, and of the clock in all. */
interface CopyRound {
  readonly tellMs: number;
  readonly frameMs: number;
  readonly takeMs: number;
  readonly clockMs: number;
  readonly copied: number;
}

const servers = Array.from({ length: 16 }, (_, index) => `192.0.2.${100 + index}`);

function createSide(connections: number, owner: AsyncDisposableStack) {
  const balancer = new TestBalancer(Math.ceil(connections * spareShare));
  owner.defer(() => balancer[Symbol.dispose]());
  const list = servers.map((address) => forwardingServer(address, 80));
  const timeouts = { ...longTimeouts, idleMs: 3_600_000 };
  balancer.write([forwardingService([virtual, 80], list, { timeouts })]);
  const { program } = balancer;
  // A lease that never began, as on a backup: entries are written many at once.
  program.kernel.update(program.map("addresses4"), parseAddress(virtual)!, new Uint8Array(4));
  const copier = new ConnectionCopier({ program, deviceTo: () => 1, onWatch: () => undefined });
  copier.follow(balancer.planned);
  return { balancer, copier };
}

/** Portions of connections of as many clients, each with a port of its own. */
function* makePortions(connections: number): Generator<Uint8Array> {
  const address = parseAddress(virtual)!;
  const at = servers.map((server) => parseAddress(server)!);
  for (let first = 0; first < connections; first += portionEntries) {
    const count = Math.min(portionEntries, connections - first);
    const writer = new PortionWriter(4, count);
    for (let number = first; number < first + count; number++) {
      const client = [10, number >> 16, (number >> 8) & 255, number & 255];
      const flow = Uint8Array.from([...client, ...address, 0x80, number & 127, 0, 80, 6, 0, 0, 0]);
      const rest = { port: 80, isFallback: false, state: 0, ageS: number % 60 };
      writer.add(flow, 0, { ...rest, address: at[number % at.length]! });
    }
    yield writer.finish();
  }
}

function createStreams(): readonly [caller: PeerStream, listener: PeerStream] {
  const key = { id: "", secret: new Uint8Array(32).fill(7) };
  const nonce = new Uint8Array(16);
  const secrets = { key, callerNonce: nonce, listenerNonce: nonce };
  return [new PeerStream("caller", secrets), new PeerStream("listener", secrets)];
}

async function copyOnce(from: ConnectionCopier, to: ConnectionCopier): Promise<CopyRound> {
  const [caller, listener] = createStreams();
  let [tellMs, frameMs, takeMs, copied] = [0, 0, 0, 0];
  const beganMs = performance.now();
  let atMs = processorMs();
  const lap = (): number => {
    const before = atMs;
    atMs = processorMs();
    return atMs - before;
  };
  for await (const { bytes } of from.walk()) {
    tellMs += lap();
    const [portion] = listener.push(caller.seal(bytes))!;
    frameMs += lap();
    copied += to.take(portion!)!.taken;
    takeMs += lap();
  }
  tellMs += lap();
  return { tellMs, frameMs, takeMs, clockMs: performance.now() - beganMs, copied };
}

/** Time that this process had on a processor, in the kernel too. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Bytes that the kernel holds for a map. */
function memoryOf(map: number): number {
  const text = readFileSync(`/proc/self/fdinfo/${map}`, "utf8");
  return Number(/^memlock:\s+(\d+)/m.exec(text)?.[1] ?? Number.NaN);
}

/** Runs it and prints its table. */
export async function benchCopy(
  { connections, rounds }: CopyBenchOptions,
  owner: AsyncDisposableStack,
): Promise<string> {
  const from = createSide(connections, owner);
  for (const portion of makePortions(connections)) from.copier.take(portion);
  // Who tells them answers for the address.
  const { program } = from.balancer;
  program.kernel.remove(program.map("addresses4"), parseAddress(virtual)!);
  const results: CopyRound[] = [];
  for (let round = 0; round < rounds; round++) {
    await using own = new AsyncDisposableStack();
    results.push(await copyOnce(from.copier, createSide(connections, own).copier));
  }
  const ms = (part: (round: CopyRound) => number): string => figure(median(results.map(part)), 0);
  const entriesMax = Math.ceil(connections * spareShare);
  const four = memoryOf(program.map("connections4")) / entriesMax;
  // A quarter as many.
  const six = memoryOf(program.map("connections6")) / Math.ceil(entriesMax / 4);
  const rows = [
    ["connections", "told ms", "frames ms", "taken ms", "in all ms", "by the clock", "bytes each"],
    [
      String(Math.min(...results.map(({ copied }) => copied))),
      ms(({ tellMs }) => tellMs),
      ms(({ frameMs }) => frameMs),
      ms(({ takeMs }) => takeMs),
      ms(sumOf),
      ms(({ clockMs }) => clockMs),
      `${figure(four, 0)}, IPv6 ${figure(six, 0)}`,
    ],
  ];
  return formatTable(rows);
}

function sumOf({ tellMs, frameMs, takeMs }: CopyRound): number {
  return tellMs + frameMs + takeMs;
}
