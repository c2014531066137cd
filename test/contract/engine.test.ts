/**
 * Promises of every engine about the bytes of a TCP connection: all of them, in order, with their
 * end, and no more in memory than has to be.
 *
 * @module
 */

import { expect } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";

import { checksumOf, makeBody } from "../helpers/traffic/body.ts";
import { untilStill } from "../helpers/traffic/deadline.ts";
import { serverAt } from "../helpers/traffic/forwarding.ts";
import type { TcpPeer } from "../helpers/traffic/tcp-peer.ts";
import type { TcpServer } from "../helpers/traffic/tcp.ts";
import type { EngineBench } from "./engine-bench.ts";
import { describeEngines } from "./engine-contract.ts";

const sizes = [0, 1, 1447, 1448, 1449, 65_535, 65_536, 65_537, 1_048_577, 16_777_216];

function bufferBytesMax(name: "tcp_rmem" | "tcp_wmem"): number {
  return Number(readFileSync(`/proc/sys/net/ipv4/${name}`, "utf8").trim().split(/\s+/)[2]);
}

/** What an engine itself may hold of one direction. */
const engineBytesMax = 2 * 1_048_576;

/** What may be on its way: the buffers of both connections, and what the engine holds. */
const heldBytesMax = 2 * (bufferBytesMax("tcp_rmem") + bufferBytesMax("tcp_wmem")) + engineBytesMax;

/** A body that does not fit there, as this noise so many times. */
const noise = makeBody(8 * 1_048_576 + 1, 3);
const noiseTimes = Math.ceil(heldBytesMax / noise.length) + 1;

function sendNoise(peer: TcpPeer): void {
  for (let turn = 0; turn < noiseTimes; turn++) peer.send(noise);
  peer.shutdown();
}

/** A connection with both its ends. */
async function openPair(bench: EngineBench): Promise<{ client: TcpPeer; server: TcpPeer }> {
  const tcpServer: TcpServer = bench.tcpServer(() => undefined);
  await bench.apply({ servers: [serverAt(tcpServer)] });
  const client = await bench.connect();
  return { client, server: await tcpServer.peer() };
}

describeEngines("TCP bytes", (promised) => {
  for (const size of sizes) {
    promised(`relays a body of ${size} bytes to the server and back`, async (bench) => {
      const server = await bench.applyEcho();
      const client = await bench.connect();
      const body = makeBody(size, size + 1);
      client.send(body).shutdown();
      expect(await client.untilEnding()).toBe("end");
      expect(client.receivedBytes).toBe(size);
      expect(client.checksum).toBe(checksumOf(body));
      expect((await server.peer()).checksum).toBe(checksumOf(body));
    });
  }

  promised("relays different bodies both ways at once", async (bench) => {
    const { client, server } = await openPair(bench);
    const up = makeBody(4_000_001, 7);
    const down = makeBody(5_000_003, 8);
    client.send(up).shutdown();
    server.send(down).shutdown();
    expect(await client.untilEnding()).toBe("end");
    expect(await server.untilEnding()).toBe("end");
    expect(client.checksum).toBe(checksumOf(down));
    expect(server.checksum).toBe(checksumOf(up));
  });

  promised("keeps the order of many small pieces", async (bench) => {
    const { client, server } = await openPair(bench);
    const pieces = Array.from({ length: 400 }, (_, index) => `${index};`);
    for (const piece of pieces) {
      client.send(piece);
      await client.untilSent();
    }
    client.shutdown();
    await server.untilEnding();
    expect(server.text).toBe(pieces.join(""));
  });

  promised("answers a request and goes on with the next one", async (bench) => {
    await bench.applyEcho();
    const client = await bench.connect();
    for (let turn = 1; turn <= 50; turn++) {
      client.send("0123456789");
      await client.untilReceived(turn * 10);
    }
    expect(client.text).toBe("0123456789".repeat(50));
  });

  promised("a slow client holds the server back", async (bench) => {
    const { client, server } = await openPair(bench);
    client.pause();
    sendNoise(server);
    expect(await untilStill(() => server.sentBytes, 100)).toBeLessThan(heldBytesMax);
    client.resume();
    expect(await client.untilEnding()).toBe("end");
    expect(client.checksum).toBe(checksumOf(noise, noiseTimes));
  });

  promised("a slow server holds the client back", async (bench) => {
    const { client, server } = await openPair(bench);
    server.pause();
    sendNoise(client);
    expect(await untilStill(() => client.sentBytes, 100)).toBeLessThan(heldBytesMax);
    server.resume();
    expect(await server.untilEnding()).toBe("end");
    expect(server.checksum).toBe(checksumOf(noise, noiseTimes));
  });

  promised("a client that pauses again and again loses nothing", async (bench) => {
    const { client, server } = await openPair(bench);
    const body = makeBody(24 * 1_048_576, 5);
    let pieces = 0;
    client.react(() => {
      pieces += 1;
      if (pieces % 3 !== 0) return;
      client.pause();
      setTimeout(() => client.resume(), 1);
    });
    server.send(body).shutdown();
    expect(await client.untilEnding()).toBe("end");
    expect(client.checksum).toBe(checksumOf(body));
  });

  promised("the other direction goes on while one is held back", async (bench) => {
    const { client, server } = await openPair(bench);
    client.pause();
    server.send(makeBody(32 * 1_048_576, 6));
    await untilStill(() => server.sentBytes, 50);
    client.send("still here");
    await server.untilText("still here");
  });

  promised("lets the server speak first", async (bench) => {
    const tcpServer = bench.tcpServer((peer) => void peer.send("220 ready\r\n").echo());
    await bench.apply({ servers: [serverAt(tcpServer)] });
    const client = await bench.connect();
    await client.untilText("220 ready\r\n");
    client.send("EHLO\r\n");
    await client.untilText("220 ready\r\nEHLO\r\n");
  });

  promised("hands a silent client over at once", async (bench) => {
    const { server } = await openPair(bench);
    expect(server.receivedBytes).toBe(0);
    const counters = await bench.untilCounters((all) => all.servers[0]!.active > 0, "it counts");
    expect(counters.servers[0]!.active).toBe(1);
  });
});

describeEngines("TCP ends", (promised) => {
  promised("a client's half-close leaves the answer open", async (bench) => {
    const { client, server } = await openPair(bench);
    client.send("question").shutdown();
    expect(await server.untilEnding()).toBe("end");
    expect(server.text).toBe("question");
    expect(client.ending).toBeUndefined();
    server.send("answer").shutdown();
    expect(await client.untilEnding()).toBe("end");
    expect(client.text).toBe("answer");
    const counters = await bench.untilClosed("client-closed");
    expect(counters.active).toBe(0);
  });

  promised("a server's half-close leaves the client's direction open", async (bench) => {
    const { client, server } = await openPair(bench);
    server.send("bye").shutdown();
    expect(await client.untilEnding()).toBe("end");
    expect(client.text).toBe("bye");
    expect(server.ending).toBeUndefined();
    client.send("one more").shutdown();
    expect(await server.untilEnding()).toBe("end");
    expect(server.text).toBe("one more");
    const counters = await bench.untilClosed("server-closed");
    expect(counters.active).toBe(0);
  });

  promised("a half-closed connection counts as inactive", async (bench) => {
    const { client, server } = await openPair(bench);
    await bench.untilCounters((all) => all.servers[0]!.active === 1, "active");
    client.shutdown();
    await server.untilEnding();
    await bench.untilCounters(
      (all) => all.servers[0]!.active === 0 && all.servers[0]!.inactive === 1 && all.active === 1,
      "inactive",
    );
    server.shutdown();
    await bench.untilCounters((all) => all.servers[0]!.inactive === 0 && all.active === 0, "gone");
  });

  promised("a large answer survives the client's half-close", async (bench) => {
    const { client, server } = await openPair(bench);
    const body = makeBody(8_388_609, 9);
    client.pause().send("go").shutdown();
    await server.untilEnding();
    server.send(body).shutdown();
    await untilStill(() => server.sentBytes, 50);
    client.resume();
    expect(await client.untilEnding()).toBe("end");
    expect(client.checksum).toBe(checksumOf(body));
  });

  promised("both ends at once", async (bench) => {
    const { client, server } = await openPair(bench);
    client.send("a").shutdown();
    server.send("b").shutdown();
    expect([await client.untilEnding(), await server.untilEnding()]).toEqual(["end", "end"]);
    expect([client.text, server.text]).toEqual(["b", "a"]);
  });

  promised("a client's reset reaches the server as a reset", async (bench) => {
    const { client, server } = await openPair(bench);
    client.send("x");
    await server.untilReceived(1);
    client.reset();
    expect(await server.untilEnding()).toBe("reset");
    const counters = await bench.untilClosed("client-reset");
    expect([counters.active, counters.servers[0]!.active]).toEqual([0, 0]);
  });

  promised("a server's reset reaches the client as a reset", async (bench) => {
    const { client, server } = await openPair(bench);
    client.send("x");
    await server.untilReceived(1);
    server.reset();
    expect(await client.untilEnding()).toBe("reset");
    const counters = await bench.untilClosed("server-reset");
    expect([counters.active, counters.servers[0]!.active]).toEqual([0, 0]);
  });

  promised("a reset after a half-close reaches the other side", async (bench) => {
    const { client, server } = await openPair(bench);
    client.shutdown();
    await server.untilEnding();
    server.send("part of the answer").reset();
    expect(await client.untilEnding()).toBe("reset");
    await bench.untilClosed("server-reset");
  });

  promised("a reset ends a connection whose client reads nothing", async (bench) => {
    const { client, server } = await openPair(bench);
    client.pause();
    server.send(makeBody(32 * 1_048_576, 2));
    await untilStill(() => server.sentBytes, 50);
    server.reset();
    await bench.untilClosed("server-reset");
  });

  promised("300 connections at once leave no descriptor behind", async (bench) => {
    const descriptors = (): number => readdirSync("/proc/self/fd").length;
    await bench.applyEcho();
    const before = descriptors();
    const clients = await Promise.all(Array.from({ length: 300 }, () => bench.connect()));
    for (const [index, client] of clients.entries()) client.send(`hello ${index}`).shutdown();
    await Promise.all(clients.map((client) => client.untilEnding()));
    for (const [index, client] of clients.entries()) expect(client.text).toBe(`hello ${index}`);
    const counters = await bench.untilClosed("client-closed", 300);
    expect([counters.connections, counters.active]).toEqual([300, 0]);
    await untilStill(descriptors, 50);
    // Bun lets go of some a little later, hence not exactly the same.
    expect(descriptors()).toBeLessThan(before + 20);
  });
});
