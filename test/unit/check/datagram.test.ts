/**
 * Questions over UDP: who may answer, how long is waited, and that nothing stays open.
 *
 * @module
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";

import { prepareDestination } from "../../../src/check/connector.ts";
import { askByDatagram } from "../../../src/check/datagram.ts";
import type { DatagramRequest, LocalEnd } from "../../../src/check/datagram.ts";
import { createPollLoop } from "../../../src/check/poll-loop.ts";
import type { PollLoop } from "../../../src/check/poll-loop.ts";
import { systemClock } from "../../../src/clock/index.ts";
import { openDescriptors } from "../../helpers/check-fixture.ts";

describe(askByDatagram.name, () => {
  let pollLoop: PollLoop;
  let before = 0;
  beforeEach(() => {
    before = openDescriptors();
    pollLoop = createPollLoop(systemClock);
  });
  afterEach(() => pollLoop.close());

  function ask(
    address: string,
    port: number,
    changes: Partial<DatagramRequest> = {},
    limitMs = 2000,
  ) {
    return askByDatagram(systemClock, pollLoop, {
      destination: prepareDestination(address, port),
      deadline: { atMs: systemClock.nowMs() + limitMs, limitMs },
      encode: () => Buffer.from("ask"),
      judge: () => "up",
      ...changes,
    });
  }

  test.each(["127.0.0.1", "::1"])("sends from the end that it names, to %s", async (hostname) => {
    const froms: number[] = [];
    const server = await Bun.udpSocket({
      hostname,
      socket: {
        // Whoever has gone away refuses what still comes.
        error: () => undefined,
        data(socket, _bytes, port, address) {
          froms.push(port);
          socket.send("", port, address);
        },
      },
    });
    let local: LocalEnd | undefined;
    const encode = (end: LocalEnd): Uint8Array => {
      local = end;
      return Buffer.from("ask");
    };
    expect(await ask(hostname, server.port, { encode })).toBeUndefined();
    expect(local).toEqual({ address: hostname, port: froms[0]! });
    server.close();
  });

  test("passes over what is ignored, and a flood of it ends at the deadline", async () => {
    const server = await Bun.udpSocket({
      hostname: "127.0.0.1",
      socket: {
        // Whoever has gone away refuses what still comes.
        error: () => undefined,
        data(socket, _bytes, port, address) {
          for (let count = 0; count < 500; count++) socket.send("noise", port, address);
        },
      },
    });
    let seen = 0;
    const judge = (): "ignored" => {
      seen += 1;
      return "ignored";
    };
    expect(await ask("127.0.0.1", server.port, { judge }, 100)).toEqual({
      reason: "timeout",
      detail: "no answer within 100 ms",
    });
    expect(seen).toBeGreaterThan(0);
    server.close();
  });

  test("does not hear strangers", async () => {
    const stranger = await Bun.udpSocket({
      hostname: "127.0.0.1",
      socket: { data() {}, error() {} },
    });
    const server = await Bun.udpSocket({
      hostname: "127.0.0.1",
      socket: { data: (_socket, _bytes, port, address) => void stranger.send("x", port, address) },
    });
    expect(await ask("127.0.0.1", server.port, {}, 100)).toMatchObject({ reason: "timeout" });
    server.close();
    stranger.close();
  });

  test("an address that is no server's is a failure, and nothing stays open", async () => {
    expect(await ask("255.255.255.255", 9)).toEqual({
      reason: "not-permitted",
      detail: "connect: EACCES",
    });
    pollLoop.close();
    expect(openDescriptors()).toBeLessThanOrEqual(before);
  });
});
