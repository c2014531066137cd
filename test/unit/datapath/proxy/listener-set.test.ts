/**
 * Two proxy engines with the same listening sockets, as two processes have them in an upgrade: the
 * sockets are handed over a socket pair, so that each engine has descriptors of its own.
 */
import { describe, expect, test } from "bun:test";

import {
  openDescriptorPair,
  receivePacket,
  sendPacket,
} from "../../../../ffi/descriptor-socket.ts";
import { closeDescriptor } from "../../../../ffi/socket.ts";
import type { Engine, SharedListener } from "../../../../src/datapath/engine.ts";
import { createProxyEngine } from "../../../../src/datapath/proxy/engine.ts";
import { until } from "../../../helpers/traffic/deadline.ts";
import { serverAt, serviceWith } from "../../../helpers/traffic/forwarding.ts";
import { connectTcp, freePorts, isRefused, openTcpServer } from "../../../helpers/traffic/tcp.ts";
import { openUdpPeer } from "../../../helpers/traffic/udp.ts";

/** The same sockets under other numbers. */
function duplicate(listeners: readonly SharedListener[]): SharedListener[] {
  return listeners.map(({ key, fds }) => {
    const [one, other] = openDescriptorPair();
    sendPacket(one, { bytes: Uint8Array.of(1), descriptors: fds });
    const { descriptors } = receivePacket(other)!;
    for (const fd of [one, other]) closeDescriptor(fd);
    return { key, fds: descriptors };
  });
}

function start(workers: number, shared?: readonly SharedListener[]): Promise<Engine> {
  const options = { workers, descriptorsMax: 4096, sockmap: false, shared };
  return createProxyEngine({ ...options, listener: () => undefined });
}

/** All connections that an engine has accepted. */
function accepted(engine: Engine): number {
  return engine.counters().reduce((sum, { connections }) => sum + connections, 0);
}

const inTime = new AbortController().signal;

describe("a proxy engine with the listeners of another one", () => {
  test.each([
    ["as many", 1],
    ["more", 3],
  ])(
    "with %s workers takes every connection that waits, and the old one its own",
    async (_, workers) => {
      const server = openTcpServer((peer) => void peer.echo());
      const [port] = freePorts(1);
      const services = [serviceWith({ port: port!, servers: [serverAt(server)] })];
      const old = await start(2);
      await old.apply(services);
      const kept = await connectTcp(port!);
      await kept.send("old").untilText("old");

      const next = await start(workers, duplicate(old.sharedListeners!()));
      expect(await next.apply(services)).toEqual([]);
      await old.setAccepting!(false);
      // Nobody accepts now: clients wait, and none is refused.
      const waiting = await Promise.all(Array.from({ length: 20 }, () => connectTcp(port!)));
      expect([accepted(old), accepted(next)]).toEqual([1, 0]);
      await next.setAccepting!(true);
      for (const client of waiting) await client.send("new").untilText("new");
      expect([accepted(old), accepted(next)]).toEqual([1, 20]);

      const closing = old.close(10_000, inTime);
      await kept.send("still").untilText("oldstill");
      for (const client of [kept, ...waiting]) client.reset();
      await closing;
      const last = await connectTcp(port!);
      await last.send("last").untilText("last");
      last.reset();
      await next.close(0, AbortSignal.abort());
      expect(await isRefused(port!)).toBe(true);
      await server[Symbol.asyncDispose]();
    },
  );

  test("an old one whose successor did not come accepts again", async () => {
    const server = openTcpServer((peer) => void peer.echo());
    await using echo = await openUdpPeer(({ bytes, address, port: to }, peer) => {
      peer.send(bytes, to, address);
    });
    const [port, udpPort] = freePorts(2);
    const old = await start(1);
    await old.apply([
      serviceWith({ port: port!, servers: [serverAt(server)] }),
      serviceWith({ name: "echo", protocol: "udp", port: udpPort!, servers: [serverAt(echo)] }),
    ]);
    await using client = await openUdpPeer();
    client.send("one", udpPort!);
    expect(await client.text(0)).toBe("one");
    await old.setAccepting!(false);
    const waiting = await connectTcp(port!);
    client.send("two", udpPort!);
    await old.setAccepting!(true);
    await waiting.send("x").untilText("x");
    expect(await client.text(1)).toBe("two");
    waiting.reset();
    await old.close(0, AbortSignal.abort());
    await server[Symbol.asyncDispose]();
  });

  test("UDP: answers of the old one still go out, new datagrams go to the new one", async () => {
    const questions: { readonly port: number }[] = [];
    await using server = await openUdpPeer((datagram) => void questions.push(datagram));
    const [port] = freePorts(1);
    const services = [serviceWith({ protocol: "udp", port: port!, servers: [serverAt(server)] })];
    const old = await start(1);
    await old.apply(services);
    await using client = await openUdpPeer();
    client.send("one", port!);
    await until(() => questions[0], "the first question arrives");
    const next = await start(1, duplicate(old.sharedListeners!()));
    await next.apply(services);
    await old.setAccepting!(false);
    await next.setAccepting!(true);
    server.send("late answer", questions[0]!.port);
    expect(await client.text(0)).toBe("late answer");
    client.send("two", port!);
    await until(() => questions[1], "the second question arrives");
    expect(questions[1]!.port).not.toBe(questions[0]!.port);
    server.send("second answer", questions[1]!.port);
    expect(await client.text(1)).toBe("second answer");
    await old.close(0, AbortSignal.abort());
    await next.close(0, AbortSignal.abort());
  });

  test("sockets that no service wants any more are closed", async () => {
    const [port] = freePorts(1);
    const old = await start(1);
    await old.apply([serviceWith({ port: port! })]);
    const next = await start(1, duplicate(old.sharedListeners!()));
    await next.apply([]);
    await old.setAccepting!(false);
    await next.setAccepting!(true);
    await old.close(0, AbortSignal.abort());
    expect(await isRefused(port!)).toBe(true);
    await next.close(0, AbortSignal.abort());
  });
});
