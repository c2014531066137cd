/**
 * `appliance upgrade`: another executable takes over under load and no request is lost; one that
 * does not come up changes nothing.
 */
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";

import { formatService, quickHttpCheck } from "../helpers/director-config.ts";
import {
  readServer,
  readService,
  readSnapshot,
  runCommand,
  waitForService,
} from "../helpers/director-view.ts";
import { startDirector } from "../helpers/director.ts";
import { createInstalled, endSuccessor } from "../helpers/installed.ts";
import { startNginx } from "../helpers/nginx.ts";
import { countPages, fetchPage } from "../helpers/page.ts";
import { freePorts } from "../helpers/port.ts";
import { requireAll, requireExecutable, requirePeer } from "../helpers/require-peer.ts";
import { openUdpPeer } from "../helpers/traffic/udp.ts";
import { waitFor } from "../helpers/wait.ts";
import { startWrk } from "../helpers/wrk.ts";

const needs = requireAll(requireExecutable(), requirePeer("nginx", "wrk"));

const page = (text: string) => startNginx({ pages: { "index.html": `${text}\n` } });

test.skipIf(needs.skip)(
  "three upgrades under load lose no request",
  async () => {
    await using stack = new AsyncDisposableStack();
    const installed = stack.use(createInstalled());
    const server = stack.use(await page("page"));
    const [port] = await freePorts(1);
    const url = `http://127.0.0.1:${port}/`;
    const service = formatService({
      listen: `127.0.0.1:${port}`,
      servers: [server.address],
      settings: [quickHttpCheck],
    });
    const config = `[director]\nstop_timeout = "60s"\n${service}`;
    const director = stack.use(await startDirector({ config, executable: installed.path }));
    const short = stack.use(startWrk({ url, connections: 8, close: true }));
    const kept = stack.use(startWrk({ url, connections: 8 }));
    await waitForService(director, ({ connections }) => connections > 100);
    const pids = [(await readSnapshot(director)).pid];
    for (let round = 1; round <= 3; round++) {
      installed.installWell();
      const { status, stdout, stderr } = await runCommand(director, "upgrade", "--json");
      expect([status, stderr]).toEqual([0, ""]);
      const { pid } = await readSnapshot(director);
      expect(JSON.parse(stdout)).toMatchObject({ pid });
      expect(pids).not.toContain(pid);
      pids.push(pid);
      // The status endpoint moves too.
      const answer = await waitFor(
        () => fetch(`${director.statusUrl}/readyz`).catch(() => undefined),
        {
          what: "status endpoint of the successor",
        },
      );
      expect(answer.status).toBe(200);
      // New connections arrive here; the old ones live on in the old process.
      await waitForService(director, ({ connections }) => connections > 100);
    }
    const reports = await Promise.all([short.finish(), kept.finish()]);
    expect(reports.map(({ errors }) => errors)).toEqual(["", ""]);
    expect((await readService(director)).closed).toMatchObject({ "no-server": 0, stopped: 0 });
    // Without connections the old ones end, well.
    expect(await director.process.exited).toBe(0);
    await waitFor(() => pids.slice(0, -1).every((pid) => !existsSync(`/proc/${pid}`)), {
      what: "end of the old processes",
    });
    await endSuccessor(director);
  },
  90_000,
);

test.skipIf(needs.skip)("the successor knows overrides, health and clients", async () => {
  await using stack = new AsyncDisposableStack();
  const names = ["one", "two"];
  const pages = await Promise.all(names.map(async (name) => stack.use(await page(name))));
  const [one, two] = pages.map(({ address }) => address);
  const [port, otherPort] = await freePorts(2);
  const echo = stack.use(
    await openUdpPeer(({ bytes, address, port: to }, peer) => {
      peer.send(bytes, to, address);
    }),
  );
  const slowCheck = 'check = { type = "connect", interval = "60s", timeout = "1s" }';
  const config = [
    formatService({
      listen: `127.0.0.1:${port}`,
      servers: [one!, two!],
      settings: ['scheduler = "rr"', 'persistent = "10m"', slowCheck],
    }),
    formatService({
      name: "echo",
      listen: `127.0.0.1:${otherPort}`,
      servers: [`127.0.0.1:${echo.port}`],
      settings: ['protocol = "udp"', 'check = { type = "on" }'],
    }),
  ].join("\n");
  const director = stack.use(await startDirector({ config }));
  const url = `http://127.0.0.1:${port}/`;
  const bound = await fetchPage(url);
  await runCommand(director, "weight", one!, "7");
  const before = await readServer(director, one!);

  expect(await runCommand(director, "upgrade")).toMatchObject({ status: 0, stderr: "" });
  expect(await director.process.exited).toBe(0);
  const after = await readServer(director, one!);
  expect(after).toMatchObject({ weight: 7, health: "up", changedAt: before.changedAt });
  expect(await countPages(url, 6)).toEqual({ [bound]: 6 });
  const client = stack.use(await openUdpPeer());
  client.send("hello", otherPort!);
  expect(await client.text()).toBe("hello");
  const { events } = await readSnapshot(director);
  expect(events.some(({ text }) => text.startsWith("Took over from version "))).toBe(true);
  await endSuccessor(director);
});

test.skipIf(needs.skip)(
  "an executable that does not come up leaves the old one running",
  async () => {
    await using stack = new AsyncDisposableStack();
    const installed = stack.use(createInstalled());
    const server = stack.use(await page("page"));
    const [port, otherPort] = await freePorts(2);
    const url = `http://127.0.0.1:${port}/`;
    const config = (extra = ""): string =>
      formatService({
        listen: `127.0.0.1:${port}`,
        servers: [server.address],
        settings: [quickHttpCheck],
      }) + extra;
    const director = stack.use(
      await startDirector({ config: config(), executable: installed.path }),
    );
    const kept = stack.use(startWrk({ url, connections: 4 }));
    const short = stack.use(startWrk({ url, connections: 4, close: true }));
    await waitForService(director, ({ connections }) => connections > 50);
    const upgrade = async (): Promise<readonly [number, string]> => {
      const { connections } = await readService(director);
      const { status, stderr } = await runCommand(director, "upgrade");
      expect((await readSnapshot(director)).pid).toBe(director.process.pid);
      await waitForService(director, (service) => service.connections > connections + 50);
      return [status, stderr];
    };

    installed.installScript("exit 1");
    expect(await upgrade()).toEqual([69, expect.stringContaining("exit status 1")]);
    installed.installNothing();
    expect(await upgrade()).toEqual([69, expect.stringContaining("cannot be started")]);
    installed.installScript("kill -9 $$");
    expect(await upgrade()).toEqual([69, expect.stringContaining("signal SIGKILL")]);
    installed.installScript("exec sleep 1000");
    const hung = upgrade();
    const isUnderWay = async (): Promise<boolean> =>
      (await readSnapshot(director)).events[0]!.text.startsWith("Starts its successor");
    await waitFor(isUnderWay, { what: "start of the successor" });
    expect((await runCommand(director, "upgrade")).status).toBe(75);
    expect((await runCommand(director, "reload")).status).toBe(75);
    expect(await hung).toEqual([69, expect.stringContaining("did not answer within 15 s")]);

    installed.installWell();
    director.configure("nonsense");
    expect(await upgrade()).toEqual([69, expect.stringContaining("appliance.toml")]);
    // A port that another program has.
    await using taken = Bun.listen({
      hostname: "127.0.0.1",
      port: otherPort!,
      socket: { data: () => undefined },
    }) as unknown as AsyncDisposable;
    void taken;
    const other = { name: "other", listen: `127.0.0.1:${otherPort}`, servers: [server.address] };
    director.configure(config(`\n${formatService(other)}`));
    expect(await upgrade()).toEqual([69, expect.stringContaining("another program uses it")]);

    director.configure(config());
    const reports = await Promise.all([kept.finish(), short.finish()]);
    expect(reports.map(({ errors }) => errors)).toEqual(["", ""]);
    // And still it can be replaced.
    expect(await runCommand(director, "upgrade")).toMatchObject({ status: 0, stderr: "" });
    await endSuccessor(director);
  },
  90_000,
);
