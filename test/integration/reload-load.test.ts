/**
 * Reloads under load: no request is lost, whatever a reload changes, as long as real servers are
 * drained before they are removed.
 */
import { expect, test } from "bun:test";

import { formatService, quickHttpCheck } from "../helpers/director-config.ts";
import type { ConfiguredServer } from "../helpers/director-config.ts";
import {
  readService,
  readSnapshot,
  runCommand,
  waitForHealth,
  waitForService,
} from "../helpers/director-view.ts";
import { startDirector } from "../helpers/director.ts";
import type { Director } from "../helpers/director.ts";
import { startNginx } from "../helpers/nginx.ts";
import { countPages, fetchPage } from "../helpers/page.ts";
import { freePorts } from "../helpers/port.ts";
import type { FinishedProcess } from "../helpers/process.ts";
import { requireAll, requireExecutable, requirePeer } from "../helpers/require-peer.ts";
import { isRefused } from "../helpers/traffic/tcp.ts";
import { waitFor } from "../helpers/wait.ts";
import { startWrk } from "../helpers/wrk.ts";

const needs = requireAll(requireExecutable(), requirePeer("nginx", "wrk"));

/** Rounds of the test below; each has four reloads. */
const rounds = 6;

const page = (text: string) => startNginx({ pages: { "index.html": `${text}\n` } });

/** Has the director read its file, by turns with a signal and with the command. */
async function reload(director: Director, turn: number): Promise<void> {
  if (turn % 2 === 0) {
    const { stdout, stderr, status } = await runCommand(director, "reload");
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).not.toContain("nothing has changed");
    return;
  }
  const { loadedAt } = (await readSnapshot(director)).configuration;
  director.process.kill("SIGHUP");
  await waitFor(
    async () => {
      const { configuration } = await readSnapshot(director);
      expect(configuration.lastReloadError).toBeNull();
      return configuration.loadedAt !== loadedAt;
    },
    { what: "reload after SIGHUP" },
  );
}

test.skipIf(needs.skip).each(["native", "portable"])(
  "24 reloads under load lose no request with the %s engine",
  async (engine) => {
    const names = ["one", "two", "guest"];
    await using stack = new AsyncDisposableStack();
    const [one, two, guest] = await Promise.all(
      names.map(async (name) => stack.use(await page(name))),
    );
    const [webPort, keptPort, otherPort] = await freePorts(3);
    const url = (port: number | undefined): string => `http://127.0.0.1:${port}/`;

    interface Wish {
      readonly weight: number;
      readonly hasGuest: boolean;
      readonly hasOther: boolean;
    }
    const config = ({ weight, hasGuest, hasOther }: Wish): string => {
      const servers: ConfiguredServer[] = [
        { address: one!.address, weight },
        { address: two!.address, weight: 2 },
      ];
      const withGuest = hasGuest ? [...servers, guest!.address] : servers;
      const settings = ['scheduler = "wrr"', quickHttpCheck];
      const kept = { name: "kept", listen: `127.0.0.1:${keptPort}`, servers, settings };
      const other = { name: "other", listen: `127.0.0.1:${otherPort}`, servers, settings };
      return [
        `[proxy]\nengine = "${engine}"\n`,
        formatService({ listen: `127.0.0.1:${webPort}`, servers: withGuest, settings }),
        formatService(kept),
        ...(hasOther ? [formatService(other)] : []),
      ].join("\n");
    };
    let wish: Wish = { weight: 1, hasGuest: false, hasOther: false };
    const director = stack.use(await startDirector({ config: config(wish) }));
    const short = stack.use(startWrk({ url: url(webPort), connections: 8, close: true }));
    const kept = stack.use(startWrk({ url: url(keptPort), connections: 8 }));
    let turn = 0;
    const apply = async (change: Partial<Wish>): Promise<void> => {
      wish = { ...wish, ...change };
      director.configure(config(wish));
      await reload(director, turn);
      turn += 1;
      // Each state gets its share of the load.
      const { connections } = await readService(director);
      await waitForService(director, (service) => service.connections >= connections + 20);
    };

    for (let round = 1; round <= rounds; round++) {
      await apply({ weight: 1 + round });
      expect((await readService(director, "kept")).realServers[0]).toMatchObject({
        weight: 1 + round,
        health: "up",
      });

      await apply({ hasGuest: true });
      // It was drained when it left last time.
      await runCommand(director, "enable", guest!.address);
      await waitForHealth(director, guest!.address, "up");
      await waitFor(async () => "guest" in (await countPages(url(webPort), 10)), {
        what: "page of the added server",
      });

      await apply({ hasOther: true });
      await waitFor(async () => (await readService(director, "other")).state === "up", {
        what: "added service up",
      });
      expect(await fetchPage(url(otherPort))).toMatch(/^(?:one|two)$/);

      const drained = await runCommand(director, "drain", guest!.address, "--wait");
      expect(drained).toMatchObject({ status: 0, stderr: "" });
      await apply({ hasGuest: false, hasOther: false });
      expect(await countPages(url(webPort), 20)).not.toHaveProperty("guest");
      expect(await isRefused(otherPort!)).toBe(true);
    }
    expect(turn).toBe(4 * rounds);
    const reports = await Promise.all([short.finish(), kept.finish()]);
    expect(reports.map(({ errors }) => errors)).toEqual(["", ""]);
    const { closed } = await readService(director);
    expect(closed).toMatchObject({ "server-removed": 0, "no-server": 0, "connect-failed": 0 });
  },
  60_000,
);

test.skipIf(needs.skip)("a removed server's connections are reset, the others go on", async () => {
  await using leaving = await page("leaving");
  await using staying = await page("staying");
  const [port] = await freePorts(1);
  const config = (servers: readonly string[]): string =>
    formatService({ listen: `127.0.0.1:${port}`, servers, settings: [quickHttpCheck] });
  await using director = await startDirector({
    config: config([leaving.address, staying.address]),
  });
  await using wrk = startWrk({ url: `http://127.0.0.1:${port}/`, connections: 8 });
  const both = await waitForService(director, ({ activeConnections }) => activeConnections === 8);
  const leavers = both.realServers[0]!.activeConnections;
  expect(leavers).toBeGreaterThan(0);

  director.configure(config([staying.address]));
  await reload(director, 0);
  const { closed } = await waitForService(
    director,
    ({ realServers }) => realServers.length === 1 && realServers[0]!.activeConnections === 8,
  );
  // A client that comes again at once may meet a worker that does not know yet.
  const removed = closed["server-removed"]!;
  expect(removed).toBeGreaterThanOrEqual(leavers);
  expect(removed).toBeLessThanOrEqual(2 * leavers);
  const { errors } = await wrk.finish();
  const [connect, read, write, timeout] = [...errors.matchAll(/\d+/g)].map(Number);
  expect([connect, timeout]).toEqual([0, 0]);
  expect(read! + write!).toBe(removed);
});

/** Signals and commands of the burst below; more commands than may wait. */
const burst = { signals: 100, commands: 30 };

test.skipIf(needs.skip)("a burst of reloads ends in the last configuration", async () => {
  await using server = await page("page");
  const [port] = await freePorts(1);
  const url = `http://127.0.0.1:${port}/`;
  const config = (weight: number): string =>
    formatService({
      listen: `127.0.0.1:${port}`,
      servers: [{ address: server.address, weight }],
      settings: [quickHttpCheck],
    });
  await using director = await startDirector({ config: config(1) });
  await using wrk = startWrk({ url, connections: 4, close: true });
  const commands: Promise<FinishedProcess>[] = [];
  for (let turn = 1; turn <= burst.signals; turn++) {
    director.configure(config(turn));
    director.process.kill("SIGHUP");
    if (turn <= burst.commands) commands.push(runCommand(director, "reload"));
  }
  // Each was done, or was refused because so many wait already; none sees a file half written.
  for (const { status, stderr } of await Promise.all(commands)) {
    expect([0, 75]).toContain(status);
    expect(stderr === "" || stderr.includes("reloads wait already")).toBe(true);
  }
  await runCommand(director, "reload");
  expect((await readService(director)).realServers).toMatchObject([{ weight: burst.signals }]);
  expect((await readSnapshot(director)).configuration.lastReloadSuccessful).toBe(true);
  await waitForService(director, ({ connections }) => connections > 0);
  expect((await wrk.finish()).errors).toBe("");
});
