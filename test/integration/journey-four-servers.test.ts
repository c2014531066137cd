/**
 * One director before four web servers, as the first article has it: checked by fetching
 * `ldirectord.html` and finding `Test Page`, with a scheduler, weights, a fallback and a list.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import {
  readService,
  runCommand,
  waitForHealth,
  waitForService,
} from "../helpers/director-view.ts";
import { startDirector } from "../helpers/director.ts";
import type { Director } from "../helpers/director.ts";
import { startNginx } from "../helpers/nginx.ts";
import type { Nginx } from "../helpers/nginx.ts";
import { countPages, fetchPage } from "../helpers/page.ts";
import { freePort } from "../helpers/port.ts";
import { runProcess } from "../helpers/process.ts";
import { requireAll, requireExecutable, requirePeer } from "../helpers/require-peer.ts";
import { waitFor } from "../helpers/wait.ts";

const needs = requireAll(requireExecutable(), requirePeer("nginx", "curl"));

const goodPage = "<html><body>Test Page</body></html>\n";

/** Columns of `ipvsadm -L`: address, forwarding, weight, active, inactive connections. */
function row(server: Nginx, weight: number): string {
  return `  -> ${server.address.padEnd(28)} Masq    ${String(weight).padEnd(6)} 0          0         `;
}

describe.skipIf(needs.skip)("a director before four nginx servers", () => {
  const stack = new AsyncDisposableStack();
  let servers: readonly Nginx[];
  let fallback: Nginx;
  let director: Director;
  let port: number;
  let url: string;

  beforeAll(async () => {
    const start = (index: string): Promise<Nginx> =>
      startNginx({ pages: { "index.html": `${index}\n`, "ldirectord.html": goodPage } });
    const names = ["server 1", "server 2", "server 3", "server 4"];
    servers = await Promise.all(names.map(async (name) => stack.use(await start(name))));
    fallback = stack.use(await start("fallback"));
    port = await freePort();
    url = `http://127.0.0.1:${port}/`;
    const realServers = servers.map(
      ({ address }, index) => `  { address = "${address}", weight = ${index + 1} },`,
    );
    const config = `
[proxy]
workers = 1

[[virtual_service]]
name = "web"
listen = "127.0.0.1:${port}"
scheduler = "wrr"
fallback = "${fallback.address}"
check = { type = "negotiate", service = "http", request = "/ldirectord.html", receive = "Test Page", interval = "100ms", timeout = "100ms", fast_interval = "20ms" }
real_servers = [
${realServers.join("\n")}
]
`;
    director = stack.use(await startDirector({ config }));
  }, 20_000);
  afterAll(() => stack.disposeAsync());

  const writeCheckPage = ({ root }: Nginx, text: string): void =>
    writeFileSync(join(root, "ldirectord.html"), text);

  /** Counts pages once the engine has what the checks found. */
  const waitForPages = (count: number, expected: Record<string, number>): Promise<true> =>
    waitFor(async () => Bun.deepEquals(await countPages(url, count), expected), {
      what: `pages ${JSON.stringify(expected)}`,
    });

  test("each server gets the share of its weight", async () => {
    // Credits left by a change of weights may shift the first turns.
    await waitForPages(40, { "server 1": 4, "server 2": 8, "server 3": 12, "server 4": 16 });
  });

  test("curl gets the page as an operator would ask for it", async () => {
    const { status, stdout } = await runProcess(["curl", "--silent", "--max-time", "10", url]);
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^server [1-4]\n$/)]);
  });

  test("list -n prints the table of ipvsadm -L -n", async () => {
    await waitForService(director, ({ realServers, activeConnections }) =>
      [activeConnections, ...realServers.map((one) => one.inactiveConnections)].every(
        (count) => count === 0,
      ),
    );
    const { status, stdout } = await runCommand(director, "list", "-n");
    expect([status, stdout.split("\n")]).toEqual([
      0,
      [
        expect.stringMatching(/^IP Virtual Server version \d+\.\d+\.\d+ \(size=\d+\)$/),
        "Prot LocalAddress:Port Scheduler Flags",
        "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn",
        `TCP  127.0.0.1:${port} wrr`,
        // As ipvsadm, by address and port.
        ...servers
          .map((server, index) => ({ port: server.port, text: row(server, index + 1) }))
          .toSorted((left, right) => left.port - right.port)
          .map(({ text }) => text),
        "",
      ],
    ]);
  });

  test("a server with the wrong page leaves, with the reason, and returns with the right one", async () => {
    const { address } = servers[1]!;
    writeCheckPage(servers[1]!, "<html><body>Maintenance</body></html>\n");
    try {
      const { reason } = await waitForHealth(director, address, "down");
      expect(reason).toContain("Test Page");
      await waitForPages(8, { "server 1": 1, "server 3": 3, "server 4": 4 });
      const { stdout } = await runCommand(director, "list", "-n");
      expect(stdout).not.toContain(address);
    } finally {
      writeCheckPage(servers[1]!, goodPage);
    }
    await waitForHealth(director, address, "up");
    await waitForPages(10, { "server 1": 1, "server 2": 2, "server 3": 3, "server 4": 4 });
  });

  test("the fallback serves when all four are out, and only then", async () => {
    expect(await readService(director)).toMatchObject({
      state: "up",
      fallback: { key: fallback.address, active: false },
    });
    for (const server of servers) writeCheckPage(server, "down\n");
    try {
      await waitForService(director, ({ state }) => state === "fallback");
      await waitForPages(4, { fallback: 4 });
      const { stdout } = await runCommand(director, "list", "-n");
      expect(stdout.split("\n").slice(3)).toEqual([
        `TCP  127.0.0.1:${port} wrr`,
        row(fallback, 1),
        "",
      ]);
    } finally {
      for (const server of servers) writeCheckPage(server, goodPage);
    }
    for (const { address } of servers) await waitForHealth(director, address, "up");
    await waitForPages(10, { "server 1": 1, "server 2": 2, "server 3": 3, "server 4": 4 });
    expect(await fetchPage(url)).toStartWith("server");
  });

  test("weight changes the shares at once, and is undone by the configured one", async () => {
    const set = async (weight: string): Promise<void> => {
      const { status } = await runCommand(director, "weight", servers[3]!.address, weight);
      expect(status).toBe(0);
    };
    await set("0");
    await waitForPages(6, { "server 1": 1, "server 2": 2, "server 3": 3 });
    await set("4");
    await waitForPages(10, { "server 1": 1, "server 2": 2, "server 3": 3, "server 4": 4 });
  });
});
