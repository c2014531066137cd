/**
 * Timeouts of the portable engine to the millisecond, with a clock that the test moves.
 *
 * @module
 */

import { describe, expect, test } from "bun:test";

import { createPortableEngine } from "../../../../src/datapath/portable/engine.ts";
import { parseNetwork } from "../../../../src/net/address.ts";
import { createFakeClock } from "../../../helpers/fake-clock.ts";
import { until } from "../../../helpers/traffic/deadline.ts";
import { serverAt, serviceWith } from "../../../helpers/traffic/forwarding.ts";
import type { ServiceChanges } from "../../../helpers/traffic/forwarding.ts";
import {
  connectTcp,
  freePorts,
  openBlackHole,
  openTcpServer,
} from "../../../helpers/traffic/tcp.ts";
import { openUdpPeer, openUdpServer } from "../../../helpers/traffic/udp.ts";

const quiet = { listener: () => undefined, descriptorsMax: 20_000 };

async function openEngine(changes: ServiceChanges, descriptorsMax = 20_000) {
  const clock = createFakeClock();
  const [port] = freePorts();
  const engine = await createPortableEngine({ ...quiet, descriptorsMax, clock });
  expect(await engine.apply([serviceWith({ port: port!, ...changes })])).toEqual([]);
  return {
    clock,
    port: port!,
    counters: () => engine.counters()[0]!,
    [Symbol.asyncDispose]: () => engine.close(0, AbortSignal.abort()),
  };
}

describe("createPortableEngine", () => {
  test("ends an idle connection when its time is over, not before", async () => {
    await using server = openTcpServer((peer) => void peer.echo());
    const changes = { servers: [serverAt(server)], timeouts: { idleMs: 10_000 } };
    await using bench = await openEngine(changes);
    const client = await connectTcp(bench.port);
    await client.send("x").untilText("x");
    bench.clock.advance(9000);
    await client.send("y").untilText("xy");
    bench.clock.advance(9000);
    expect(bench.counters().active).toBe(1);
    bench.clock.advance(2000);
    expect(bench.counters()).toMatchObject({ active: 0, closed: { "idle-timeout": 1 } });
    expect(await client.untilEnding()).toBe("reset");
  });

  test("ends a half-closed connection by its own timeout", async () => {
    await using server = openTcpServer();
    const changes = { servers: [serverAt(server)], timeouts: { halfClosedMs: 4000 } };
    await using bench = await openEngine(changes);
    const client = await connectTcp(bench.port);
    client.shutdown();
    await (await server.peer()).untilEnding();
    bench.clock.advance(3000);
    expect(bench.counters().active).toBe(1);
    bench.clock.advance(2000);
    expect(bench.counters()).toMatchObject({ active: 0, closed: { "half-closed-timeout": 1 } });
    expect(await client.untilEnding()).toBe("reset");
  });

  test("gives up a connect when its time is over, and says so", async () => {
    using hole = openBlackHole();
    const changes = { servers: [serverAt(hole)], timeouts: { connectMs: 5000 } };
    await using bench = await openEngine(changes);
    const client = await connectTcp(bench.port);
    await until(() => bench.counters().servers[0]!.active === 1, "the connect is under way");
    bench.clock.advance(4000);
    expect(bench.counters().active).toBe(1);
    bench.clock.advance(2000);
    expect(bench.counters()).toMatchObject({ active: 0, closed: { "connect-timeout": 1 } });
    expect(await client.untilEnding()).toBe("reset");
  });

  test("waits for a PROXY header as long as for a connect", async () => {
    const acceptProxyFrom = [parseNetwork("127.0.0.0/8")!];
    await using bench = await openEngine({ acceptProxyFrom, timeouts: { connectMs: 5000 } });
    const client = await connectTcp(bench.port);
    await client.send("PROXY ").untilSent();
    await until(() => bench.counters().active === 1, "accepted");
    bench.clock.advance(4000);
    expect(bench.counters().active).toBe(1);
    bench.clock.advance(2000);
    expect(bench.counters()).toMatchObject({ active: 0, closed: { "bad-proxy-header": 1 } });
    await client.untilEnding();
  });

  test("ends an idle flow, and the next datagram makes a new one", async () => {
    await using server = await openUdpServer("a");
    await using client = await openUdpPeer();
    const servers = [serverAt(server)];
    await using bench = await openEngine({
      protocol: "udp",
      servers,
      timeouts: { udpIdleMs: 8000 },
    });
    client.send("1", bench.port);
    await client.datagram(0);
    bench.clock.advance(7000);
    expect(bench.counters().active).toBe(1);
    bench.clock.advance(4000);
    expect(bench.counters()).toMatchObject({ active: 0, closed: { "idle-timeout": 1 } });
    client.send("2", bench.port);
    await client.datagram(1);
    expect(bench.counters()).toMatchObject({ active: 1, connections: 2 });
  });

  test("turns clients away before the descriptors run out", async () => {
    await using server = openTcpServer((peer) => void peer.echo());
    // Half of them are kept for the program: 4 are left, which is 2 connections.
    await using bench = await openEngine({ servers: [serverAt(server)] }, 8);
    const clients = [await connectTcp(bench.port), await connectTcp(bench.port)];
    for (const client of clients) await client.send("x").untilText("x");
    await (await connectTcp(bench.port)).untilEnding();
    expect(bench.counters().closed["no-descriptors"]).toBe(1);
    clients[0]!.reset();
    await until(() => bench.counters().active === 1, "one connection less");
    await (await connectTcp(bench.port)).send("x").untilText("x");
  });

  test("turns UDP clients away before the descriptors run out", async () => {
    await using server = await openUdpServer("a");
    await using client = await openUdpPeer();
    await using other = await openUdpPeer();
    await using bench = await openEngine({ protocol: "udp", servers: [serverAt(server)] }, 2);
    client.send("?", bench.port);
    await client.datagram();
    other.send("?", bench.port);
    await until(() => bench.counters().closed["no-descriptors"] === 1, "turned away");
    expect(bench.counters().active).toBe(1);
  });

  test("refuses the PROXY protocol for UDP", async () => {
    const engine = await createPortableEngine(quiet);
    const sending = serviceWith({ protocol: "udp", sendProxy: "v2" });
    expect(engine.refuse(sending)).toBe("the PROXY protocol is for TCP services");
    await engine.close(0, AbortSignal.abort());
  });

  test("leaves no timer behind", async () => {
    const clock = createFakeClock();
    const engine = await createPortableEngine({ ...quiet, clock });
    await engine.apply([serviceWith({ port: freePorts()[0]! })]);
    expect(clock.pendingCount()).toBe(1);
    await engine.close(0, AbortSignal.abort());
    expect(clock.pendingCount()).toBe(0);
  });
});
