/**
 * Changes at run time: what a dry run tells, what outlives a reload and a restart, and how long a
 * drain waits.
 */
import { expect, test } from "bun:test";

import { formatService, quickHttpCheck } from "../helpers/director-config.ts";
import type { ConfiguredServer } from "../helpers/director-config.ts";
import {
  readServer,
  readService,
  readSnapshot,
  runCommand,
  startCommand,
  waitForHealth,
  waitForServer,
  waitForService,
} from "../helpers/director-view.ts";
import { startDirector } from "../helpers/director.ts";
import type { Director } from "../helpers/director.ts";
import { holdConnections } from "../helpers/held-connections.ts";
import { startNginx } from "../helpers/nginx.ts";
import type { Nginx } from "../helpers/nginx.ts";
import { countPages } from "../helpers/page.ts";
import { freePort } from "../helpers/port.ts";
import { requireAll, requireExecutable, requirePeer } from "../helpers/require-peer.ts";
import { createTempFolder } from "../helpers/temp-folder.ts";
import { waitFor } from "../helpers/wait.ts";

const needs = requireAll(requireExecutable(), requirePeer("nginx"));

/** Three servers, and what is needed to put a director before them. */
interface Site extends AsyncDisposable {
  readonly servers: readonly Nginx[];
  readonly addresses: readonly string[];
  readonly port: number;
  readonly url: string;
  config(servers: readonly ConfiguredServer[]): string;
}

async function createSite(): Promise<Site> {
  const stack = new AsyncDisposableStack();
  const servers = await Promise.all(
    ["one", "two", "three"].map(async (name) =>
      stack.use(await startNginx({ pages: { "index.html": `${name}\n` } })),
    ),
  );
  const port = await freePort();
  const settings = ['scheduler = "wrr"', quickHttpCheck];
  return {
    servers,
    addresses: servers.map(({ address }) => address),
    port,
    url: `http://127.0.0.1:${port}/`,
    config: (list) => formatService({ listen: `127.0.0.1:${port}`, servers: list, settings }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** What operators see of each server, in the configured order. */
async function readState(director: Director): Promise<string[]> {
  const { realServers } = await readService(director);
  return realServers.map(({ admin, weight }) => `${admin} ${weight}`);
}

async function run(director: Director, ...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await runCommand(director, ...args);
  expect(`${status} ${stderr}`).toBe("0 ");
  return stdout;
}

test.skipIf(needs.skip)("reload --dry-run tells the plan and changes nothing", async () => {
  await using site = await createSite();
  const [one, two, three] = site.addresses as [string, string, string];
  await using director = await startDirector({ config: site.config([one, two]) });
  const otherPort = await freePort();
  const listen = `127.0.0.1:${otherPort}`;
  const other = formatService({ name: "other", listen, servers: [three] });
  director.configure(`${site.config([{ address: one, weight: 3 }, three])}\n${other}`);
  const plan = [
    `service "web": real server ${two} removed`,
    `service "web": real server ${one}: weight: 1 -> 3`,
    `service "web": real server ${three} added with weight 1`,
    'service "other" added: 1 address, 1 real server',
  ];
  const before = await readSnapshot(director);
  expect((await run(director, "reload", "--dry-run")).trim().split("\n")).toEqual(plan);
  const { configuration, services } = await readSnapshot(director);
  expect(configuration).toEqual(before.configuration);
  expect(services.map(({ name }) => name)).toEqual(["web"]);
  expect(await readState(director)).toEqual(["enabled 1", "enabled 1"]);

  expect((await run(director, "reload")).trim().split("\n")).toEqual(plan);
  expect(await readState(director)).toEqual(["enabled 3", "enabled 1"]);
  expect((await readService(director, "other")).listen).toEqual([listen]);
  expect(await run(director, "reload", "--dry-run")).toBe("nothing has changed\n");

  // A broken file is told by a dry run too, and leaves no trace.
  director.configure("broken =");
  expect(await runCommand(director, "reload", "--dry-run")).toMatchObject({ status: 65 });
  expect((await readSnapshot(director)).configuration.lastReloadSuccessful).toBe(true);
});

test.skipIf(needs.skip)("weight, drain and disable outlive reload and restart", async () => {
  await using site = await createSite();
  using folder = createTempFolder();
  const [one, two, three] = site.addresses as [string, string, string];
  const options = { config: site.config(site.addresses), folder: folder.path };
  const overridden = ["enabled 5", "draining 1", "disabled 1"];
  {
    await using director = await startDirector(options);
    await run(director, "weight", one, "5");
    await run(director, "drain", two);
    await run(director, "disable", three);
    expect(await readState(director)).toEqual(overridden);
    await waitFor(async () => Bun.deepEquals(await countPages(site.url, 6), { one: 6 }), {
      what: "pages of the first server only",
    });
    director.configure(
      site.config([
        { address: one, weight: 2 },
        { address: two, weight: 1 },
        { address: three, weight: 7 },
      ]),
    );
    await run(director, "reload");
    expect(await readState(director)).toEqual(["enabled 5", "draining 1", "disabled 7"]);
    director.configure(options.config);
    await run(director, "reload");
  }
  {
    // Not even what nobody could bring to an end is lost.
    await using director = await startDirector(options);
    expect(await readState(director)).toEqual(overridden);
    director.process.kill("SIGKILL");
    await director.process.exited;
  }
  {
    await using director = await startDirector(options);
    expect(await readState(director)).toEqual(overridden);
    expect(await countPages(site.url, 6)).toEqual({ one: 6 });
    expect((await readServer(director, three)).check.at).toBeNull();
    await run(director, "enable", two);
    await run(director, "enable", three, "--wait");
    await run(director, "weight", one, "1");
    for (const address of site.addresses) await waitForHealth(director, address, "up");
    await waitFor(async () => Object.keys(await countPages(site.url, 6)).length === 3, {
      what: "pages of all servers",
    });
  }
  await using director = await startDirector(options);
  expect(await readState(director)).toEqual(["enabled 1", "enabled 1", "enabled 1"]);
});

test.skipIf(needs.skip)("drain --wait returns when the last connection has ended", async () => {
  await using site = await createSite();
  const [one, two] = site.addresses as [string, string];
  await using director = await startDirector({ config: site.config([one, two]) });
  await using held = holdConnections({ port: site.port, connections: 10, mode: "ask" });
  await held.waitUntil(({ answered }) => answered === 10);
  const { activeConnections: count } = await readServer(director, one);
  expect(count).toBeGreaterThan(0);

  await using drain = startCommand(director, "drain", one, "--wait");
  await drain.waitForOutput(new RegExp(`${count} connections? left`));
  expect(await countPages(site.url, 10)).toEqual({ two: 10 });
  expect(await readServer(director, one)).toMatchObject({ activeConnections: count });
  const hurried = await runCommand(director, "drain", one, "--wait", "--timeout", "100ms");
  expect([hurried.status, hurried.stderr]).toEqual([75, expect.stringContaining("time is over")]);

  await held[Symbol.asyncDispose]();
  expect(await drain.exited).toBe(0);
  await drain.waitForOutput(/^0 connections left$/m);
});

test.skipIf(needs.skip)("disable --kill ends connections at once", async () => {
  await using site = await createSite();
  const [one, two] = site.addresses as [string, string];
  await using director = await startDirector({ config: site.config([one, two]) });
  await using held = holdConnections({ port: site.port, connections: 10, mode: "ask" });
  await held.waitUntil(({ answered }) => answered === 10);
  const { activeConnections: count } = await readServer(director, one);
  await run(director, "disable", one, "--kill");
  await waitForServer(director, one, (server) => server.activeConnections === 0);
  await held.waitUntil(({ ended }) => ended === count);
  expect(held.report().open).toBe(10 - count);
  await waitForService(director, ({ activeConnections }) => activeConnections === 10 - count);
});
