/**
 * Kinds of traffic through the executable: both families and mixtures of them, persistence, PROXY
 * headers in both directions, lists of clients, UDP.
 */
import { describe, expect, test } from "bun:test";

import { formatService, quickHttpCheck } from "../helpers/director-config.ts";
import type { ConfiguredService } from "../helpers/director-config.ts";
import {
  readMetric,
  readServer,
  readService,
  runCommand,
  waitForHealth,
  waitForService,
} from "../helpers/director-view.ts";
import { startDirector } from "../helpers/director.ts";
import { createLan } from "../helpers/netns.ts";
import { startNginx } from "../helpers/nginx.ts";
import type { Nginx } from "../helpers/nginx.ts";
import { fetchPage } from "../helpers/page.ts";
import { freePort, freePorts } from "../helpers/port.ts";
import { runProcess } from "../helpers/process.ts";
import {
  requireAll,
  requireExecutable,
  requireNetns,
  requirePeer,
} from "../helpers/require-peer.ts";
import { makeBody } from "../helpers/traffic/body.ts";
import { connectTcp, openTcpServer } from "../helpers/traffic/tcp.ts";
import { openUdpPeer, openUdpServer } from "../helpers/traffic/udp.ts";
import { waitFor } from "../helpers/wait.ts";

const needs = requireAll(requireExecutable(), requirePeer("nginx", "curl"));

const netns = requireAll(needs, requireNetns());

const page = (text: string): Promise<Nginx> => startNginx({ pages: { "index.html": `${text}\n` } });

/** A director with these services, which ends without waiting for its clients. */
function startSite(...services: readonly ConfiguredService[]) {
  const tables = ['[director]\nstop_timeout = "0s"\n', ...services.map(formatService)];
  return startDirector({ config: tables.join("\n") });
}

/** The page as a client of another address of loopback gets it; empty if it gets none. */
async function fetchFrom(client: string, url: string): Promise<string> {
  const command = ["curl", "--silent", "--max-time", "10", "--interface", client, url];
  return (await runProcess(command)).stdout.trim();
}

describe("families", () => {
  test.skipIf(needs.skip)("IPv4 and IPv6 clients reach IPv4 and IPv6 servers", async () => {
    const [port6] = await freePorts(1, "::1");
    await using four = await page("four");
    await using six = await startNginx({
      pages: { "index.html": "six\n" },
      directives: `listen [::1]:${port6};`,
    });
    const port = await freePort("::1");
    await using director = await startSite({
      listen: [`127.0.0.1:${port}`, `[::1]:${port}`],
      servers: [four.address, `[::1]:${port6}`],
      settings: ['scheduler = "rr"', quickHttpCheck],
    });
    for (const host of ["127.0.0.1", "[::1]"]) {
      const pages = new Set<string>();
      // Each worker takes the servers in turn, so a few rounds are enough.
      for (let turn = 0; turn < 8; turn++) pages.add(await fetchPage(`http://${host}:${port}/`));
      expect([...pages].toSorted()).toEqual(["four", "six"]);
    }
    const { stdout } = await runCommand(director, "list", "-n");
    expect(stdout).toContain(`\nTCP  127.0.0.1:${port} rr`);
    expect(stdout).toContain(`\nTCP  [::1]:${port} rr`);
    expect(stdout).toContain(`  -> [::1]:${port6}`);
    // The one of the other family goes on alone.
    four.process.kill("SIGKILL");
    await waitForHealth(director, four.address, "down");
    expect(await fetchPage(`http://127.0.0.1:${port}/`)).toBe("six");
    expect(await fetchPage(`http://[::1]:${port}/`)).toBe("six");
    await six[Symbol.asyncDispose]();
  });
});

describe("addresses that come and go", () => {
  test.skipIf(netns.skip)("an address that the host gets later is served at once", async () => {
    await using lan = await createLan(["director", "web", "client"]);
    const { director: host, web, client } = lan.hosts;
    const enter = ({ netns: name }: { netns: string }) => ["ip", "netns", "exec", name];
    await using nginx = await startNginx({
      pages: { "index.html": "page\n" },
      host: web.address,
      port: 8000,
      prefix: enter(web),
    });
    const config = formatService({
      listen: ["10.99.0.200:80", "[fd99::200]:80"],
      servers: [nginx.address, `[${web.address6}]:8000`],
      settings: [quickHttpCheck],
    });
    await using director = await startDirector({ config, prefix: enter(host) });
    expect((await readService(director)).state).toBe("up");
    const urls = ["http://10.99.0.200/", "http://[fd99::200]/"];
    const fetchBoth = async (): Promise<string[]> => {
      const fetched = urls.map((url) =>
        client.run(["curl", "--silent", "--connect-timeout", "1", "--globoff", url]),
      );
      return (await Promise.all(fetched)).map(({ stdout }) => stdout);
    };
    const change = async (what: "add" | "del"): Promise<void> => {
      await host.run(["ip", "addr", what, "10.99.0.200/24", "dev", "eth0"]);
      await host.run(["ip", "addr", what, "fd99::200/64", "dev", "eth0", "nodad"]);
    };
    await change("add");
    expect(await fetchBoth()).toEqual(["page\n", "page\n"]);
    await change("del");
    await change("add");
    expect(await fetchBoth()).toEqual(["page\n", "page\n"]);
  });
});

describe("persistence", () => {
  const settings = ['scheduler = "rr"', 'persistent = "10m"', quickHttpCheck];

  test.skipIf(needs.skip)("a client stays with its server until that fails", async () => {
    await using stack = new AsyncDisposableStack();
    const names = ["one", "two", "three"];
    const servers = await Promise.all(names.map(async (name) => stack.use(await page(name))));
    const listen = `127.0.0.1:${await freePort()}`;
    const url = `http://${listen}/`;
    const director = stack.use(
      await startSite({ listen, servers: servers.map(({ address }) => address), settings }),
    );
    const clients = Array.from({ length: 9 }, (_, index) => `127.0.0.${index + 2}`);
    const first = new Map<string, string>();
    for (const client of clients) first.set(client, await fetchFrom(client, url));
    // Different clients are spread, the same one is not.
    expect([...new Set(first.values())].toSorted()).toEqual(names.toSorted());
    for (const client of clients) {
      for (let turn = 0; turn < 3; turn++) {
        expect([client, await fetchFrom(client, url)]).toEqual([client, first.get(client)!]);
      }
    }
    const [failing] = servers;
    const failed = clients.filter((client) => first.get(client) === "one");
    expect((await readServer(director, failing!.address)).persistentEntries).toBe(failed.length);

    // Hanging, it would still accept connections.
    failing!.process.kill("SIGSTOP");
    try {
      await waitForHealth(director, failing!.address, "down");
      await waitFor(
        async () => (await readServer(director, failing!.address)).persistentEntries === 0,
        { what: "entries gone" },
      );
      for (const client of failed) expect(await fetchFrom(client, url)).toMatch(/^(?:two|three)$/);
    } finally {
      failing!.process.kill("SIGCONT");
    }
    await waitForHealth(director, failing!.address, "up");
    // Who had to move stays where it is now.
    for (const client of failed) expect(await fetchFrom(client, url)).toMatch(/^(?:two|three)$/);
  });

  test.skipIf(needs.skip)("clients of one network stay together", async () => {
    await using one = await page("one");
    await using two = await page("two");
    const listen = `127.0.0.1:${await freePort()}`;
    await using director = await startSite({
      listen,
      servers: [one.address, two.address],
      settings: [...settings, "persistence_mask = 24"],
    });
    const pages = new Set<string>();
    for (let last = 2; last < 12; last++) {
      pages.add(await fetchFrom(`127.0.0.${last}`, `http://${listen}/`));
    }
    expect(pages.size).toBe(1);
    const { realServers } = await readService(director);
    expect(new Set(realServers.map((server) => server.persistentEntries))).toEqual(new Set([0, 1]));
  });
});

describe("PROXY protocol", () => {
  /** nginx that says whom it believes to serve. */
  const startTeller = (port: number): Promise<Nginx> =>
    startNginx({
      pages: {},
      directives: `} server { listen 127.0.0.1:${port} proxy_protocol;
        location / { return 200 "$proxy_protocol_addr to $proxy_protocol_server_port\\n"; }`,
    });

  test.skipIf(needs.skip).each(["v1", "v2"])("%s tells nginx the client", async (version) => {
    const [tellerPort, port] = await freePorts(2);
    await using _teller = await startTeller(tellerPort!);
    const listen = `127.0.0.1:${port}`;
    await using director = await startSite({
      listen,
      servers: [`127.0.0.1:${tellerPort}`],
      // The check sends the header too, or nginx would not answer it.
      settings: [`send_proxy = "${version}"`, quickHttpCheck],
    });
    expect((await readService(director)).state).toBe("up");
    expect(await fetchFrom("127.0.0.7", `http://${listen}/`)).toBe(`127.0.0.7 to ${port}`);
  });

  test.skipIf(needs.skip)("a director behind another one passes the client on", async () => {
    const [tellerPort, outerPort, innerPort] = await freePorts(3);
    await using _teller = await startTeller(tellerPort!);
    const inner = `127.0.0.1:${innerPort}`;
    const outer = `127.0.0.1:${outerPort}`;
    await using director = await startSite(
      {
        name: "outer",
        listen: outer,
        servers: [inner],
        settings: ['send_proxy = "v2"', 'check = { type = "on" }'],
      },
      {
        name: "inner",
        listen: inner,
        servers: [`127.0.0.1:${tellerPort}`],
        settings: [
          'accept_proxy_from = ["127.0.0.0/8"]',
          'deny = ["127.0.0.8/32"]',
          'send_proxy = "v1"',
          quickHttpCheck,
        ],
      },
    );
    expect(await fetchFrom("127.0.0.7", `http://${outer}/`)).toBe(`127.0.0.7 to ${outerPort}`);
    // Lists apply to whom the header names.
    expect(await fetchFrom("127.0.0.8", `http://${outer}/`)).toBe("");
    const denied = 'appliance_connections_closed_total{service="inner",cause="denied"}';
    expect(await readMetric(director, denied)).toBe(1);
  });

  test.skipIf(needs.skip)("a malformed header ends that client only, with the cause", async () => {
    await using nginx = await page("page");
    const port = await freePort();
    const listen = `127.0.0.1:${port}`;
    await using director = await startSite({
      listen,
      servers: [nginx.address],
      settings: ['accept_proxy_from = ["127.0.0.1/32"]'],
    });
    const headers = [
      "GET / HTTP/1.1\r\n\r\n",
      "PROXY TCP4 256.0.0.1 127.0.0.1 1 2\r\n",
      `PROXY TCP4 ${"1".repeat(300)}`,
      "\r\n\r\n\0\r\nQUIT\n\u0031\u0011\u0000\u000c",
      `\r\n\r\n\0\r\nQUIT\n\u0021\u0011\u0000\u0001\u0001`,
    ];
    for (const header of headers) {
      const peer = await connectTcp(port);
      expect([header, await peer.send(header).untilEnding()]).toEqual([header, "reset"]);
    }
    const { closed } = await waitForService(
      director,
      ({ activeConnections }) => activeConnections === 0,
    );
    expect(closed["bad-proxy-header"]).toBe(headers.length);
    const good = "PROXY TCP4 192.0.2.7 192.0.2.1 4000 80\r\nGET / HTTP/1.0\r\n\r\n";
    await (await connectTcp(port)).send(good).untilText("HTTP/1.1 200 OK");
    // Others need no header, and must not send one.
    expect(await fetchFrom("127.0.0.9", `http://${listen}/`)).toBe("page");
  });
});

test.skipIf(needs.skip)("allow and deny choose the clients", async () => {
  await using nginx = await page("page");
  const listen = `127.0.0.1:${await freePort()}`;
  await using director = await startSite({
    listen,
    servers: [nginx.address],
    settings: ['allow = ["127.0.0.0/28"]', 'deny = ["127.0.0.9/32"]'],
  });
  const url = `http://${listen}/`;
  const pages = [];
  for (const client of ["127.0.0.8", "127.0.0.9", "127.0.0.16"]) {
    pages.push(await fetchFrom(client, url));
  }
  expect(pages).toEqual(["page", "", ""]);
  const denied = 'appliance_connections_closed_total{service="web",cause="denied"}';
  expect(await readMetric(director, denied)).toBe(2);
});

describe("UDP", () => {
  const check = 'check = { type = "on" }';
  const udp = ['protocol = "udp"', 'scheduler = "rr"', check];

  test.skipIf(needs.skip).each(["127.0.0.1", "::1"])(
    "datagrams of every size come back over %s",
    async (address) => {
      await using server = await openUdpServer("");
      const port = await freePort(address);
      const host = address.includes(":") ? `[${address}]` : address;
      await using director = await startSite({
        listen: `${host}:${port}`,
        servers: [`127.0.0.1:${server.port}`],
        settings: udp,
      });
      await using client = await openUdpPeer(undefined, { address });
      // The largest that UDP over IPv4 can carry.
      for (const [index, size] of [1, 0, 1472, 65_507].entries()) {
        const body = makeBody(size, size + 1);
        client.send(body, port, address);
        expect((await client.datagram(index)).bytes).toEqual(body);
      }
      const { connections, packetsIn, bytesIn } = await readService(director);
      expect([connections, packetsIn, bytesIn]).toEqual([1, 4, 1 + 0 + 1472 + 65_507]);
      // Answers come from the address that the client asked.
      const { received } = client;
      expect(received.every((one) => one.port === port && one.address === address)).toBe(true);
    },
  );

  test.skipIf(needs.skip)("a flow stays with its server, and moves when that goes", async () => {
    await using a = await openUdpServer("a:");
    await using b = await openUdpServer("b:");
    const port = await freePort();
    const servers = [a, b].map((server) => `127.0.0.1:${server.port}`);
    await using director = await startSite({
      listen: `127.0.0.1:${port}`,
      servers,
      settings: udp,
    });
    await using client = await openUdpPeer();
    let answers = 0;
    const ask = (text: string): Promise<string> => {
      client.send(text, port);
      return client.text(answers++);
    };
    const name = (await ask("1")).slice(0, 2);
    for (const text of ["2", "3", "4"]) expect(await ask(text)).toBe(name + text);
    const [own, other] = name === "a:" ? [servers[0]!, "b:"] : [servers[1]!, "a:"];
    expect(await runCommand(director, "disable", own, "--kill")).toMatchObject({ status: 0 });
    // What is sent on the way may be lost, as UDP goes.
    await waitFor(
      async () => {
        client.send("again", port);
        return client.received.some(
          ({ bytes }) => Buffer.from(bytes).toString() === `${other}again`,
        );
      },
      { what: "an answer of the other server" },
    );
    expect(await readServer(director, own)).toMatchObject({ activeConnections: 0 });
  });

  test.skipIf(needs.skip)("a service may have the port of another protocol", async () => {
    await using udpServer = await openUdpServer("udp:");
    await using tcpServer = openTcpServer((peer) => peer.echo());
    const port = await freePort();
    await using _director = await startSite(
      {
        name: "dns",
        listen: `127.0.0.1:${port}`,
        servers: [`127.0.0.1:${udpServer.port}`],
        settings: udp,
      },
      {
        name: "dns-tcp",
        listen: `127.0.0.1:${port}`,
        servers: [`127.0.0.1:${tcpServer.port}`],
        settings: [check],
      },
    );
    await using client = await openUdpPeer();
    client.send("ask", port);
    expect(await client.text()).toBe("udp:ask");
    await (await connectTcp(port)).send("ask").untilText("ask");
  });
});
