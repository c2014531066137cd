/**
 * Two directors under faults at random, one after the other, and clients that compare every byte.
 *
 * Each `npm test` does every fault once, in a random order, to the active director. SCENARIO=whole
 * goes on for ten minutes, to either of them; FUZZ_SEED repeats a run. docs/faults.md has what came
 * out.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";

import {
  createDirectorFolder,
  formatRouter,
  startNetnsDirector,
} from "../helpers/failover/netns-director.ts";
import type { NetnsDirector } from "../helpers/failover/netns-director.ts";
import { directorBit, sharedMs, startObserver } from "../helpers/failover/observation.ts";
import { faults, waitForPair } from "../helpers/fire/fault.ts";
import type { Fault } from "../helpers/fire/fault.ts";
import type { VerifyReport, VerifySettings } from "../helpers/fire/verifying-clients.ts";
import { createLan } from "../helpers/netns.ts";
import type { Lan } from "../helpers/netns.ts";
import { requireBpf } from "../helpers/require-bpf.ts";
import {
  requireAll,
  requireExecutable,
  requireNetns,
  requirePeer,
} from "../helpers/require-peer.ts";
import { createRandom } from "../helpers/vrrp/random.ts";
import { waitFor } from "../helpers/wait.ts";

const needs = requireAll(requireNetns(), requirePeer("nft"), requireBpf(), requireExecutable());
const virtual = "10.99.0.100";
const isWhole = process.env["SCENARIO"] === "whole";
const wholeMs = 10 * 60_000;
/** Clients are served again by then, whatever was done; what is normal stands in docs/faults.md. */
const outageMsMax = 15_000;
/** Dead time of the profile for machines that are late at times. */
const downAfterMs = 1000;
/** Connections have so long to end after a handover. */
const stopTimeoutMs = 1000;

setDefaultTimeout(60_000);

/** Sends back what comes, no faster than it is taken. */
const echoHandler = `
const flush = (socket) => {
  while (socket.data.length > 0) {
    const sent = socket.write(socket.data[0]);
    if (sent < socket.data[0].length) {
      socket.data[0] = socket.data[0].subarray(sent);
      return;
    }
    socket.data.shift();
  }
};
const echo = {
  open(socket) { socket.data = []; },
  data(socket, bytes) { socket.data.push(Buffer.from(bytes)); flush(socket); },
  drain: flush,
  error() {},
};
`;

const random = createRandom(Number(process.env["FUZZ_SEED"] ?? Date.now()));

describe.skipIf(needs.skip)("two directors under fire", () => {
  const stack = new AsyncDisposableStack();
  let lan: Lan<"client" | "one" | "two" | "server">;
  /** Each with a way to start it again; the folder outlives it. */
  const nodes: { director: NetnsDirector; readonly start: () => Promise<NetnsDirector> }[] = [];
  let control = "";

  function config(priority: number): string {
    const { server } = lan.hosts;
    const router = formatRouter({
      name: "web",
      vrid: 51,
      priority,
      addresses: [`${virtual}/24`],
      advertise_interval: "50ms",
      down_after: `${downAfterMs}ms`,
    });
    return `[director]
stop_timeout = "${stopTimeoutMs}ms"
[proxy]
workers = 1
[[virtual_service]]
name = "echo"
listen = "${virtual}:80"
check = { type = "connect", interval = "500ms", timeout = "400ms" }
real_servers = [{ address = "${server.address}:80" }]
${router}`;
  }

  async function report(path = "report"): Promise<VerifyReport> {
    const answer = await fetch(`http://localhost/${path}`, { unix: control });
    return (await answer.json()) as VerifyReport;
  }

  beforeAll(async () => {
    lan = stack.use(await createLan(["client", "one", "two", "server"]));
    const { client, one, two, server } = lan.hosts;
    const echoScript = `Bun.listen({ hostname: "${server.address}", port: 80, socket: echo });`;
    server.spawn([process.execPath, "-e", echoHandler + echoScript]);
    const pairs = [
      { host: one, peer: two, priority: 150 },
      { host: two, peer: one, priority: 100 },
    ];
    for (const { host, peer, priority } of pairs) {
      const folder = stack.use(createDirectorFolder());
      const start = (): Promise<NetnsDirector> =>
        startNetnsDirector(host, { config: config(priority), peer, folder: folder.path });
      const node = { director: await start(), start };
      stack.defer(() => node.director[Symbol.asyncDispose]());
      nodes.push(node);
      if (nodes.length === 1) await node.director.waitForState("active");
    }
    const folder = createDirectorFolder();
    stack.use(folder);
    control = join(folder.path, "clients.sock");
    const settings: VerifySettings = { control, host: virtual, port: 80, clients: 12 };
    const script = new URL("../helpers/fire/verifying-clients.ts", import.meta.url).pathname;
    const clients = client.spawn([process.execPath, script, JSON.stringify(settings)]);
    await clients.waitForOutput(/listening/);
    await waitForPair(nodes.map(({ director }) => director));
  }, 60_000);
  afterAll(() => stack.disposeAsync(), 30_000);

  /** Does it to one of them; what the clients saw of it. */
  async function suffer(fault: Fault, toActive: boolean): Promise<VerifyReport> {
    const directors = nodes.map(({ director }) => director);
    await waitForPair(directors);
    const states = await Promise.all(directors.map((director) => director.router()));
    const active = states.findIndex(({ state }) => state === "active");
    const index = toActive ? active : 1 - active;
    const node = nodes[index]!;
    const { client, one, two } = lan.hosts;
    const before = await report("outage");
    const watched = startObserver({
      client,
      directors: [one, two],
      virtual,
      seconds: (fault.lastsMs + 2 * downAfterMs) / 1000,
      askIntervalMs: 5,
    });
    const victim = {
      director: node.director,
      segment: { bridge: lan.bridge, ports: [one.port, two.port] as const },
      async restart() {
        await node.director[Symbol.asyncDispose]();
        node.director = await node.start();
      },
    };
    const { observation } = await watched;
    await fault.begin(victim);
    await Bun.sleep(fault.lastsMs);
    await fault.end(victim);
    const seen = await observation;
    const arpBits = directorBit(0, "arp") | directorBit(1, "arp");
    const arpOnly = { ...seen, answers: seen.answers.map((bits) => bits & arpBits) };
    const shared = sharedMs(fault.isOnPurpose === true ? arpOnly : seen, 2);
    if (fault.mayShare !== true) expect(`both answered for ${shared} ms`).toEndWith(" 0 ms");
    await waitForPair(nodes.map(({ director }) => director));
    // What it finishes after a handover must not be taken for a fault of the next one.
    if (fault.isOnPurpose === true) await Bun.sleep(2 * stopTimeoutMs);
    const after = await waitFor(
      async () => {
        const now = await report();
        return now.connections > before.connections + 24 ? now : undefined;
      },
      { what: "clients to be served again", timeoutMs: 20_000 },
    );
    expect(after.faults).toBe(0);
    expect(after.outageMs).toBeLessThan(outageMsMax);
    return after;
  }

  const order = faults
    .map((fault) => ({ fault, rank: random.between(0, 1) }))
    .toSorted((one, other) => one.rank - other.rank)
    .map(({ fault }) => fault);

  test.each(order)("$name: every byte is right, and never two answer", async (fault) => {
    await suffer(fault, true);
  });

  test.skipIf(!isWhole)(
    "ten minutes of them (SCENARIO=whole)",
    async () => {
      const endsAtMs = performance.now() + wholeMs;
      const outages = new Map<string, number[]>();
      while (performance.now() < endsAtMs) {
        const fault = faults[random.index(faults.length)]!;
        const toActive = random.chance(0.7);
        const { outageMs } = await suffer(fault, toActive);
        const name = `${fault.name}, ${toActive ? "active" : "backup"}`;
        outages.set(name, [...(outages.get(name) ?? []), Math.round(outageMs)]);
      }
      const { blocks, bytes, connections, broken, faults: wrong } = await report();
      for (const [name, all] of outages) {
        const sorted = all.toSorted((one, other) => one - other);
        const middle = sorted[Math.floor(sorted.length / 2)];
        process.stdout.write(`${name}: ${all.length} times, ${middle} / ${sorted.at(-1)} ms\n`);
      }
      process.stdout.write(
        `${blocks} blocks, ${bytes} bytes, ${connections} connections, ${wrong} wrong, ` +
          `${JSON.stringify(broken)}\n`,
      );
      expect(wrong).toBe(0);
    },
    wholeMs + 120_000,
  );
});
