/**
 * Real servers that die, hang and misbehave under load: what their clients notice.
 *
 * Runs alone: it counts the requests that a fault costs.
 */
import { expect, test } from "bun:test";

import { formatService, quickHttpCheck } from "../helpers/director-config.ts";
import type { ConfiguredServer } from "../helpers/director-config.ts";
import {
  readServer,
  readService,
  runCommand,
  waitForHealth,
  waitForServer,
  waitForService,
} from "../helpers/director-view.ts";
import { startDirector } from "../helpers/director.ts";
import type { Director } from "../helpers/director.ts";
import { holdConnections } from "../helpers/held-connections.ts";
import { startNginx } from "../helpers/nginx.ts";
import { countPages, tryPage } from "../helpers/page.ts";
import { freePort } from "../helpers/port.ts";
import { requireAll, requireExecutable, requirePeer } from "../helpers/require-peer.ts";
import { openBlackHole, openTcpServer } from "../helpers/traffic/tcp.ts";
import { waitFor } from "../helpers/wait.ts";
import { startWrk } from "../helpers/wrk.ts";

const needs = requireAll(requireExecutable(), requirePeer("nginx", "wrk"));

/** Connections that must have been made before a fault, and after it. */
const warmUp = 200;

interface Site {
  readonly director: Director;
  readonly url: string;
}

async function startSite(
  servers: readonly ConfiguredServer[],
  settings: readonly string[] = [quickHttpCheck],
): Promise<Site> {
  const port = await freePort();
  const listen = `127.0.0.1:${port}`;
  const config = formatService({ listen, servers, settings: ['scheduler = "rr"', ...settings] });
  return { director: await startDirector({ config }), url: `http://${listen}/` };
}

const page = (text: string) => startNginx({ pages: { "index.html": `${text}\n` } });

/** Waits until the service has accepted so many more connections. */
async function waitForTraffic(director: Director, more: number): Promise<void> {
  const { connections } = await readService(director);
  await waitForService(director, (service) => service.connections >= connections + more);
}

test.skipIf(needs.skip)(
  "a killed server costs no request that was not under way there",
  async () => {
    await using dying = await page("dying");
    await using living = await page("living");
    // The regular check comes too late to help: it is the failed connect that tells.
    const check = quickHttpCheck.replace('interval = "100ms"', 'interval = "1m"');
    const { director, url } = await startSite([dying.address, living.address], [check]);
    await using _ = director;
    await using wrk = startWrk({ url, connections: 8, close: true });
    await waitForTraffic(director, warmUp);

    // A moment at which the server has answered all it was asked: with the client stopped, each of
    // its connections comes to its end, unless one was stopped between connect and request.
    for (;;) {
      wrk.process.kill("SIGSTOP");
      const hasEnded = async (): Promise<boolean> =>
        (await readServer(director, dying.address)).activeConnections === 0;
      const isQuiet = await waitFor(hasEnded, { what: "answers", timeoutMs: 200 }).catch(
        () => false,
      );
      if (isQuiet) break;
      wrk.process.kill("SIGCONT");
      await waitForTraffic(director, 1);
    }
    dying.process.kill("SIGKILL");
    await dying.process.exited;
    wrk.process.kill("SIGCONT");

    const { reason } = await waitForHealth(director, dying.address, "down");
    expect(reason).toContain("refused");
    await waitForTraffic(director, warmUp);
    expect((await wrk.finish()).errors).toBe("");
    const { connectFailures, connections } = await readServer(director, dying.address);
    // Clients were sent there, and on to the other one.
    expect(connectFailures).toBeGreaterThan(0);
    expect(connections).toBeGreaterThan(0);
    expect((await readService(director)).closed).toMatchObject({ "connect-failed": 0 });
  },
);

test.skipIf(needs.skip)("a killed server ends its own kept connections and no other", async () => {
  await using dying = await page("dying");
  await using living = await page("living");
  const { director, url } = await startSite([dying.address, living.address]);
  await using _ = director;
  await using wrk = startWrk({ url, connections: 20 });
  await waitForServer(director, living.address, (server) => server.activeConnections >= 8);
  const { activeConnections } = await waitForServer(
    director,
    dying.address,
    (server) => server.activeConnections >= 8,
  );
  dying.process.kill("SIGKILL");
  await waitForHealth(director, dying.address, "down");
  await waitForServer(director, living.address, (server) => server.activeConnections === 20);
  const { errors } = await wrk.finish();
  const [connect, read, write, timeout] = [...errors.matchAll(/\d+/g)].map(Number);
  expect([connect, timeout]).toEqual([0, 0]);
  expect(read! + write!).toBeGreaterThan(0);
  // A process that ends closes its listener last: some that come again at once are lost again.
  expect(read! + write!).toBeLessThanOrEqual(2 * activeConnections);
});

test.skipIf(needs.skip)(
  "a server that hangs is taken out, and returns when it goes on",
  async () => {
    await using hanging = await page("hanging");
    await using living = await page("living");
    const { director, url } = await startSite([hanging.address, living.address]);
    await using _ = director;
    await using wrk = startWrk({ url, connections: 8, close: true });
    await waitForTraffic(director, warmUp);
    hanging.process.kill("SIGSTOP");
    try {
      const { reason } = await waitForHealth(director, hanging.address, "down");
      expect(reason).toContain("100 ms");
      await waitFor(async () => Bun.deepEquals(await countPages(url, 20), { living: 20 }), {
        what: "pages of the living server only",
      });
    } finally {
      hanging.process.kill("SIGCONT");
    }
    await waitForHealth(director, hanging.address, "up");
    await waitFor(async () => Object.keys(await countPages(url, 4)).length === 2, {
      what: "pages of both servers",
    });
    // What hung was answered in the end.
    expect((await wrk.finish()).errors).toBe("");
  },
);

test.skipIf(needs.skip)("a server that resets is found out, and counted until then", async () => {
  let resets = false;
  await using broken = openTcpServer((peer) => {
    if (resets) peer.reset();
    else {
      peer.react(() => {
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nbroken");
        peer.shutdown();
      });
    }
  });
  await using living = await page("living");
  const address = `127.0.0.1:${broken.port}`;
  const { director, url } = await startSite([address, living.address]);
  await using _ = director;
  expect(Object.keys(await countPages(url, 20)).toSorted()).toEqual(["broken", "living"]);
  resets = true;
  const { reason } = await waitForHealth(director, address, "down");
  expect(reason).toMatch(/^(?:reset|closed): /);
  await waitFor(async () => Bun.deepEquals(await countPages(url, 20), { living: 20 }), {
    what: "pages of the living server only",
  });
});

test.skipIf(needs.skip)(
  "clients that a server resets halfway are counted by that cause",
  async () => {
    await using resetting = openTcpServer((peer) => peer.react(() => peer.reset()));
    const settings = ['check = { type = "on" }'];
    const { director, url } = await startSite([`127.0.0.1:${resetting.port}`], settings);
    await using _ = director;
    for (let turn = 0; turn < 5; turn++) expect(await tryPage(url)).toBeUndefined();
    const { closed } = await waitForService(director, (service) => service.activeConnections === 0);
    expect(closed["server-reset"]).toBe(5);
  },
);

test.skipIf(needs.skip).each([
  ["keep", 0],
  ["reset", 10],
] as const)('on_down = "%s" ends %i connections of a server that hangs', async (onDown, ended) => {
  await using hanging = await page("hanging");
  const settings = [quickHttpCheck, `on_down = "${onDown}"`];
  const { director, url } = await startSite([hanging.address], settings);
  await using _ = director;
  const port = Number(new URL(url).port);
  await using held = holdConnections({ port, connections: 10, mode: "ask" });
  await held.waitUntil(({ answered }) => answered === 10);
  hanging.process.kill("SIGSTOP");
  try {
    await waitForHealth(director, hanging.address, "down");
    // The state is told before the engine has it; a client that comes now is turned away by it.
    const isRefused = async (): Promise<boolean> => (await tryPage(url)) === undefined;
    await waitFor(isRefused, { what: "refused client" });
    await held.waitUntil((report) => report.ended === ended);
    expect(held.report()).toEqual({ open: 10 - ended, answered: 10, ended });
    const { closed, activeConnections } = await readService(director);
    expect([closed["server-down"], activeConnections]).toEqual([ended, 10 - ended]);
  } finally {
    hanging.process.kill("SIGCONT");
  }
});

test.skipIf(needs.skip)(
  "a server that answers no connect costs a wait, not a request",
  async () => {
    using silent = openBlackHole();
    await using living = await page("living");
    const address = `127.0.0.1:${silent.port}`;
    const settings = ['check = { type = "on" }', 'timeouts = { connect = "100ms" }'];
    const { director, url } = await startSite([address, living.address], settings);
    await using _ = director;
    expect(await countPages(url, 8)).toEqual({ living: 8 });
    const { connectFailures, connections } = await readServer(director, address);
    expect(connections).toBe(0);
    expect(connectFailures).toBeGreaterThan(0);
    // With nobody else to turn to the client hears of it.
    expect(await runCommand(director, "drain", living.address)).toMatchObject({ status: 0 });
    expect(await tryPage(url)).toBeUndefined();
    const { closed } = await readService(director);
    expect(closed).toMatchObject({ "connect-timeout": 1, "connect-failed": 0 });
  },
);

/** Lines of the log that a flood of refused clients may cause, whatever their number. */
const logLinesMax = 50;

test.skipIf(needs.skip)(
  "clients that nobody can serve are counted, not logged one by one",
  async () => {
    await using dying = await page("dying");
    const { director, url } = await startSite([dying.address], ['check = { type = "on" }']);
    await using _ = director;
    dying.process.kill("SIGKILL");
    await dying.process.exited;
    const linesBefore = director.process.output().split("\n").length;
    await using wrk = startWrk({ url, connections: 8, close: true });
    const { closed } = await waitForService(
      director,
      (service) => (service.closed["connect-failed"] ?? 0) >= 2000,
    );
    expect(closed).toMatchObject({ "no-server": 0, internal: 0 });
    await wrk[Symbol.asyncDispose]();
    const lines = director.process.output().split("\n").length - linesBefore;
    expect(lines).toBeLessThan(logLinesMax);
    expect((await readServer(director, dying.address)).connectFailures).toBeGreaterThan(1999);
  },
);
