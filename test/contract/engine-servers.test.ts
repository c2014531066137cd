/**
 * Promises of every engine about real servers: which one is asked, what happens when it does not
 * answer, what its state and its thresholds mean.
 *
 * @module
 */

import { expect } from "bun:test";

import type { ForwardingServer } from "../../src/model/index.ts";
import { until } from "../helpers/traffic/deadline.ts";
import { serverAt } from "../helpers/traffic/forwarding.ts";
import type { TcpPeer } from "../helpers/traffic/tcp-peer.ts";
import { openBlackHole, refusedPort } from "../helpers/traffic/tcp.ts";
import type { TcpServer } from "../helpers/traffic/tcp.ts";
import type { EngineBench } from "./engine-bench.ts";
import { describeEngines } from "./engine-contract.ts";

/** Servers that greet with their number, then echo. */
function greeters(bench: EngineBench, count: number): readonly TcpServer[] {
  return Array.from({ length: count }, (_, index) =>
    bench.tcpServer((peer) => void peer.send(`${index}`).echo()),
  );
}

/** Connects; which greeter answered. */
async function greeted(bench: EngineBench, localAddress?: string): Promise<[TcpPeer, string]> {
  const client = await bench.connect("127.0.0.1", localAddress);
  await client.untilReceived(1);
  return [client, client.text];
}

/** Connects and ends, one after the other; which greeters answered. */
async function askTimes(bench: EngineBench, times: number): Promise<string> {
  let answers = "";
  for (let turn = 0; turn < times; turn++) {
    const [client, answer] = await greeted(bench);
    answers += answer;
    client.shutdown();
    expect(await client.untilEnding()).toBe("end");
  }
  return answers;
}

const sorted = (text: string): string => text.split("").toSorted().join("");

describeEngines("servers that do not answer", (promised) => {
  promised("another server takes over when a connect is refused", async (bench) => {
    const [greeter] = greeters(bench, 1);
    const dead = serverAt({ port: refusedPort() });
    await bench.apply({ servers: [dead, serverAt(greeter!)] });
    expect(await askTimes(bench, 4)).toBe("0000");
    const counters = bench.counters();
    expect(counters.servers[0]!.connectFailures).toBeGreaterThanOrEqual(1);
    expect(counters.servers[0]!.connections).toBe(0);
    expect(counters.servers[0]!.active).toBe(0);
    expect(counters.servers[1]!.connections).toBe(4);
    expect(counters.closed["connect-failed"]).toBe(0);
    const event = await bench.event("connect-failed");
    expect(event).toMatchObject({ service: "web", serverKey: dead.key });
    expect(event.reason).toContain("ECONNREFUSED");
  });

  promised("what the client has sent already reaches the other server whole", async (bench) => {
    const dead = Array.from({ length: 3 }, () => serverAt({ port: refusedPort() }));
    const echo = bench.tcpServer();
    await bench.apply({ servers: [...dead, serverAt(echo)], scheduler: "fo" });
    const client = await bench.connect();
    client.send("said at once").shutdown();
    expect(await client.untilEnding()).toBe("end");
    expect(client.text).toBe("said at once");
  });

  promised("a client is turned away when every connect is refused", async (bench) => {
    const servers = [serverAt({ port: refusedPort() }), serverAt({ port: refusedPort() })];
    await bench.apply({ servers });
    const client = await bench.connect();
    await client.untilEnding();
    const counters = await bench.untilClosed("connect-failed");
    expect(counters.servers.map(({ connectFailures }) => connectFailures)).toEqual([1, 1]);
    expect([counters.active, counters.connections]).toEqual([0, 1]);
  });

  promised("another server takes over when a connect times out", async (bench) => {
    using hole = openBlackHole();
    const [greeter] = greeters(bench, 1);
    const servers = [serverAt(hole), serverAt(greeter!)];
    await bench.apply({ servers, timeouts: { connectMs: 100 } });
    expect(await askTimes(bench, 2)).toBe("00");
    expect(bench.serverCounters().connectFailures).toBeGreaterThanOrEqual(1);
    expect((await bench.event("connect-failed")).serverKey).toBe(servers[0]!.key);
  });

  promised("a client is turned away when the only connect times out", async (bench) => {
    using hole = openBlackHole();
    await bench.apply({ servers: [serverAt(hole)], timeouts: { connectMs: 100 } });
    const client = await bench.connect();
    expect(await client.untilEnding()).toBe("reset");
    const counters = await bench.untilClosed("connect-timeout");
    expect([counters.active, counters.servers[0]!.active]).toEqual([0, 0]);
  });

  promised("a client that leaves while a connect is under way is forgotten", async (bench) => {
    using hole = openBlackHole();
    await bench.apply({ servers: [serverAt(hole)], timeouts: { connectMs: 150 } });
    const client = await bench.connect();
    await bench.untilCounters((all) => all.active === 1, "accepted");
    client.reset();
    await bench.untilCounters((all) => all.active === 0 && all.servers[0]!.active === 0, "gone");
  });

  promised("a client is turned away without a server", async (bench) => {
    await bench.apply({ servers: [] });
    const client = await bench.connect();
    await client.untilEnding();
    const counters = await bench.untilClosed("no-server");
    expect([counters.active, counters.connections]).toEqual([0, 1]);
  });

  promised("a server of another family is reached", async (bench) => {
    const greeter = bench.tcpServer((peer) => void peer.send("0").echo(), { address: "::1" });
    await bench.apply({ servers: [serverAt(greeter)] });
    expect(await askTimes(bench, 1)).toBe("0");
  });

  promised("connects come from the source addresses in turn", async (bench) => {
    const server = bench.tcpServer();
    const source = ["127.0.0.11", "127.0.0.12", "::1"];
    await bench.apply({ servers: [serverAt(server)], source });
    for (let turn = 0; turn < 4; turn++) await bench.connect();
    await server.peer(3);
    const hosts = server.peers.map(({ remote }) => remote.split(":")[0]!);
    expect(hosts.toSorted()).toEqual(["127.0.0.11", "127.0.0.11", "127.0.0.12", "127.0.0.12"]);
  });
});

describeEngines("weights and states", (promised) => {
  promised("round robin asks each server in turn", async (bench) => {
    const servers = greeters(bench, 3).map((server) => serverAt(server));
    await bench.apply({ servers });
    expect(sorted(await askTimes(bench, 9))).toBe("000111222");
    const counts = bench.counters().servers.map(({ connections }) => connections);
    expect(counts).toEqual([3, 3, 3]);
  });

  promised("least connection counts what is open", async (bench) => {
    const servers = greeters(bench, 2).map((server) => serverAt(server));
    await bench.apply({ servers, scheduler: "lc" });
    const [, first] = await greeted(bench);
    const [second, other] = await greeted(bench);
    expect(other).not.toBe(first);
    await bench.untilCounters((all) => all.active === 2, "two are open");
    second.reset();
    await bench.untilCounters((all) => all.active === 1, "one is open");
    expect((await greeted(bench))[1]).toBe(other);
  });

  promised("new weights need no new connection", async (bench) => {
    const servers = greeters(bench, 2).map((server) => serverAt(server));
    const wrr = { scheduler: "wrr" } as const;
    await bench.apply({ ...wrr, servers });
    const [client] = await greeted(bench);
    await bench.apply({ ...wrr, servers: [{ ...servers[0]!, weight: 3 }, servers[1]!] });
    expect(sorted(await askTimes(bench, 8))).toBe("00000011");
    client.send("still open");
    await client.untilReceived(11);
  });

  const nothingNew: readonly [string, Partial<ForwardingServer>][] = [
    ["a server of weight 0", { weight: 0 }],
    ["a quiescent server", { state: "quiescent" }],
    ["a server that is down", { state: "down" }],
  ];
  for (const [name, change] of nothingNew) {
    promised(`${name} keeps its flows and gets no new ones`, async (bench) => {
      const servers = greeters(bench, 2).map((server) => serverAt(server));
      await bench.apply({ servers: [servers[0]!] });
      const [client] = await greeted(bench);
      await bench.apply({ servers: [{ ...servers[0]!, ...change }, servers[1]!] });
      expect(await askTimes(bench, 3)).toBe("111");
      client.send("still open");
      await client.untilText("0still open");
      client.shutdown();
      expect(await client.untilEnding()).toBe("end");
    });

    promised(`${name} alone is no server`, async (bench) => {
      const [greeter] = greeters(bench, 1);
      await bench.apply({ servers: [serverAt(greeter!, change)] });
      const client = await bench.connect();
      await client.untilEnding();
      await bench.untilClosed("no-server");
      expect(greeter!.peers).toHaveLength(0);
    });
  }

  const ended: readonly [string, Partial<ForwardingServer>, "keep" | "reset"][] = [
    ["reset", { state: "reset" }, "keep"],
    ["down, with on_down reset,", { state: "down" }, "reset"],
  ];
  for (const [name, change, onDown] of ended) {
    promised(`a server that is ${name} loses its flows, others do not`, async (bench) => {
      const greeting = greeters(bench, 2);
      const servers = greeting.map((server) => serverAt(server));
      await bench.apply({ servers, onDown });
      const clients = [await greeted(bench), await greeted(bench)];
      const client = clients.find(([, answer]) => answer === "0")![0];
      const other = clients.find(([, answer]) => answer === "1")![0];
      await bench.apply({ servers: [{ ...servers[0]!, ...change }, servers[1]!], onDown });
      expect(await client.untilEnding()).toBe("reset");
      expect(await (await greeting[0]!.peer()).untilEnding()).toBe("reset");
      await bench.untilClosed("server-down");
      other.send("on");
      await other.untilText("1on");
    });
  }

  promised("a server that comes back gets connections again", async (bench) => {
    const servers = greeters(bench, 1).map((server) => serverAt(server));
    await bench.apply({ servers: [{ ...servers[0]!, state: "down" }] });
    await (await bench.connect()).untilEnding();
    await bench.apply({ servers });
    expect(await askTimes(bench, 1)).toBe("0");
  });

  promised("a removed server loses its flows, others do not", async (bench) => {
    const greeting = greeters(bench, 2);
    const servers = greeting.map((server) => serverAt(server));
    await bench.apply({ servers });
    const clients = [await greeted(bench), await greeted(bench)];
    await bench.apply({ servers: [servers[1]!] });
    const client = clients.find(([, answer]) => answer === "0")![0];
    const other = clients.find(([, answer]) => answer === "1")![0];
    expect(await client.untilEnding()).toBe("reset");
    await bench.untilClosed("server-removed");
    other.send("on");
    await other.untilText("1on");
    expect(bench.counters().servers).toHaveLength(1);
  });

  promised("a changed scheduler is in force at once", async (bench) => {
    const servers = greeters(bench, 2).map((server) => serverAt(server));
    await bench.apply({ servers, scheduler: "rr" });
    expect(sorted(await askTimes(bench, 2))).toBe("01");
    await bench.apply({ servers, scheduler: "sh" });
    const answers = await askTimes(bench, 4);
    expect(answers).toBe(answers[0]!.repeat(4));
  });
});

describeEngines("thresholds", (promised) => {
  promised("a server at its upper threshold gets nothing new", async (bench) => {
    const [first, second] = greeters(bench, 2);
    const servers = [serverAt(first!, { upperThreshold: 2 }), serverAt(second!)];
    await bench.apply({ servers, scheduler: "fo" });
    const answers: string[] = [];
    for (let turn = 0; turn < 4; turn++) answers.push((await greeted(bench))[1]);
    expect(answers.toSorted()).toEqual(["0", "0", "1", "1"]);
  });

  promised("a client is turned away when every server is full", async (bench) => {
    const [only] = greeters(bench, 1);
    await bench.apply({ servers: [serverAt(only!, { upperThreshold: 1 })] });
    await greeted(bench);
    await (await bench.connect()).untilEnding();
    await bench.untilClosed("no-server");
  });

  const lower: readonly [string, Partial<ForwardingServer>, number][] = [
    ["at its lower threshold", { upperThreshold: 4, lowerThreshold: 2 }, 2],
    ["at three quarters of the upper one", { upperThreshold: 4 }, 3],
  ];
  for (const [name, thresholds, letInAt] of lower) {
    promised(`a full server gets new connections again ${name}`, async (bench) => {
      const [only] = greeters(bench, 1);
      await bench.apply({ servers: [serverAt(only!, thresholds)] });
      const clients: TcpPeer[] = [];
      for (let turn = 0; turn < 4; turn++) clients.push((await greeted(bench))[0]);
      for (let open = 4; open > letInAt; open--) {
        const refusals = bench.counters().closed["no-server"];
        await (await bench.connect()).untilEnding();
        await bench.untilClosed("no-server", refusals + 1);
        clients.pop()!.reset();
        await until(() => bench.serverCounters().active === open - 1, "one connection less");
      }
      expect((await greeted(bench))[1]).toBe("0");
    });
  }
});

describeEngines("persistence", (promised) => {
  const persistence = { timeoutMs: 60_000, ipv4PrefixBits: 32, ipv6PrefixBits: 128 };

  promised("a client gets the same server, others do not", async (bench) => {
    const servers = greeters(bench, 2).map((server) => serverAt(server));
    await bench.apply({ servers, persistence });
    const answers = await askTimes(bench, 4);
    expect(answers).toBe(answers[0]!.repeat(4));
    const [, other] = await greeted(bench, "127.0.0.21");
    expect(other).not.toBe(answers[0]!);
  });

  promised("clients of persistent services are counted", async (bench) => {
    const servers = greeters(bench, 2).map((server) => serverAt(server));
    await bench.apply({ servers, persistence });
    await greeted(bench);
    await greeted(bench, "127.0.0.21");
    expect(bench.counters().servers.map((server) => server.persistentEntries)).toEqual([1, 1]);
  });

  promised("clients of one network are one client", async (bench) => {
    const servers = greeters(bench, 2).map((server) => serverAt(server));
    await bench.apply({ servers, persistence: { ...persistence, ipv4PrefixBits: 24 } });
    const [, first] = await greeted(bench, "127.0.7.1");
    const [, second] = await greeted(bench, "127.0.7.200");
    const [, third] = await greeted(bench, "127.0.8.1");
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });

  promised("a client's entry ends some time after its last connection", async (bench) => {
    const servers = greeters(bench, 2).map((server) => serverAt(server));
    await bench.apply({ servers, persistence: { ...persistence, timeoutMs: 100 } });
    const [client, first] = await greeted(bench);
    const entries = (): number =>
      bench.counters().servers.reduce((sum, server) => sum + server.persistentEntries, 0);
    const [other] = await greeted(bench, "127.0.0.21");
    expect(entries()).toBe(2);
    other.reset();
    await until(() => entries() < 2, "the entry of a client that has gone expires");
    // The other connection is still there, so its entry is.
    expect(entries()).toBe(1);
    const [again, second] = await greeted(bench);
    expect(second).toBe(first);
    client.reset();
    again.reset();
    await bench.untilClosed("client-reset", 3);
    await until(() => entries() === 0, "the entry expires");
  });

  const lost: readonly [string, Partial<ForwardingServer>][] = [
    ["is down", { state: "down" }],
    ["is quiescent", { state: "quiescent" }],
    ["has weight 0", { weight: 0 }],
  ];
  for (const [name, change] of lost) {
    promised(`a client loses its server when that one ${name}`, async (bench) => {
      const servers = greeters(bench, 2).map((server) => serverAt(server));
      await bench.apply({ servers, persistence });
      const [client, first] = await greeted(bench);
      const changed = servers.map((server, index) =>
        `${index}` === first ? { ...server, ...change } : server,
      );
      await bench.apply({ servers: changed, persistence });
      expect(bench.serverCounters(Number(first)).persistentEntries).toBe(0);
      const [, second] = await greeted(bench);
      expect(second).not.toBe(first);
      client.send("x");
      await client.untilText(`${first}x`);
      await bench.apply({ servers, persistence });
      expect((await greeted(bench))[1]).toBe(second);
    });
  }
});
