/**
 * Promises of every engine about itself: listeners, changes that concern nobody else, counters,
 * events, the end.
 *
 * @module
 */

import { expect } from "bun:test";

import { until } from "../helpers/traffic/deadline.ts";
import { serverAt } from "../helpers/traffic/forwarding.ts";
import { connectTcp, freePorts, isRefused, openTcpServer } from "../helpers/traffic/tcp.ts";
import { describeEngines } from "./engine-contract.ts";

const never = new AbortController().signal;

describeEngines("listeners", (promised) => {
  promised("a range of ports is one service", async (bench) => {
    const server = bench.tcpServer();
    const [portFirst, , portLast] = freePorts(3);
    const listen = [{ address: "127.0.0.1", portFirst: portFirst!, portLast: portLast! }];
    await bench.apply({ listen, servers: [serverAt(server)] });
    for (const port of [portFirst!, portFirst! + 1, portLast!]) {
      const client = await connectTcp(port);
      await client.send("x").untilText("x");
      client.reset();
    }
    await bench.untilCounters((all) => all.connections === 3, "3 connections");
  });

  promised("IPv6 and IPv4 are listened on apart", async (bench) => {
    const listen = [{ address: "::", portFirst: bench.port, portLast: bench.port }];
    await bench.apply({ listen, servers: [serverAt(bench.tcpServer())] });
    const client = await bench.connect("::1");
    await client.send("six").untilText("six");
    expect(await isRefused(bench.port, "127.0.0.1")).toBe(true);
  });

  promised("an address that the host does not have can be listened on", async (bench) => {
    const listen = ["198.51.100.77", "2001:db8:77::1"].map((address) => ({
      address,
      portFirst: bench.port,
      portLast: bench.port,
    }));
    const services = [
      bench.service({ listen, servers: [] }),
      bench.service({ name: "dns", protocol: "udp", listen, servers: [] }),
    ];
    expect(await bench.engine.apply(services)).toEqual([]);
  });

  promised("an address in use is a problem of its service alone", async (bench) => {
    const other = openTcpServer();
    const listen = [{ address: "127.0.0.1", portFirst: other.port, portLast: other.port }];
    const services = [
      bench.service({ name: "taken", listen, servers: [] }),
      bench.service({ name: "web", servers: [serverAt(bench.tcpServer())] }),
    ];
    try {
      const problems = await bench.engine.apply(services);
      expect(problems).toMatchObject([{ service: "taken", code: "LISTEN_IN_USE" }]);
      expect(problems[0]!.message).toContain(`${other.port}`);
      const client = await bench.connect();
      await client.send("x").untilText("x");
    } finally {
      other.stop(true);
    }
    // Once it is free, the next apply gets it.
    expect(await bench.engine.apply(services)).toEqual([]);
  });

  promised("an added service disturbs no other", async (bench) => {
    const server = await bench.applyEcho();
    const client = await bench.connect();
    await client.send("1").untilText("1");
    const [port] = freePorts();
    const second = bench.service({ name: "second", port: port!, servers: [serverAt(server)] });
    const first = bench.service({ servers: [serverAt(server)] });
    expect(await bench.engine.apply([first, second])).toEqual([]);
    await client.send("2").untilText("12");
    const other = await connectTcp(port!);
    await other.send("x").untilText("x");
    expect(await bench.engine.apply([first])).toEqual([]);
    expect(await other.untilEnding()).toBe("reset");
    expect(await isRefused(port!)).toBe(true);
    await client.send("3").untilText("123");
  });

  promised("a removed service closes its listener and resets its connections", async (bench) => {
    await bench.applyEcho();
    const client = await bench.connect();
    await client.send("x").untilText("x");
    await bench.engine.apply([]);
    expect(await client.untilEnding()).toBe("reset");
    expect(await isRefused(bench.port)).toBe(true);
    expect(bench.engine.counters()).toEqual([]);
    expect((await bench.event("connection-closed")).cause).toBe("service-removed");
  });

  promised("a service that comes back starts anew", async (bench) => {
    const server = await bench.applyEcho();
    await (await bench.connect()).send("x").untilText("x");
    await bench.engine.apply([]);
    await bench.apply({ servers: [serverAt(server)] });
    expect(bench.counters().connections).toBe(0);
    const client = await bench.connect();
    await client.send("y").untilText("y");
    expect(bench.counters().connections).toBe(1);
  });

  promised("an address moves from one service to another", async (bench) => {
    const server = await bench.applyEcho();
    const moved = bench.service({ name: "moved", servers: [serverAt(server)] });
    expect(await bench.engine.apply([moved])).toEqual([]);
    await (await bench.connect()).send("x").untilText("x");
    expect(bench.counters("moved").connections).toBe(1);
  });

  promised("an address gives way to the wildcard and back", async (bench) => {
    const server = await bench.applyEcho();
    for (const address of ["0.0.0.0", "127.0.0.1"]) {
      const listen = [{ address, portFirst: bench.port, portLast: bench.port }];
      await bench.apply({ listen, servers: [serverAt(server)] });
      await (await bench.connect()).send("x").untilText("x");
    }
  });

  promised("forwarding by the kernel is refused", async (bench) => {
    expect(bench.engine.refuse(bench.service({}))).toBeUndefined();
    expect(bench.engine.refuse(bench.service({ forwarding: "masq" }))).toBeUndefined();
    expect(bench.engine.refuse(bench.service({ forwarding: "gate" }))).toContain("gate");
    expect(bench.engine.refuse(bench.service({ forwarding: "ipip" }))).toContain("ipip");
  });
});

describeEngines("counters and events", (promised) => {
  promised("counters match the traffic", async (bench) => {
    await bench.applyEcho();
    const clients = [];
    for (let turn = 1; turn <= 3; turn++) {
      const client = await bench.connect();
      client.send("x".repeat(turn * 1000));
      await client.untilReceived(turn * 1000);
      clients.push(client);
    }
    const open = await bench.untilCounters((all) => all.bytesOut === 6000, "6000 bytes");
    expect([open.active, open.connections, open.bytesIn]).toEqual([3, 3, 6000]);
    const server = open.servers[0]!;
    expect([server.active, server.connections]).toEqual([3, 3]);
    expect([server.bytesIn, server.bytesOut, server.connectFailures]).toEqual([6000, 6000, 0]);
    for (const client of clients) client.shutdown();
    const closed = await bench.untilClosed("client-closed", 3);
    expect([closed.active, closed.connections, closed.bytesIn]).toEqual([0, 3, 6000]);
    const causes = Object.entries(closed.closed).filter(([, count]) => count > 0);
    expect(causes).toEqual([["client-closed", 3]]);
  });

  promised("totals of a service stay when a server leaves", async (bench) => {
    const server = await bench.applyEcho();
    const client = await bench.connect();
    await client.send("12345").untilText("12345");
    await bench.untilCounters((all) => all.bytesOut === 5, "5 bytes");
    await bench.apply({ servers: [] });
    await bench.untilClosed("server-removed");
    const { bytesIn, bytesOut, connections } = bench.counters();
    expect([bytesIn, bytesOut, connections]).toEqual([5, 5, 1]);
    await bench.apply({ servers: [serverAt(server)] });
    expect(bench.counters().bytesIn).toBe(5);
    expect(bench.serverCounters().bytesIn).toBe(0);
  });

  promised("the end of a connection is told with its cause", async (bench) => {
    const server = await bench.applyEcho();
    const client = await bench.connect();
    client.send("hello").shutdown();
    await client.untilEnding();
    const event = await bench.event("connection-closed");
    expect(event).toMatchObject({
      service: "web",
      client: `127.0.0.1:${client.localPort}`,
      serverKey: `127.0.0.1:${server.port}`,
      cause: "client-closed",
      bytesIn: 5,
      bytesOut: 5,
    });
    expect(event.durationMs).toBeWithin(0, 2500);
  });

  promised("without a connection log nothing is told", async (bench) => {
    await bench.applyEcho({ connectionLog: false });
    const client = await bench.connect();
    client.send("hello").shutdown();
    await client.untilEnding();
    await bench.untilClosed("client-closed");
    expect(bench.events).toEqual([]);
  });

  promised("live connections are listed, at most as many as asked for", async (bench) => {
    const server = await bench.applyEcho();
    const client = await bench.connect();
    await client.send("x").untilText("x");
    const [entry, ...others] = await bench.engine.connections(10);
    expect(others).toEqual([]);
    expect(entry).toMatchObject({
      service: "web",
      protocol: "tcp",
      client: { address: "127.0.0.1", port: client.localPort },
      virtual: { address: "127.0.0.1", port: bench.port },
      server: { address: "127.0.0.1", port: server.port },
      state: "ESTABLISHED",
    });
    expect(entry!.expiresMs).toBeGreaterThan(50_000);
    for (let turn = 0; turn < 4; turn++) {
      await (await bench.connect()).send("x").untilText("x");
    }
    expect(await bench.engine.connections(3)).toHaveLength(3);
    expect(await bench.engine.connections(10)).toHaveLength(5);
  });
});

describeEngines("close()", (promised) => {
  promised("may be called again", async (bench) => {
    await bench.applyEcho();
    await bench.close(0, never);
    await bench.close(0, never);
    expect(await isRefused(bench.port)).toBe(true);
  });

  promised("waits for connections to end and takes no new ones", async (bench) => {
    await bench.applyEcho();
    const client = await bench.connect();
    await client.send("before ").untilText("before ");
    let isClosed = false;
    const closing = bench.close(10_000, never).then(() => void (isClosed = true));
    await until(() => isRefused(bench.port), "new connections are refused");
    await client.send("and after").untilText("before and after");
    expect(isClosed).toBe(false);
    client.shutdown();
    expect(await client.untilEnding()).toBe("end");
    await closing;
    const name = `127.0.0.1:${client.localPort}`;
    const event = await until(
      () => bench.events.find((told) => told.type === "connection-closed" && told.client === name),
      "the end is told",
    );
    expect(event).toMatchObject({ cause: "client-closed" });
  });

  promised("resets what is left when the time is over", async (bench) => {
    const server = await bench.applyEcho();
    const client = await bench.connect();
    await client.send("x").untilText("x");
    await bench.close(50, never);
    expect(await client.untilEnding()).toBe("reset");
    expect(await (await server.peer()).untilEnding()).toBe("reset");
    expect((await bench.event("connection-closed")).cause).toBe("stopped");
  });

  promised("does not wait when told to hurry", async (bench) => {
    await bench.applyEcho();
    const client = await bench.connect();
    await client.send("x").untilText("x");
    const hurry = new AbortController();
    const closing = bench.close(60_000, hurry.signal);
    hurry.abort();
    await closing;
    expect(await client.untilEnding()).toBe("reset");
  });

  promised("is done at once without connections", async (bench) => {
    await bench.applyEcho();
    const startedMs = performance.now();
    await bench.close(60_000, never);
    expect(performance.now() - startedMs).toBeLessThan(2000);
    expect(await isRefused(bench.port)).toBe(true);
  });

  promised("lets UDP flows have their answers", async (bench) => {
    const server = await bench.silentUdpServer();
    const service = bench.service({ protocol: "udp", servers: [serverAt(server)] });
    // Its listener shows when the engine has stopped accepting.
    const witness = bench.service({ name: "witness", servers: [] });
    expect(await bench.engine.apply([service, witness])).toEqual([]);
    const client = await bench.udpClient();
    client.send("question", bench.port);
    const { address, port } = await server.datagram();
    const closing = bench.close(10_000, never);
    await until(() => isRefused(bench.port), "the engine stops accepting");
    server.send("answer", port, address);
    expect(await client.text()).toBe("answer");
    await closing;
  });
});
