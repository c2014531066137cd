/**
 * Clients that say nothing, that never finish, and that come by the thousand: what others notice,
 * and what is left of them.
 */
import { expect, test } from "bun:test";

import { descriptorCount, residentKib } from "../../bench/harness/cpu.ts";
import { formatService } from "../helpers/director-config.ts";
import { readMetric, readServer, readService, waitForService } from "../helpers/director-view.ts";
import { startDirector } from "../helpers/director.ts";
import type { Director } from "../helpers/director.ts";
import { holdConnections } from "../helpers/held-connections.ts";
import type { HeldReport } from "../helpers/held-connections.ts";
import { startNginx } from "../helpers/nginx.ts";
import type { Nginx } from "../helpers/nginx.ts";
import { countPages, fetchPage } from "../helpers/page.ts";
import { freePort } from "../helpers/port.ts";
import {
  requireAll,
  requireDescriptors,
  requireExecutable,
  requirePeer,
} from "../helpers/require-peer.ts";
import { waitFor } from "../helpers/wait.ts";

const needs = requireAll(requireExecutable(), requirePeer("nginx"));

interface Site {
  readonly director: Director;
  readonly port: number;
  readonly url: string;
}

async function startSite(
  { address }: Nginx,
  settings: readonly string[],
  engine = "native",
): Promise<Site> {
  const port = await freePort();
  const listen = `127.0.0.1:${port}`;
  const service = formatService({ listen, servers: [address], settings });
  const config = `[proxy]\nengine = "${engine}"\n\n${service}`;
  return { director: await startDirector({ config }), port, url: `http://${listen}/` };
}

/** Waits until the director has no more descriptors than before. */
async function waitForDescriptors({ process }: Director, before: number): Promise<void> {
  const isBack = (): boolean => descriptorCount(process.pid) <= before;
  try {
    await waitFor(isBack, { what: `${before} descriptors as before` });
  } catch (error) {
    throw new Error(`There are ${descriptorCount(process.pid)}`, { cause: error });
  }
}

test.skipIf(needs.skip)("slow clients do not disturb others, and are ended when idle", async () => {
  await using nginx = await startNginx({ pages: { "index.html": "page\n" } });
  const { director, port, url } = await startSite(nginx, ['timeouts = { idle = "2s" }']);
  await using _ = director;
  await fetchPage(url);
  const before = descriptorCount(director.process.pid);
  await using silent = holdConnections({ port, connections: 500, mode: "silent" });
  await using dripping = holdConnections({ port, connections: 500, mode: "drip" });
  await Promise.all([
    silent.waitUntil(({ open }) => open === 500),
    dripping.waitUntil(({ open }) => open === 500),
  ]);
  expect(await countPages(url, 100)).toEqual({ page: 100 });

  await silent.waitUntil(({ open, ended }) => open === 0 && ended === 500);
  const { closed } = await waitForService(
    director,
    ({ activeConnections }) => activeConnections === 500,
  );
  expect(closed).toMatchObject({ "idle-timeout": 500, internal: 0 });
  // Who says something, however little, is not idle.
  expect(dripping.report()).toMatchObject({ open: 500, ended: 0 });
  expect(await countPages(url, 100)).toEqual({ page: 100 });

  await dripping[Symbol.asyncDispose]();
  await waitForService(director, ({ activeConnections }) => activeConnections === 0);
  await waitForDescriptors(director, before);
});

/** As many as a descriptor limit of 20,000 leaves to a director. */
const crowd = 9_000;
/** Thousands of connections take their time on a busy machine. */
const crowdTimeoutMs = 40_000;
/** What the first thousands of connections may add once: code compiled, tables grown. */
const startKibMax = 32 * 1024;

const crowdNeeds = requireAll(needs, requireDescriptors(2 * crowd + 1000));

test.skipIf(crowdNeeds.skip).each([
  { engine: "native", label: "proxy", connectionKibMax: 2 },
  { engine: "portable", label: "portable", connectionKibMax: 4 },
])(
  "9,000 clients at once are served, counted and forgotten by the $engine engine",
  async ({ engine, label, connectionKibMax }) => {
    await using nginx = await startNginx({ pages: { "index.html": "page\n" } });
    const { director, port, url } = await startSite(nginx, [], engine);
    await using _ = director;
    const { pid } = director.process;
    await fetchPage(url);
    const before = { descriptors: descriptorCount(pid), kib: residentKib(pid) };
    const { connections } = await readService(director);

    await using clients = holdConnections({ port, connections: crowd, mode: "ask" });
    const isAnswered = ({ answered, ended }: HeldReport): boolean => answered + ended === crowd;
    await clients.waitUntil(isAnswered, crowdTimeoutMs);
    expect(clients.report()).toEqual({ open: crowd, answered: crowd, ended: 0 });
    expect(await readService(director)).toMatchObject({
      activeConnections: crowd,
      connections: connections + crowd,
    });
    expect(await readServer(director, nginx.address)).toMatchObject({ activeConnections: crowd });
    const table = `appliance_connection_table_entries{engine="${label}"}`;
    expect(await readMetric(director, table)).toBe(crowd);
    // Between them another client is served as ever.
    expect(await fetchPage(url)).toBe("page");
    const grownKib = residentKib(pid) - before.kib;
    expect(grownKib).toBeLessThan(startKibMax + crowd * connectionKibMax);

    await clients[Symbol.asyncDispose]();
    await waitForService(director, ({ activeConnections }) => activeConnections === 0);
    await waitForDescriptors(director, before.descriptors);
    expect(await fetchPage(url)).toBe("page");
    const { realServers, closed } = await waitForService(
      director,
      ({ activeConnections }) => activeConnections === 0,
    );
    expect(realServers).toMatchObject([{ activeConnections: 0, inactiveConnections: 0 }]);
    expect(closed).toMatchObject({ "no-descriptors": 0, "connect-failed": 0, internal: 0 });
  },
  60_000,
);
