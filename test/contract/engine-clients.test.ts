/**
 * Promises of every engine about clients: who may connect, how many, for how long, and what a
 * PROXY header says of them.
 *
 * @module
 */

import { expect } from "bun:test";

import { parseAddress, parseNetwork } from "../../src/net/address.ts";
import type { Network } from "../../src/net/address.ts";
import { decodeProxyHeader, encodeProxyV1, encodeProxyV2 } from "../../src/net/proxy-protocol.ts";
import type { ProxyFlow } from "../../src/net/proxy-protocol.ts";
import { serverAt } from "../helpers/traffic/forwarding.ts";
import type { TcpPeer } from "../helpers/traffic/tcp-peer.ts";
import type { TcpServer } from "../helpers/traffic/tcp.ts";
import type { EngineBench } from "./engine-bench.ts";
import { describeEngines } from "./engine-contract.ts";

function networks(...texts: string[]): Network[] {
  return texts.map((text) => parseNetwork(text)!);
}

/** True if a client at this address is served; else it is turned away. */
async function isServed(bench: EngineBench, from: string): Promise<boolean> {
  const client = await bench.connect("127.0.0.1", from);
  client.send("x").shutdown();
  await client.untilEnding();
  return client.text === "x";
}

describeEngines("lists and limits", (promised) => {
  promised("a denied client is turned away, others are not", async (bench) => {
    await bench.applyEcho({ deny: networks("127.0.5.0/24", "127.0.6.6") });
    expect(await isServed(bench, "127.0.0.1")).toBe(true);
    expect(await isServed(bench, "127.0.5.200")).toBe(false);
    expect(await isServed(bench, "127.0.6.6")).toBe(false);
    expect(await isServed(bench, "127.0.6.7")).toBe(true);
    const counters = await bench.untilClosed("denied", 2);
    expect([counters.connections, counters.active]).toEqual([4, 0]);
  });

  promised("with an allow list nobody else is served", async (bench) => {
    await bench.applyEcho({ allow: networks("127.0.5.0/24") });
    expect(await isServed(bench, "127.0.5.1")).toBe(true);
    expect(await isServed(bench, "127.0.0.1")).toBe(false);
    await bench.untilClosed("denied");
  });

  promised("deny wins over allow", async (bench) => {
    await bench.applyEcho({ allow: networks("127.0.5.0/24"), deny: networks("127.0.5.9") });
    expect(await isServed(bench, "127.0.5.8")).toBe(true);
    expect(await isServed(bench, "127.0.5.9")).toBe(false);
  });

  promised("nothing of a denied client reaches a server", async (bench) => {
    const server = await bench.applyEcho({ deny: networks("127.0.0.0/8") });
    expect(await isServed(bench, "127.0.0.1")).toBe(false);
    expect(server.peers).toHaveLength(0);
  });

  promised("the connection limit turns away whoever is one too many", async (bench) => {
    await bench.applyEcho({ connectionLimit: 2 });
    const first = await bench.connect();
    const second = await bench.connect();
    for (const client of [first, second]) await client.send("in").untilText("in");
    await (await bench.connect()).untilEnding();
    await bench.untilClosed("connection-limit");
    first.reset();
    await bench.untilCounters((all) => all.active === 1, "one left");
    const third = await bench.connect();
    await third.send("in").untilText("in");
    expect(bench.counters().closed["connection-limit"]).toBe(1);
  });

  promised("an idle connection is ended", async (bench) => {
    const server = await bench.applyEcho({ timeouts: { idleMs: 200 } });
    const client = await bench.connect();
    await client.send("x").untilText("x");
    expect(await client.untilEnding()).toBe("reset");
    expect(await (await server.peer()).untilEnding()).toBe("reset");
    const counters = await bench.untilClosed("idle-timeout");
    expect(counters.active).toBe(0);
  });

  promised("traffic one way keeps a connection", async (bench) => {
    const server = bench.tcpServer(() => undefined);
    await bench.apply({ servers: [serverAt(server)], timeouts: { idleMs: 500 } });
    const client = await bench.connect();
    const peer = await server.peer();
    // Younger, and as long as it lives the other one is talked to.
    const silent = await bench.connect();
    for (let sent = 1; silent.ending === undefined; sent++) {
      client.send(".");
      await peer.untilReceived(sent);
    }
    expect((await bench.untilClosed("idle-timeout")).closed["idle-timeout"]).toBe(1);
    expect(client.ending).toBeUndefined();
  });

  promised("a half-closed connection that is quiet is ended", async (bench) => {
    const server = bench.tcpServer(() => undefined);
    await bench.apply({ servers: [serverAt(server)], timeouts: { halfClosedMs: 200 } });
    const client = await bench.connect();
    client.shutdown();
    const peer = await server.peer();
    expect(await peer.untilEnding()).toBe("end");
    expect(await client.untilEnding()).toBe("reset");
    const counters = await bench.untilClosed("half-closed-timeout");
    expect(counters.active).toBe(0);
  });
});

const v4: ProxyFlow = {
  source: { address: parseAddress("192.0.2.55")!, port: 40_001 },
  destination: { address: parseAddress("198.51.100.7")!, port: 443 },
};

/** What a server got first, as a header and the text behind it. */
async function headerAt(
  server: TcpServer,
  bytes: number,
): Promise<{ flow: ProxyFlow; rest: string }> {
  const peer = await server.peer();
  await peer.untilReceived(bytes);
  const decoded = decodeProxyHeader(peer.bytes);
  if (decoded.kind !== "header") throw new Error(`${decoded.kind}: ${peer.text}`);
  const { source, destination, headerBytes } = decoded;
  const rest = peer.text.slice(headerBytes);
  return { flow: { source: source!, destination: destination! }, rest };
}

describeEngines("PROXY header to the server", (promised) => {
  promised("version 1 says who the client is", async (bench) => {
    const server = await bench.applyEcho({ sendProxy: "v1" });
    const client = await bench.connect("127.0.0.1", "127.0.0.31");
    client.send("hello");
    const line = `PROXY TCP4 127.0.0.31 127.0.0.1 ${client.localPort} ${bench.port}\r\n`;
    await client.untilText(`${line}hello`);
    expect((await server.peer()).text).toBe(`${line}hello`);
    // The header is not the client's.
    expect(bench.counters().bytesIn).toBe(5);
  });

  promised("version 2 says who the client is, before it says anything", async (bench) => {
    const server = await bench.applyEcho({ sendProxy: "v2" });
    const client = await bench.connect("127.0.0.1", "127.0.0.32");
    const { flow, rest } = await headerAt(server, 28);
    expect(flow).toEqual({
      source: { address: parseAddress("127.0.0.32")!, port: client.localPort },
      destination: { address: parseAddress("127.0.0.1")!, port: bench.port },
    });
    expect(rest).toBe("");
  });

  promised("IPv6 clients are told in IPv6, whatever the server speaks", async (bench) => {
    const server = bench.tcpServer();
    const listen = [{ address: "::1", portFirst: bench.port, portLast: bench.port }];
    await bench.apply({ listen, servers: [serverAt(server)], sendProxy: "v2" });
    const client = await bench.connect("::1");
    const { flow } = await headerAt(server, 52);
    const address = parseAddress("::1")!;
    expect(flow.source).toEqual({ address, port: client.localPort });
    expect(flow.destination).toEqual({ address, port: bench.port });
  });

  promised("the header of a client is passed on", async (bench) => {
    const server = await bench.applyEcho({
      sendProxy: "v2",
      acceptProxyFrom: networks("127.0.0.1"),
    });
    const client = await bench.connect();
    client.send(encodeProxyV1(v4)).send("hello");
    const { flow, rest } = await headerAt(server, 28 + 5);
    expect({ flow, rest }).toEqual({ flow: v4, rest: "hello" });
  });
});

describeEngines("PROXY header from the client", (promised) => {
  const acceptProxyFrom = networks("127.0.0.0/24");

  const accepted: readonly [string, Uint8Array][] = [
    ["version 1", encodeProxyV1(v4)],
    ["version 1, UNKNOWN,", encodeProxyV1(undefined)],
    ["version 2", encodeProxyV2(v4)],
    ["version 2, LOCAL,", encodeProxyV2(undefined)],
  ];
  for (const [name, header] of accepted) {
    promised(`${name} is taken off`, async (bench) => {
      const server = await bench.applyEcho({ acceptProxyFrom });
      const client = await bench.connect();
      client.send(Buffer.concat([header, Buffer.from("request")]));
      await client.untilText("request");
      expect((await server.peer()).text).toBe("request");
      expect(bench.counters().bytesIn).toBe(7);
    });
  }

  promised("a header in single bytes is taken off", async (bench) => {
    await bench.applyEcho({ acceptProxyFrom });
    const client = await bench.connect();
    for (const byte of encodeProxyV2(v4)) {
      client.send(Uint8Array.of(byte));
      await client.untilSent();
    }
    await client.send("request").untilText("request");
  });

  promised("a header with its end right behind it is taken off", async (bench) => {
    await bench.applyEcho({ acceptProxyFrom });
    const client = await bench.connect();
    client.send(encodeProxyV1(v4)).send("all").shutdown();
    expect(await client.untilEnding()).toBe("end");
    expect(client.text).toBe("all");
  });

  promised("a client that is not listed sends no header", async (bench) => {
    await bench.applyEcho({ acceptProxyFrom });
    const client = await bench.connect("127.0.0.1", "127.0.9.1");
    const line = Buffer.from(encodeProxyV1(v4)).toString("latin1");
    await client.send(`${line}x`).untilText(`${line}x`);
  });

  const broken: readonly [string, (client: TcpPeer) => void][] = [
    ["another protocol", (client) => void client.send("GET / HTTP/1.1\r\n\r\n")],
    ["a malformed line", (client) => void client.send("PROXY TCP4 1.2.3.4 1.2.3 1 2\r\n")],
    ["a line without end", (client) => void client.send(`PROXY UNKNOWN ${"x".repeat(200)}`)],
    ["an end within the header", (client) => void client.send("PROXY TCP4").shutdown()],
    ["an end without any byte", (client) => void client.shutdown()],
    ["bytes of no protocol", (client) => void client.send(new Uint8Array(3000))],
  ];
  for (const [name, send] of broken) {
    promised(`${name} instead of a header ends the connection`, async (bench) => {
      const server = await bench.applyEcho({ acceptProxyFrom });
      const client = await bench.connect();
      send(client);
      await client.untilEnding();
      const counters = await bench.untilClosed("bad-proxy-header");
      expect([counters.active, server.peers.length]).toEqual([0, 0]);
    });
  }

  promised("a listed client that says nothing is ended", async (bench) => {
    await bench.applyEcho({ acceptProxyFrom, timeouts: { connectMs: 200 } });
    const client = await bench.connect();
    expect(await client.untilEnding()).toBe("reset");
    await bench.untilClosed("bad-proxy-header");
  });

  promised("lists judge the client of the header, not who brings it", async (bench) => {
    await bench.applyEcho({ acceptProxyFrom, allow: networks("192.0.2.0/24") });
    const client = await bench.connect();
    await client.send(encodeProxyV1(v4)).send("x").untilText("x");
    const other = await bench.connect();
    const elsewhere = { ...v4.source, address: parseAddress("203.0.113.1")! };
    other.send(encodeProxyV1({ ...v4, source: elsewhere })).send("x");
    await other.untilEnding();
    await bench.untilClosed("denied");
  });

  promised("persistence goes by the client of the header", async (bench) => {
    const servers = [0, 1].map((number) =>
      serverAt(bench.tcpServer((peer) => void peer.send(`${number}`))),
    );
    const persistence = { timeoutMs: 60_000, ipv4PrefixBits: 32, ipv6PrefixBits: 128 };
    await bench.apply({ servers, acceptProxyFrom, persistence });
    const answers: string[] = [];
    for (const last of [1, 2, 1, 2, 1]) {
      const client = await bench.connect();
      const source = { address: parseAddress(`192.0.2.${last}`)!, port: 1000 };
      client.send(encodeProxyV2({ ...v4, source }));
      await client.untilReceived(1);
      answers.push(client.text);
    }
    const [first, second] = answers;
    expect(answers).toEqual([first!, second!, first!, second!, first!]);
    expect(second).not.toBe(first!);
  });
});
