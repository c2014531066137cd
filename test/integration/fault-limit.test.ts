/**
 * What a host runs out of: descriptors, ports to listen on, ports to connect from, and the place
 * for a second director.
 */
import { describe, expect, test } from "bun:test";

import { descriptorCount } from "../../bench/harness/cpu.ts";
import { formatService } from "../helpers/director-config.ts";
import { readMetric, readService, waitForService } from "../helpers/director-view.ts";
import { spawnDirector, startDirector } from "../helpers/director.ts";
import type { Director } from "../helpers/director.ts";
import { holdConnections } from "../helpers/held-connections.ts";
import { createLan } from "../helpers/netns.ts";
import { startNginx } from "../helpers/nginx.ts";
import { countPages, fetchPage, tryPage } from "../helpers/page.ts";
import { freePort } from "../helpers/port.ts";
import { runProcess } from "../helpers/process.ts";
import {
  requireAll,
  requireExecutable,
  requireNetns,
  requirePeer,
} from "../helpers/require-peer.ts";
import { openTcpServer } from "../helpers/traffic/tcp.ts";
import { waitFor } from "../helpers/wait.ts";

const needs = requireAll(requireExecutable(), requirePeer("nginx", "unshare"));
const netns = requireAll(needs, requireNetns());

/** Limits the descriptors of the program that follows, as `ulimit -n` of a shell does. */
function withDescriptors(limit: number): string[] {
  return ["sh", "-c", `ulimit -n ${limit} && exec "$@"`, "sh"];
}

describe("descriptors", () => {
  test.skipIf(needs.skip)(
    "a limit that cannot hold the listeners is refused by numbers",
    async () => {
      const listen = `127.0.0.1:${await freePort()}`;
      const config = formatService({ listen, servers: ["127.0.0.1:9"] });
      await using director = await spawnDirector({ config, prefix: withDescriptors(200) });
      expect(await director.process.exited).toBe(77);
      await director.process.waitForOutput(/they need \d+, got a limit of 200/);
    },
  );

  test.skipIf(needs.skip)("with a low limit new clients wait, and all are served", async () => {
    await using nginx = await startNginx({ pages: { "index.html": "page\n" } });
    const port = await freePort();
    const config = formatService({ listen: `127.0.0.1:${port}`, servers: [nginx.address] });
    await using director = await startDirector({ config, prefix: withDescriptors(300) });
    const before = descriptorCount(director.process.pid);
    await using first = holdConnections({ port, connections: 200, mode: "ask" });
    await director.process.waitForOutput(/warning .*new (?:ones|connections) wait/);
    // The kernel has accepted all, the director some.
    await first.waitUntil(({ open }) => open === 200);
    const { answered } = first.report();
    expect(answered).toBeLessThan(200);
    expect((await readService(director)).activeConnections).toBeLessThan(128);

    await using second = holdConnections({ port, connections: 10, mode: "ask" });
    await second.waitUntil(({ open }) => open === 10);
    expect(second.report()).toEqual({ open: 10, answered: 0, ended: 0 });
    // With the first ones gone it is their turn.
    await first[Symbol.asyncDispose]();
    await second.waitUntil((report) => report.answered === 10);
    await second[Symbol.asyncDispose]();
    await waitForService(director, ({ activeConnections }) => activeConnections === 0);
    expect(await countPages(`http://127.0.0.1:${port}/`, 20)).toEqual({ page: 20 });
    await waitFor(() => descriptorCount(director.process.pid) <= before, { what: "descriptors" });
  });

  test.skipIf(needs.skip)("a limit that falls under a running director ends nothing", async () => {
    await using nginx = await startNginx({ pages: { "index.html": "page\n" } });
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/`;
    const servers = [nginx.address];
    // No check needs a descriptor now.
    const config = formatService({
      listen: `127.0.0.1:${port}`,
      servers,
      settings: ['check = { type = "on" }'],
    });
    await using director = await startDirector({ config });
    const { pid } = director.process;
    await using held = holdConnections({ port, connections: 20, mode: "ask" });
    await held.waitUntil(({ answered }) => answered === 20);
    const setLimit = async (limit: number): Promise<void> => {
      const { status } = await runProcess(["prlimit", `--pid=${pid}`, `--nofile=${limit}:`]);
      expect(status).toBe(0);
    };

    await setLimit(descriptorCount(pid));
    await using waiting = holdConnections({ port, connections: 20, mode: "ask" });
    await director.process.waitForOutput(/warning .*descriptors or memory are short/);
    await waiting.waitUntil(({ open }) => open === 20);
    expect(waiting.report().answered).toBe(0);
    expect(held.report()).toEqual({ open: 20, answered: 20, ended: 0 });

    await setLimit(1000);
    await waiting.waitUntil(({ answered }) => answered === 20);
    expect(await fetchPage(url)).toBe("page");
    expect(held.report()).toEqual({ open: 20, answered: 20, ended: 0 });
    expect(waiting.report().ended).toBe(0);
  });
});

describe("ports to listen on", () => {
  /** Waits for the end of a director that cannot start. */
  async function endOf({ process }: Director): Promise<{ status: number; text: string }> {
    return { status: await process.exited, text: process.output() };
  }

  test.skipIf(needs.skip)("a port in use ends the start, and says which", async () => {
    await using taken = openTcpServer();
    await using alsoTaken = openTcpServer();
    const services = [taken, alsoTaken].map(({ port }, index) =>
      formatService({
        name: `web${index}`,
        listen: `127.0.0.1:${port}`,
        servers: ["127.0.0.1:9"],
      }),
    );
    await using director = await spawnDirector({ config: services.join("\n") });
    const { status, text } = await endOf(director);
    expect(status).toBe(69);
    for (const [index, { port }] of [taken, alsoTaken].entries()) {
      expect(text).toMatch(new RegExp(`service web${index}: .*127\\.0\\.0\\.1:${port}.*use`));
    }
  });

  test.skipIf(needs.skip)(
    "a second director of the same runtime directory ends with 75",
    async () => {
      const listen = `127.0.0.1:${await freePort()}`;
      const config = formatService({ listen, servers: ["127.0.0.1:9"] });
      await using first = await startDirector({ config });
      await using second = await spawnDirector({ config, environment: first.environment });
      const { status, text } = await endOf(second);
      expect(status).toBe(75);
      expect(text).toContain(first.environment.APPLIANCE_RUNTIME_DIR);
      // The first one has not noticed.
      expect((await readService(first)).name).toBe("web");
    },
  );

  test.skipIf(needs.skip)("two directors with directories of their own share a host", async () => {
    const start = async (name: string): Promise<Director> => {
      const listen = `127.0.0.1:${await freePort()}`;
      return startDirector({ config: formatService({ name, listen, servers: ["127.0.0.1:9"] }) });
    };
    await using first = await start("one");
    await using second = await start("two");
    expect((await readService(first)).name).toBe("one");
    expect((await readService(second)).name).toBe("two");
  });
});

describe("ports to connect from", () => {
  const clientPort = 8080;
  const serverPort = 8000;
  const localPorts = 10;

  function config(address: string, settings: readonly string[]): string {
    return formatService({
      listen: `0.0.0.0:${clientPort}`,
      servers: [`${address}:${serverPort}`],
      settings: ['check = { type = "on" }', ...settings],
    });
  }

  test.skipIf(netns.skip)(
    "too few are counted by that cause, and more sources are the cure",
    async () => {
      await using lan = await createLan(["director", "web", "client"]);
      const { director: host, web, client } = lan.hosts;
      const range = "echo 40000 40009 > /proc/sys/net/ipv4/ip_local_port_range";
      expect(await host.run(["sh", "-c", range])).toMatchObject({ status: 0 });
      for (const last of [101, 102]) {
        await host.run(["ip", "addr", "add", `10.99.0.${last}/24`, "dev", "eth0"]);
      }
      await using nginx = await startNginx({
        pages: { "index.html": "page\n" },
        host: web.address,
        port: serverPort,
        prefix: ["ip", "netns", "exec", web.netns],
      });
      await using director = await startDirector({
        config: config(nginx.host, []),
        prefix: ["ip", "netns", "exec", host.netns],
      });
      const prefix = ["ip", "netns", "exec", client.netns];
      const place = { address: host.address, port: clientPort, prefix };
      const hold = (connections: number) => holdConnections({ ...place, connections, mode: "ask" });

      await using crowd = hold(20);
      await crowd.waitUntil(({ answered, ended }) => answered + ended === 20);
      expect(crowd.report()).toEqual({ open: localPorts, answered: localPorts, ended: 10 });
      const metric = 'appliance_connections_closed_total{service="web",cause="no-local-port"}';
      expect(await readMetric(director, metric)).toBe(10);
      await director.process.waitForOutput(/warning .*no local port left.*add source addresses/);
      // Neither a line for each, nor a word against the server.
      await using flood = hold(1000);
      await flood.waitUntil(({ ended }) => ended === 1000);
      expect(director.process.output().match(/no local port left/g)!.length).toBeLessThan(300);
      expect(await readService(director)).toMatchObject({
        state: "up",
        realServers: [{ health: "up", connectFailures: 0 }],
      });

      director.configure(config(nginx.host, ['source = ["10.99.0.101", "10.99.0.102"]']));
      director.process.kill("SIGHUP");
      await director.process.waitForOutput(/info reload/);
      // Each worker takes the sources in turn, so both get their share.
      const moreCount = localPorts + 4;
      const failures = await readMetric(director, metric);
      await using more = hold(moreCount);
      await more.waitUntil(({ answered, ended }) => answered + ended === moreCount);
      expect(more.report()).toEqual({ open: moreCount, answered: moreCount, ended: 0 });
      expect(await readMetric(director, metric)).toBe(failures);
      expect(crowd.report().open).toBe(localPorts);
    },
  );
});

test.skipIf(needs.skip)("a director that ends frees its ports at once", async () => {
  await using nginx = await startNginx({ pages: { "index.html": "page\n" } });
  const listen = `127.0.0.1:${await freePort()}`;
  const config = formatService({ listen, servers: [nginx.address] });
  for (let turn = 0; turn < 2; turn++) {
    await using director = await startDirector({ config });
    expect(await tryPage(`http://${listen}/`)).toBe("page");
    await director[Symbol.asyncDispose]();
  }
});
