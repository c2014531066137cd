/**
 * docs/scaling-out.md: four directors behind a router, announced by BIRD. What is done to one is not
 * noticed by connections through the others.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";

import { requireBpf } from "../helpers/require-bpf.ts";
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

const bpfNeeds = requireAll(needs, requireBpf());

let network: ScaleOutNetwork;

function through(flows: readonly ClientFlow[], edge: Edge): readonly ClientFlow[] {
  return flows.filter(({ director }) => director === edge.host.address);
}

/** Waits until each connection has got some more lines, or has ended. */
async function settle(): Promise<readonly ClientFlow[]> {
  const before = await network.flows();
  let still: readonly ClientFlow[] = [];
  const look = async (): Promise<readonly ClientFlow[] | undefined> => {
    const now = await network.flows();
    still = now.filter(
      ({ state, echoes }, index) => state === "open" && echoes <= before[index]!.echoes + 3,
    );
    return still.length === 0 ? now : undefined;
  };
  try {
    return await waitFor(look, {
      what: "lines on each connection, or its end",
      timeoutMs: 30_000,
    });
  } catch (error) {
    throw new Error(`${String(error)}: ${JSON.stringify(still)}`, { cause: error });
  }
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
    network = await startScaleOut({ hashing: "resilient", forwarding: "proxy" });
    await reconnect();
  }, 90_000);
  afterAll(() => network?.[Symbol.asyncDispose]());

  async function expectShared(): Promise<void> {
    const flows = await settle();
    expect(ended(flows)).toEqual([]);
    for (const edge of network.edges) expect(through(flows, edge).length).toBeGreaterThan(0);
    const servers = Map.groupBy(flows, ({ source }) => source);
    for (const some of servers.values()) {
      expect(new Set(some.map(({ server }) => server)).size).toBe(1);
    }
    expect(new Set(flows.map(({ server }) => server)).size).toBe(3);
  }

  test("share the clients; one after the other goes, and the others' connections go on", async () => {
    await expectShared();
    const [one, two, three, four] = network.edges as [Edge, Edge, Edge, Edge];

    // Withdrawn, then stopped.
    await one.birdc("disable", "vip_web");
    await network.waitForPaths([two, three, four]);
    await one.director.process.stop();
    await expectOnlyEnded(one);
    // It comes back: nobody who is connected notices.
    const before = await network.flows();
    await one.start();
    await network.waitForPaths(network.edges);
    const after = await settle();
    expect(ended(after)).toEqual([]);
    expect(after.map(({ director }) => director)).toEqual(before.map(({ director }) => director));

    // Stopped: its hook withdraws it.
    await two.director.process.stop();
    await network.waitForPaths([one, three, four]);
    await expectOnlyEnded(two);

    // Killed: systemd withdraws it.
    three.director.process.kill("SIGKILL");
    await three.director.process.exited;
    await three.stopPost();
    await network.waitForPaths([one, four]);
    await expectOnlyEnded(three);

    // Its host is gone: BFD finds out.
    await four.host.run(["ip", "link", "set", "eth0", "down"]);
    await network.waitForPaths([one]);
    await expectOnlyEnded(four);

    // No real server is left: nobody announces the address.
    for (const server of network.servers) await server.stop();
    await network.waitForPaths([]);
  }, 150_000);
});

describe.skipIf(needs.skip)("the same behind a router with plain multipath", () => {
  beforeAll(async () => {
    network = await startScaleOut({ hashing: "plain", forwarding: "proxy" });
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

describe.skipIf(bpfNeeds.skip)("the same with gate, by bpf, behind plain multipath", () => {
  beforeAll(async () => {
    network = await startScaleOut({ hashing: "plain", forwarding: "gate" });
    await reconnect();
  }, 90_000);
  afterAll(() => network?.[Symbol.asyncDispose]());

  test("directors leave, one after the other, until one is left: no connection breaks", async () => {
    const before = await settle();
    expect(ended(before)).toEqual([]);
    const [one, two, three, four] = network.edges as [Edge, Edge, Edge, Edge];
    await one.birdc("disable", "vip_web");
    await network.waitForPaths([two, three, four]);
    await one.director.process.stop();
    expect(ended(await settle())).toEqual([]);

    two.director.process.kill("SIGKILL");
    await two.director.process.exited;
    await two.stopPost();
    await network.waitForPaths([three, four]);
    expect(ended(await settle())).toEqual([]);

    await three.host.run(["ip", "link", "set", "eth0", "down"]);
    await network.waitForPaths([four]);
    const after = await settle();
    expect(ended(after)).toEqual([]);
    expect(after.map(({ server }) => server)).toEqual(before.map(({ server }) => server));
    expect(new Set(after.map(({ server }) => server)).size).toBe(3);
  });
});
