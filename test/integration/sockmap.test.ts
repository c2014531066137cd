/**
 * Connections handed to the kernel's sockmap, with the real kernel. Needs CAP_BPF.
 *
 * While a connection is promoted its bytes pass user space by, so the counters stand still until
 * the next look at TCP_INFO: that is how these tests know that it was promoted.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { raiseDescriptorLimit } from "../../ffi/resource.ts";
import { createProxyEngine } from "../../src/datapath/index.ts";
import type { Engine, EngineEvent, ServiceCounters } from "../../src/datapath/index.ts";
import type { ForwardingService } from "../../src/model/index.ts";
import { freePort } from "../helpers/port.ts";
import { requireSockmap } from "../helpers/require-sockmap.ts";
import { waitFor } from "../helpers/wait.ts";

const message = "0123456789".repeat(10);
const exchanges = 400;
const sockmap = requireSockmap();

/** Answers each message with the same bytes. */
const echo = Bun.listen({
  hostname: "127.0.0.1",
  port: 0,
  allowHalfOpen: true,
  socket: {
    data: (socket, bytes) => void socket.write(bytes),
    end: (socket) => void socket.end(),
  },
});

function service(port: number): ForwardingService {
  const server = { role: "real", address: "127.0.0.1", state: "active", weight: 1 } as const;
  const thresholds = { upperThreshold: 0, lowerThreshold: 0 };
  const timeouts = { connectMs: 1000, idleMs: 60_000, halfClosedMs: 1000, udpIdleMs: 1000 };
  return {
    name: "chat",
    protocol: "tcp",
    listen: [{ address: "127.0.0.1", portFirst: port, portLast: port }],
    forwarding: "proxy",
    scheduler: "rr",
    persistence: undefined,
    servers: [{ ...server, ...thresholds, key: `127.0.0.1:${echo.port}`, port: echo.port }],
    onDown: "keep",
    connectionLimit: 0,
    allow: [],
    deny: [],
    timeouts: { ...timeouts, keepaliveMs: 0, userTimeoutMs: 0 },
    sendProxy: "off",
    acceptProxyFrom: [],
    source: [],
    onePacket: false,
    connectionLog: true,
  };
}

/** Sends the message and waits for its echo, `turns` times. */
async function chat(
  port: number,
  turns: number,
): Promise<{ received: string; readonly end: () => void }> {
  const { promise: done, resolve } = Promise.withResolvers<void>();
  let received = "";
  let sent = 1;
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open: (opened) => void opened.write(message),
      data(opened, bytes) {
        received += bytes.toString();
        if (received.length < sent * message.length) return;
        if (sent === turns) return resolve();
        sent += 1;
        opened.write(message);
      },
      close: () => resolve(),
    },
  });
  await done;
  return { received, end: () => void socket.end() };
}

describe.skipIf(sockmap.skip)(`sockmap ${sockmap.reason}`.trim(), () => {
  const events: EngineEvent[] = [];
  const never = new AbortController().signal;
  let engine: Engine;
  let port = 0;
  const counters = (): ServiceCounters => engine.counters()[0]!;

  beforeAll(async () => {
    port = await freePort();
    const listener = (event: EngineEvent): void => void events.push(event);
    const descriptorsMax = raiseDescriptorLimit();
    engine = await createProxyEngine({ workers: 1, descriptorsMax, sockmap: true, listener });
    expect(await engine.apply([service(port)])).toEqual([]);
  });
  afterAll(async () => {
    await engine.close(0, never);
    echo.stop(true);
  });

  test("a chatty connection is moved by the kernel and loses no byte", async () => {
    const before = counters();
    const { received, end } = await chat(port, exchanges);
    expect(events.filter(({ type }) => type === "log")).toEqual([]);
    expect(received).toBe(message.repeat(exchanges));
    events.length = 0;
    end();
    const told = await waitFor(() => events.at(-1), { what: "the connection's line" });
    expect(told).toMatchObject({
      type: "connection-closed",
      cause: "client-closed",
      bytesIn: 40_000,
      bytesOut: 40_000,
    });
    const { bytesIn, bytesOut, active } = counters();
    expect([bytesIn - before.bytesIn, bytesOut - before.bytesOut, active]).toEqual([
      40_000, 40_000, 0,
    ]);
  });

  test("the counters of a promoted connection follow while it lives", async () => {
    // The look at TCP_INFO, once a second, may fall right behind the last exchange: then again.
    for (let turn = 0; turn < 5; turn++) {
      const before = counters().bytesIn;
      const { end } = await chat(port, exchanges);
      const atOnce = counters().bytesIn - before;
      await waitFor(() => counters().bytesIn - before === 40_000, { what: "the counters" });
      end();
      await waitFor(() => counters().active === 0, { what: "the end of the connection" });
      expect(counters().bytesIn - before).toBe(40_000);
      if (atOnce < 40_000) return;
    }
    throw new Error("No connection was promoted");
  });
});
