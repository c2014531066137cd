/**
 * Promises of every engine about UDP: whole datagrams, flows that stay, flows that move.
 *
 * @module
 */

import { expect } from "bun:test";
import { readdirSync } from "node:fs";

import type { ForwardingServer } from "../../src/model/index.ts";
import { parseNetwork } from "../../src/net/address.ts";
import { checksumOf, makeBody } from "../helpers/traffic/body.ts";
import { until } from "../helpers/traffic/deadline.ts";
import { serverAt } from "../helpers/traffic/forwarding.ts";
import type { ServiceChanges } from "../helpers/traffic/forwarding.ts";
import { refusedPort } from "../helpers/traffic/tcp.ts";
import type { UdpPeer } from "../helpers/traffic/udp.ts";
import type { EngineBench } from "./engine-bench.ts";
import { describeEngines } from "./engine-contract.ts";

/** Sends and waits for the answer. */
async function ask(bench: EngineBench, client: UdpPeer, text = "?"): Promise<string> {
  const before = client.received.length;
  client.send(text, bench.port);
  return client.text(before);
}

/** A UDP service in front of servers named `a`, `b`, … that put their name in front. */
async function applyNamed(
  bench: EngineBench,
  names: string,
  changes: ServiceChanges = {},
): Promise<readonly ForwardingServer[]> {
  const servers: ForwardingServer[] = [];
  for (const name of names) servers.push(serverAt(await bench.udpServer(name)));
  await bench.apply({ protocol: "udp", servers, ...changes });
  return servers;
}

describeEngines("UDP datagrams", (promised) => {
  for (const size of [0, 1, 1472, 1473, 9000, 65_507]) {
    promised(`relays a datagram of ${size} bytes to the server and back`, async (bench) => {
      const server = await bench.udpServer("");
      await bench.apply({ protocol: "udp", servers: [serverAt(server)] });
      const client = await bench.udpClient();
      const body = makeBody(size, size + 1);
      client.send(body, bench.port);
      const { bytes } = await client.datagram();
      expect(bytes.length).toBe(size);
      expect(checksumOf(bytes)).toBe(checksumOf(body));
      expect(server.received).toHaveLength(1);
    });
  }

  promised("keeps the order of a client's datagrams", async (bench) => {
    const server = await bench.udpServer("");
    await bench.apply({ protocol: "udp", servers: [serverAt(server)] });
    const client = await bench.udpClient();
    for (let number = 0; number < 40; number++) client.send(`${number}`, bench.port);
    await client.datagram(39);
    const texts = client.received.map(({ bytes }) => Buffer.from(bytes).toString());
    expect(texts).toEqual(Array.from({ length: 40 }, (_, number) => `${number}`));
  });

  promised("gives each of many clients its own answers", async (bench) => {
    await applyNamed(bench, "ab");
    const clients = await Promise.all(Array.from({ length: 40 }, () => bench.udpClient()));
    for (const [index, client] of clients.entries()) client.send(`#${index}`, bench.port);
    for (const [index, client] of clients.entries()) {
      expect((await client.text()).slice(1)).toBe(`#${index}`);
      expect(client.received).toHaveLength(1);
    }
    const counters = await bench.untilCounters((all) => all.active === 40, "40 flows");
    expect(counters.connections).toBe(40);
    expect(counters.servers.map(({ connections }) => connections)).toEqual([20, 20]);
  });

  promised("answers with more datagrams than were asked", async (bench) => {
    const server = await bench.silentUdpServer();
    await bench.apply({ protocol: "udp", servers: [serverAt(server)] });
    const client = await bench.udpClient();
    client.send("subscribe", bench.port);
    const { address, port } = await server.datagram();
    for (const text of ["one", "two", "three"]) server.send(text, port, address);
    expect([await client.text(0), await client.text(1), await client.text(2)]).toEqual([
      "one",
      "two",
      "three",
    ]);
  });

  promised("relays between families", async (bench) => {
    const server = await bench.udpServer("six:", { address: "::1" });
    await bench.apply({ protocol: "udp", servers: [serverAt(server)] });
    expect(await ask(bench, await bench.udpClient())).toBe("six:?");
  });

  promised("relays from IPv6 clients", async (bench) => {
    const server = await bench.udpServer("four:");
    const listen = [{ address: "::1", portFirst: bench.port, portLast: bench.port }];
    await bench.apply({ protocol: "udp", listen, servers: [serverAt(server)] });
    const client = await bench.udpClient("::1");
    client.send("?", bench.port, "::1");
    expect(await client.text()).toBe("four:?");
  });

  promised("UDP answers come from the address the client asked", async (bench) => {
    const listen = ["127.0.0.1", "127.0.0.2"].map((address) => ({
      address,
      portFirst: bench.port,
      portLast: bench.port,
    }));
    await applyNamed(bench, "a", { listen });
    const client = await bench.udpClient();
    client.send("?", bench.port, "127.0.0.2");
    client.send("?", bench.port, "127.0.0.1");
    await client.datagram(1);
    const from = client.received.map(({ address, port }) => `${address}:${port}`);
    expect(from.toSorted()).toEqual([`127.0.0.1:${bench.port}`, `127.0.0.2:${bench.port}`]);
  });

  promised(
    "UDP answers come from the address the client asked, behind a wildcard",
    async (bench) => {
      const listen = [{ address: "0.0.0.0", portFirst: bench.port, portLast: bench.port }];
      await applyNamed(bench, "a", { listen });
      const client = await bench.udpClient();
      client.send("?", bench.port, "127.0.0.9");
      expect((await client.datagram()).address).toBe("127.0.0.9");
    },
  );
});

describeEngines("UDP flows", (promised) => {
  promised("a client stays with its server", async (bench) => {
    await applyNamed(bench, "ab");
    const client = await bench.udpClient();
    const first = await ask(bench, client);
    for (let turn = 0; turn < 3; turn++) expect(await ask(bench, client)).toBe(first);
    const other = await bench.udpClient();
    expect(await ask(bench, other)).not.toBe(first);
    expect(bench.counters().connections).toBe(2);
  });

  promised("with one-packet scheduling each datagram is scheduled", async (bench) => {
    await applyNamed(bench, "ab", { onePacket: true });
    const client = await bench.udpClient();
    const answers = [];
    for (let turn = 0; turn < 4; turn++) answers.push(await ask(bench, client));
    expect(answers.toSorted()).toEqual(["a?", "a?", "b?", "b?"]);
  });

  const leaving: readonly [string, Partial<ForwardingServer> | undefined][] = [
    ["goes down", { state: "down" }],
    ["is reset", { state: "reset" }],
    ["is removed", undefined],
  ];
  for (const [name, change] of leaving) {
    promised(`a flow moves when its server ${name}`, async (bench) => {
      const servers = await applyNamed(bench, "ab");
      const client = await bench.udpClient();
      const first = await ask(bench, client);
      const index = first === "a?" ? 0 : 1;
      const changed = servers.flatMap((server, position) => {
        if (position !== index) return [server];
        return change === undefined ? [] : [{ ...server, ...change }];
      });
      await bench.apply({ protocol: "udp", servers: changed });
      const second = await ask(bench, client);
      expect([first, second].toSorted()).toEqual(["a?", "b?"]);
    });
  }

  promised("a flow stays when its server is quiescent", async (bench) => {
    const servers = await applyNamed(bench, "ab");
    const client = await bench.udpClient();
    const first = await ask(bench, client);
    const changed = servers.map((server, index): ForwardingServer =>
      (index === 0) === (first === "a?") ? { ...server, state: "quiescent" } : server,
    );
    await bench.apply({ protocol: "udp", servers: changed });
    expect(await ask(bench, client)).toBe(first);
    const other = await bench.udpClient();
    expect(await ask(bench, other)).not.toBe(first);
  });

  promised("a flow moves when its server refuses", async (bench) => {
    const dead = serverAt({ port: refusedPort() });
    const alive = serverAt(await bench.udpServer("a"));
    await bench.apply({ protocol: "udp", servers: [dead, alive], scheduler: "rr" });
    const client = await bench.udpClient();
    // A refused datagram is lost; the client asks again, as clients of UDP do.
    await until(() => {
      client.send("?", bench.port);
      return client.received.length > 0;
    }, "an answer after asking again");
    expect(await client.text()).toBe("a?");
    const other = await bench.udpClient();
    await until(() => {
      other.send("?", bench.port);
      return other.received.length > 0;
    }, "an answer after asking again");
    const event = await bench.event("connect-failed");
    expect(event).toMatchObject({ service: "web", serverKey: dead.key, reason: "ECONNREFUSED" });
    expect(bench.serverCounters().connectFailures).toBeGreaterThanOrEqual(1);
  });

  promised("a flow ends when it is idle", async (bench) => {
    await applyNamed(bench, "a", { timeouts: { udpIdleMs: 200 } });
    const client = await bench.udpClient();
    await ask(bench, client);
    expect(bench.counters().active).toBe(1);
    const counters = await bench.untilClosed("idle-timeout");
    expect([counters.active, counters.servers[0]!.active]).toEqual([0, 0]);
    expect(await ask(bench, client)).toBe("a?");
  });

  promised("100 flows leave no descriptor behind", async (bench) => {
    const descriptors = (): number => readdirSync("/proc/self/fd").length;
    await applyNamed(bench, "a", { timeouts: { udpIdleMs: 200 } });
    const clients = await Promise.all(Array.from({ length: 100 }, () => bench.udpClient()));
    const before = descriptors();
    for (const client of clients) client.send("?", bench.port);
    for (const client of clients) await client.datagram();
    await bench.untilClosed("idle-timeout", 100);
    await until(() => descriptors() <= before + 5, "the descriptors are closed");
  });

  promised("denied clients get no answer", async (bench) => {
    const server = await bench.udpServer("a");
    const deny = [parseNetwork("127.0.5.0/24")!];
    await bench.apply({ protocol: "udp", servers: [serverAt(server)], deny });
    const denied = await bench.udpClient("127.0.5.5");
    denied.send("?", bench.port);
    await bench.untilClosed("denied");
    expect(await ask(bench, await bench.udpClient())).toBe("a?");
    expect([denied.received.length, server.received.length]).toEqual([0, 1]);
  });

  promised("one-packet scheduling obeys the lists and the limit", async (bench) => {
    const server = await bench.udpServer("a");
    const deny = [parseNetwork("127.0.5.0/24")!];
    const only = { protocol: "udp", servers: [serverAt(server)], onePacket: true } as const;
    await bench.apply({ ...only, deny, connectionLimit: 1 });
    const denied = await bench.udpClient("127.0.5.5");
    denied.send("?", bench.port);
    await bench.untilClosed("denied");
    expect(await ask(bench, await bench.udpClient())).toBe("a?");
    const late = await bench.udpClient();
    late.send("?", bench.port);
    await bench.untilClosed("connection-limit");
    expect([denied.received.length, late.received.length, server.received.length]).toEqual([
      0, 0, 1,
    ]);
  });

  promised("without a server nothing is answered", async (bench) => {
    await bench.apply({ protocol: "udp", servers: [] });
    const client = await bench.udpClient();
    client.send("?", bench.port);
    await bench.untilClosed("no-server");
    expect(bench.counters().active).toBe(0);
  });

  promised("the connection limit bounds the flows", async (bench) => {
    await applyNamed(bench, "a", { connectionLimit: 1 });
    const first = await bench.udpClient();
    await ask(bench, first);
    (await bench.udpClient()).send("?", bench.port);
    await bench.untilClosed("connection-limit");
    expect(await ask(bench, first)).toBe("a?");
  });

  promised("persistence holds over flows", async (bench) => {
    const persistence = { timeoutMs: 60_000, ipv4PrefixBits: 32, ipv6PrefixBits: 128 };
    await applyNamed(bench, "ab", { persistence });
    const first = await ask(bench, await bench.udpClient());
    for (let turn = 0; turn < 3; turn++) {
      expect(await ask(bench, await bench.udpClient())).toBe(first);
    }
  });

  promised("packets and bytes are counted", async (bench) => {
    await applyNamed(bench, "abc".slice(0, 1));
    const client = await bench.udpClient();
    for (const text of ["1", "22", "333"]) await ask(bench, client, text);
    const counters = await bench.untilCounters((all) => all.packetsOut === 3, "3 answers");
    const { packetsIn, bytesIn, bytesOut, connections } = counters;
    expect([packetsIn, bytesIn, bytesOut, connections]).toEqual([3, 6, 9, 1]);
    const server = counters.servers[0]!;
    expect([server.packetsIn, server.packetsOut]).toEqual([3, 3]);
    expect([server.bytesIn, server.bytesOut]).toEqual([6, 9]);
  });

  promised("the end of a flow is told", async (bench) => {
    const [server] = await applyNamed(bench, "a", { timeouts: { udpIdleMs: 100 } });
    const client = await bench.udpClient();
    await ask(bench, client, "12345");
    expect(await bench.event("connection-closed")).toMatchObject({
      service: "web",
      client: `127.0.0.1:${client.port}`,
      serverKey: server!.key,
      cause: "idle-timeout",
      bytesIn: 5,
      bytesOut: 6,
    });
  });

  promised("live flows are listed", async (bench) => {
    const [server] = await applyNamed(bench, "a");
    const client = await bench.udpClient();
    await ask(bench, client);
    const [entry, ...others] = await bench.engine.connections(10);
    expect(others).toEqual([]);
    expect(entry).toMatchObject({
      service: "web",
      protocol: "udp",
      client: { address: "127.0.0.1", port: client.port },
      virtual: { address: "127.0.0.1", port: bench.port },
      server: { address: "127.0.0.1", port: server!.port },
      state: "UDP",
    });
    expect(entry!.expiresMs).toBeGreaterThan(50_000);
  });
});
