/**
 * Both sides of the slow part of the peer channel on loopback.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";

import { systemClock } from "../../../src/clock/index.ts";
import { PeerCaller } from "../../../src/daemon/peer-caller.ts";
import { PeerListener } from "../../../src/daemon/peer-listener.ts";
import type { PeerKey } from "../../../src/peer/index.ts";
import { keysOf } from "../../helpers/peer/channel.ts";
import { waitFor } from "../../helpers/wait.ts";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array | undefined): string | undefined =>
  bytes && new TextDecoder().decode(bytes);

async function listen(peer = "127.0.0.1", keys = keysOf("k"), port = 0): Promise<PeerListener> {
  const listener = new PeerListener({
    clock: systemClock,
    hostname: "127.0.0.1",
    port,
    peer,
    keys,
    answer: async (payload) => encode(`${decode(payload)}!`),
    onProblem: () => undefined,
  });
  ends.push(() => listener.close());
  await waitFor(() => listener.port !== undefined, { what: "a port" });
  return listener;
}

function call(port: number, keys: readonly PeerKey[] = keysOf("k")) {
  let opened = 0;
  const onOpen = (): void => void opened++;
  const caller = new PeerCaller({ clock: systemClock, address: "127.0.0.1", port, keys, onOpen });
  ends.push(() => caller.close());
  return { caller, opened: () => opened };
}

describe("PeerCaller and PeerListener", () => {
  test("questions get their answers, in order", async () => {
    const { caller } = call((await listen()).port!);
    await waitFor(() => caller.isOpen, { what: "a connection" });
    const answers = await Promise.all(
      ["a", "b", "c"].map((text) => caller.ask(encode(text), 5000)),
    );
    expect(answers.map(decode)).toEqual(["a!", "b!", "c!"]);
    const long = "x".repeat(1_000_000);
    expect(decode(await caller.ask(encode(long), 5000))).toBe(`${long}!`);
  });

  test("without a listener nothing is asked, and it is called again", async () => {
    const first = await listen();
    const port = first.port!;
    const { caller, opened } = call(port);
    await waitFor(() => opened() === 1, { what: "a connection" });
    first.close();
    await waitFor(() => !caller.isOpen, { what: "its end" });
    expect(await caller.ask(encode("a"), 5000)).toBeUndefined();
    await listen("127.0.0.1", keysOf("k"), port);
    await waitFor(() => opened() === 2, { what: "another connection" });
    expect(decode(await caller.ask(encode("a"), 5000))).toBe("a!");
  });

  test("a second key is accepted, a foreign one is not", async () => {
    const { port } = await listen("127.0.0.1", keysOf("n", "k"));
    const good = call(port!).caller;
    await waitFor(() => good.isOpen, { what: "a connection" });
    const bad = call(port!, keysOf("x")).caller;
    expect(decode(await good.ask(encode("a"), 5000))).toBe("a!");
    expect(bad.isOpen).toBe(false);
  });

  test("only the peer is listened to", async () => {
    const { port } = await listen("192.0.2.9");
    const socket = connect(port!, "127.0.0.1");
    ends.push(() => socket.destroy());
    const closed = Promise.withResolvers<void>();
    socket.on("close", () => closed.resolve());
    socket.on("error", () => undefined);
    await closed.promise;
    expect(socket.destroyed).toBe(true);
  });

  test("who says nothing is hung up on", async () => {
    const { port } = await listen();
    const socket = connect(port!, "127.0.0.1");
    ends.push(() => socket.destroy());
    const closed = Promise.withResolvers<void>();
    socket.on("close", () => closed.resolve());
    await closed.promise;
    expect(socket.bytesRead).toBe(0);
  });

  test("a peer that does not answer in time is no answer", async () => {
    const server = createServer(() => undefined).listen(0, "127.0.0.1");
    ends.push(() => server.close());
    await waitFor(() => server.address() !== null, { what: "a port" });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- no Unix socket.
    const { caller } = call((server.address() as AddressInfo).port);
    expect(await caller.ask(encode("a"), 10)).toBeUndefined();
    expect(caller.isOpen).toBe(false);
  });
});
