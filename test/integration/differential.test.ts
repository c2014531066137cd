/**
 * The same random traffic through every engine: each end of each connection must see the same
 * bytes in the same order and the same end, and the engines must tell the same of it.
 *
 * `FUZZ_SEED` repeats a run, `FUZZ_RUNS` sets the number of connections.
 *
 * @module
 */

import { describe, expect, test } from "bun:test";

import type { CloseCause } from "../../src/datapath/index.ts";
import { EngineBench } from "../contract/engine-bench.ts";
import { manyWorkers, portableEngine } from "../contract/engine-list.ts";
import type { EngineCase } from "../contract/engine-list.ts";
import { checksumOf, createRandom, makeBody } from "../helpers/traffic/body.ts";
import { until } from "../helpers/traffic/deadline.ts";
import { serverAt } from "../helpers/traffic/forwarding.ts";
import { idBytes, makeScript, playSide } from "../helpers/traffic/script.ts";
import type { ConnectionScript, SideOutcome } from "../helpers/traffic/script.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const connections = Number(process.env["FUZZ_RUNS"] ?? 120);
const atOnce = 16;
const testMs = 30_000;

const engines: readonly EngineCase[] = [portableEngine, manyWorkers];

interface Seen {
  readonly client: SideOutcome;
  readonly server: SideOutcome;
  /** What the engine told of the connection. */
  readonly told: { readonly cause: string; readonly bytesIn: number; readonly bytesOut: number };
}

/** Plays a script from the client's side and gathers what both sides and the engine say. */
async function playConnection(
  bench: EngineBench,
  script: ConnectionScript,
  servers: Map<number, Promise<SideOutcome>>,
): Promise<Seen> {
  const peer = await bench.connect();
  const client = await playSide(peer, script.client);
  const server = await until(() => servers.get(script.id), `server plays script ${script.id}`);
  const name = `127.0.0.1:${peer.localPort}`;
  const event = await until(
    () =>
      bench.events
        .filter((each) => each.type === "connection-closed")
        .find((each) => each.client === name),
    `the end of script ${script.id} is told`,
  );
  const { bytesIn, bytesOut } = event;
  return { client, server, told: { cause: plainCause(event.cause, script), bytesIn, bytesOut } };
}

/** With both ends at once, either may come first. */
function plainCause(cause: CloseCause, { client, server }: ConnectionScript): string {
  const isRace = client.finale === "shutdown" && server.finale === "shutdown";
  return isRace && /^(?:client|server)-closed$/.test(cause) ? "closed" : cause;
}

const causeByFinale = {
  shutdown: "client-closed",
  "shutdown after the other": "server-closed",
  reset: "client-reset",
  "wait for the reset": "server-reset",
} as const;

function expectedOf(script: ConnectionScript): Seen {
  const { client, server } = script.expected;
  const cause = plainCause(causeByFinale[script.client.finale], script);
  return { client, server, told: { cause, bytesIn: server.bytes, bytesOut: client.bytes } };
}

async function playAll(
  engineCase: EngineCase,
  scripts: readonly ConnectionScript[],
): Promise<Seen[]> {
  await using bench = await EngineBench.open(engineCase);
  const played = new Map<number, Promise<SideOutcome>>();
  const byId = new Map(scripts.map((script) => [script.id, script]));
  const servers = [1, 2, 3].map(() =>
    bench.tcpServer((peer) => {
      void peer.untilReceived(idBytes).then(() => {
        const id = new DataView(peer.bytes.buffer, peer.bytes.byteOffset).getUint32(0, true);
        played.set(id, playSide(peer, byId.get(id)!.server));
      });
    }),
  );
  await bench.apply({ servers: servers.map((server) => serverAt(server)), scheduler: "wlc" });
  const seen: Seen[] = [];
  const waiting = [...scripts];
  const play = async (): Promise<void> => {
    for (let script = waiting.shift(); script !== undefined; script = waiting.shift()) {
      const outcome = await playConnection(bench, script, played);
      seen[scripts.indexOf(script)] = outcome;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, play));
  const counters = await bench.untilCounters((all) => all.active === 0, "all have ended");
  expect(counters.connections).toBe(scripts.length);
  const sum = (word: "bytesIn" | "bytesOut"): number =>
    seen.reduce((total, { told }) => total + told[word], 0);
  expect([counters.bytesIn, counters.bytesOut]).toEqual([sum("bytesIn"), sum("bytesOut")]);
  return seen;
}

describe("differential", () => {
  test(
    "TCP connections come out the same through every engine",
    async () => {
      const scripts = Array.from({ length: connections }, (_, id) => makeScript(seed, id));
      const [oracle, ...others] = await runEach(scripts);
      for (const [index, script] of scripts.entries()) {
        expect([index, oracle![index]]).toEqual([index, expectedOf(script)]);
        for (const other of others) expect([index, other[index]]).toEqual([index, oracle![index]]);
      }
    },
    testMs,
  );

  test(
    "UDP datagrams come out the same through every engine",
    async () => {
      const outcomes: string[][] = [];
      for (const engineCase of engines) outcomes.push(await playDatagrams(engineCase));
      const [oracle, ...others] = outcomes;
      expect(oracle).toHaveLength(connections);
      for (const other of others) expect(other).toEqual(oracle!);
    },
    testMs,
  );
});

async function runEach(scripts: readonly ConnectionScript[]): Promise<Seen[][]> {
  const outcomes: Seen[][] = [];
  for (const engineCase of engines) outcomes.push(await playAll(engineCase, scripts));
  return outcomes;
}

/** Datagrams of random sizes from a few clients, one on its way at a time: nothing gets lost. */
async function playDatagrams(engineCase: EngineCase): Promise<string[]> {
  await using bench = await EngineBench.open(engineCase);
  const server = await bench.udpServer("");
  await bench.apply({ protocol: "udp", servers: [serverAt(server)] });
  const clients = await Promise.all(Array.from({ length: 5 }, () => bench.udpClient()));
  const random = createRandom(seed);
  const seen: string[] = [];
  for (let turn = 0; turn < connections; turn++) {
    const client = clients[random() % clients.length]!;
    const sizeMax = turn % 4 === 0 ? 65_507 : 1500;
    const body = makeBody(random() % (sizeMax + 1), random());
    const index = client.received.length;
    client.send(body, bench.port);
    const { bytes, address, port } = await client.datagram(index);
    expect(checksumOf(bytes)).toBe(checksumOf(body));
    const isFromService = address === "127.0.0.1" && port === bench.port;
    seen.push(`${bytes.length} ${checksumOf(bytes)} ${isFromService}`);
  }
  return seen;
}
