/**
 * The relay between a client of loopback and a real server of a few lines.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { createConnector, prepareDestination } from "../../../src/check/connector.ts";
import { createPollLoop } from "../../../src/check/poll-loop.ts";
import type { PollLoop } from "../../../src/check/poll-loop.ts";
import { openRelay } from "../../../src/check/relay.ts";
import type { Relay } from "../../../src/check/relay.ts";
import { systemClock } from "../../../src/clock/index.ts";
import {
  closedPort,
  openDescriptors,
  startAnswering,
  startServer,
} from "../../helpers/check-fixture.ts";
import { waitFor } from "../../helpers/wait.ts";

let pollLoop: PollLoop;
beforeAll(() => {
  pollLoop = createPollLoop(systemClock);
});
afterAll(() => pollLoop.close());

function open(port: number, { timeoutMs = 5000, answerBytesMax = 1000 } = {}) {
  return openRelay(systemClock, createConnector(systemClock, pollLoop), {
    destination: prepareDestination("127.0.0.1", port),
    deadline: { atMs: systemClock.nowMs() + timeoutMs, limitMs: timeoutMs },
    preface: new TextEncoder().encode("HEAD "),
    answerBytesMax,
  });
}

async function opened(port: number, options = {}): Promise<Relay> {
  const relay = await open(port, options);
  if ("reason" in relay) throw new Error(relay.detail);
  return relay;
}

/** A client that sends `text` and collects what comes until the end. */
function talk({ hostname, port }: Relay, text: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let heard = "";
  Bun.connect({
    hostname,
    port,
    socket: {
      open: (socket) => void socket.write(text),
      data: (_socket, bytes) => void (heard += bytes.toString()),
      close: () => resolve(heard),
      error: () => resolve(heard),
    },
  }).catch(() => resolve("refused"));
  return promise;
}

describe("openRelay()", () => {
  test("carries bytes both ways, after the preface, and ends with the real server", async () => {
    const heard = Promise.withResolvers<string>();
    await using server = await startServer((socket) => {
      let all = "";
      socket.on("data", (bytes) => {
        all += bytes.toString();
        if (!all.includes("!")) return;
        heard.resolve(all);
        socket.end("hello");
      });
    });
    const relay = await opened(server.port);
    expect(await talk(relay, "ping!")).toBe("hello");
    expect(await heard.promise).toBe("HEAD ping!");
    expect(await relay.ended).toBe("closed");
    expect(relay.isCut()).toBe(false);
    relay.close();
  });

  test("keeps what a server says before its client has come", async () => {
    await using server = await startServer((socket) => void socket.end("greeting"));
    const relay = await opened(server.port);
    await relay.ended;
    expect(await talk(relay, "")).toBe("greeting");
    relay.close();
  });

  test("takes one client only, and nobody once it is closed", async () => {
    await using server = await startServer(() => undefined);
    const relay = await opened(server.port);
    const first = talk(relay, "first");
    expect(await talk(relay, "second")).toBe("");
    expect(server.accepted()).toBe(1);
    relay.close();
    expect(await first).toBe("");
    expect(await talk(relay, "third")).toBe("refused");
  });

  test("is over when its client has gone", async () => {
    await using server = await startServer(() => undefined);
    const relay = await opened(server.port);
    const socket = await Bun.connect({ ...relay, socket: { data() {} } });
    socket.end();
    expect(await relay.ended).toBe("closed");
    relay.close();
  });

  test("is cut off at its bound", async () => {
    await using server = await startAnswering("a".repeat(1001));
    const relay = await opened(server.port);
    const heard = await talk(relay, "go");
    expect(heard.length).toBeLessThanOrEqual(1000);
    expect(await relay.ended).toBe("enough");
    expect(relay.isCut()).toBe(true);
    relay.close();
  });

  test("says the last word itself, and no more of its client's", async () => {
    const heard = Promise.withResolvers<string>();
    await using server = await startServer((socket) => {
      let all = "";
      socket.on("data", (bytes) => {
        all += bytes.toString();
        if (all.endsWith("BYE")) heard.resolve(all);
      });
    });
    const relay = await opened(server.port);
    const client = await Bun.connect({ ...relay, socket: { data() {} } });
    relay.sayLast(new TextEncoder().encode("BYE"));
    client.write("late");
    expect(await heard.promise).toBe("HEAD BYE");
    relay.close();
  });

  test("tells why there is no connection, and ends at its deadline", async () => {
    expect(await open(await closedPort())).toEqual({
      reason: "refused",
      detail: "connect: ECONNREFUSED",
    });
    await using server = await startServer(() => undefined);
    const relay = await opened(server.port, { timeoutMs: 100 });
    expect(await relay.ended).toEqual({
      reason: "timeout",
      detail: "no complete answer within 100 ms",
    });
    relay.close();
  });

  test("leaves nothing open", async () => {
    const before = openDescriptors();
    {
      await using server = await startServer(() => undefined);
      const relays = await Promise.all(Array.from({ length: 5 }, () => opened(server.port)));
      expect(new Set(relays.map(({ hostname, port }) => `${hostname}:${port}`)).size).toBe(5);
      for (const relay of relays) {
        expect(relay.hostname).toStartWith("127.");
        relay.close();
      }
    }
    await waitFor(() => openDescriptors() <= before, { what: "descriptors to be closed" });
  });
});
