/**
 * docs/scaling-out.md: four directors behind a router, announced by BIRD. What is done to one is not
 * noticed by connections through the others.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";

import {
  requireAll,
  requireExecutable,
  requireNetns,
  requirePeer,
  requireRoot,
} from "../helpers/require-peer.ts";
import type { ClientFlow } from "../helpers/scale-out/clients.ts";
import { startScaleOut } from "../helpers/scale-out/network.ts";
import type { Edge, ScaleOutNetwork } from "../helpers/scale-out/network.ts";
import { waitFor } from "../helpers/wait.ts";

/** Nine machines are made and five routing daemons agree. */
setDefaultTimeout(90_000);

const needs = requireAll(
  requireExecutable(),
  requireRoot(),
  requireNetns(),
  requirePeer("bird", "birdc"),
);

let network: ScaleOutNetwork;

function through(flows: readonly ClientFlow[], edge: Edge): readonly ClientFlow[] {
  return flows.filter(({ director }) => director === edge.host.address);
}

/** Waits until each connection has got some more lines, or has ended. */
async function settle(): Promise<readonly ClientFlow[]> {
  const before = await network.flows();
  return waitFor(
    async () => {
      const now = await network.flows();
      const moves = ({ state, echoes }: ClientFlow, index: number): boolean =>
        state === "ended" || echoes > before[index]!.echoes + 3;
      return now.every(moves) ? now : undefined;
    },
    { what: "lines on each connection, or its end", timeoutMs: 30_000 },
  );
}

/** All clients connected again, each where it is known. */
async function reconnect(): Promise<readonly ClientFlow[]> {
  return waitFor(
    async () => {
      const flows = await network.flows("reconnect");
      const isOpen = ({ state, server }: ClientFlow): boolean => state === "open" && server !== "";
      return flows.every(isOpen) ? flows : undefined;
    },
    { what: "connections for all clients", timeoutMs: 30_000 },
  );
}

/** Ended connections as text, for a failure that tells why. */
function ended(flows: readonly ClientFlow[]): readonly string[] {
  return flows
    .filter(({ state, faults }) => state === "ended" || faults > 0)
    .map(({ source, director, reason, faults }) => `${source} ${director} ${reason} ${faults}`);
}

/** What was done to `gone`: connections through others go on, its own end. */
async function expectOnlyEnded(gone: Edge): Promise<void> {
  const before = await network.flows();
  const own = through(before, gone).length;
  expect(own).toBeGreaterThan(0);
  const after = await settle();
  expect(ended(after.filter(({ director }) => director !== gone.host.address))).toEqual([]);
  expect(through(after, gone).every(({ state }) => state === "ended")).toBe(true);
  // Whoever comes back is served by another director, and by the same real server as before.
  const back = await reconnect();
  expect(through(back, gone)).toEqual([]);
  expect(back.map(({ server }) => server)).toEqual(before.map(({ server }) => server));
}

describe.skipIf(needs.skip)("four directors behind a router", () => {
  beforeAll(async () => {
    network = await startScaleOut("resilient");
    await reconnect();
  }, 90_000);
  afterAll(() => network?.[Symbol.asyncDispose]());

  test("share the clients, and send each of them to one real server", async () => {
    const flows = await settle();
    expect(ended(flows)).toEqual([]);
    for (const edge of network.edges) expect(through(flows, edge).length).toBeGreaterThan(0);
    const servers = Map.groupBy(flows, ({ source }) => source);
    for (const some of servers.values()) {
      expect(new Set(some.map(({ server }) => server)).size).toBe(1);
    }
    expect(new Set(flows.map(({ server }) => server)).size).toBe(3);
  });

  test("one is withdrawn and stopped, and comes back", async () => {
    const [one, ...others] = network.edges as [Edge, ...Edge[]];
    await one.birdc("disable", "vip_web");
    await network.waitForPaths(others);
    await one.director.process.stop();
    await expectOnlyEnded(one);
    const before = await network.flows();
    await one.start();
    await network.waitForPaths(network.edges);
    expect(ended(await settle())).toEqual([]);
    expect((await network.flows()).map(({ director }) => director)).toEqual(
      before.map(({ director }) => director),
    );
  });

  test("one stops: its hook withdraws it", async () => {
    const [, two] = network.edges as [Edge, Edge];
    await two.director.process.stop();
    await network.waitForPaths(network.edges.filter((edge) => edge !== two));
    await expectOnlyEnded(two);
    await two.start();
    await network.waitForPaths(network.edges);
  });

  test("one is killed: systemd withdraws it", async () => {
    const three = network.edges[2]!;
    three.director.process.kill("SIGKILL");
    await three.director.process.exited;
    await three.stopPost();
    await network.waitForPaths(network.edges.filter((edge) => edge !== three));
    await expectOnlyEnded(three);
    await three.start();
    await network.waitForPaths(network.edges);
  });

  test("the host of one goes away: BFD finds out", async () => {
    const four = network.edges[3]!;
    await four.host.run(["ip", "link", "set", "eth0", "down"]);
    await network.waitForPaths(network.edges.filter((edge) => edge !== four));
    await expectOnlyEnded(four);
  });

  test("no real server is left: nobody announces the address", async () => {
    for (const server of network.servers) await server.stop();
    await network.waitForPaths([]);
  });
});

describe.skipIf(needs.skip)("the same behind a router with plain multipath", () => {
  beforeAll(async () => {
    network = await startScaleOut("plain");
    await reconnect();
  }, 90_000);
  afterAll(() => network?.[Symbol.asyncDispose]());

  test("one leaves: a share of the others' connections is reset, and none hangs", async () => {
    const [one, ...others] = network.edges as [Edge, ...Edge[]];
    await one.birdc("disable", "vip_web");
    await network.waitForPaths(others);
    const after = await settle();
    const rest = after.filter(({ director }) => director !== one.host.address);
    const lost = rest.filter(({ state }) => state === "ended").length;
    expect(lost).toBeGreaterThan(0);
    expect(lost).toBeLessThan(rest.length);
    const back = await reconnect();
    expect(back.map(({ server }) => server)).toEqual(after.map(({ server }) => server));
  });
});
