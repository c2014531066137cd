/**
 * The link without a peer that answers: what it opens, tells and believes. Two links that hear each
 * other are in test/integration/failover-peer.test.ts.
 */
import { afterEach, expect, test } from "bun:test";

import { encodeSockaddr } from "../../../ffi/sockaddr.ts";
import { closeDescriptor, localAddress, openSocket, tryBind } from "../../../ffi/socket.ts";
import type { PeerPlan, RealtimeEvent } from "../../../src/failover/index.ts";
import type { Instance } from "../../../src/failover/instance.ts";
import { createStatusBlock, statusWords } from "../../../src/failover/layout.ts";
import { PeerLink } from "../../../src/failover/peer-link.ts";
import { readPeer } from "../../../src/failover/peer-status.ts";
import { nameTag } from "../../../src/peer/index.ts";
import { createTestRouter } from "../../helpers/vrrp/machine.ts";

const any = Uint8Array.of(0, 0, 0, 0);
const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** A bound UDP socket, and its port. */
function takePort(): { readonly fd: number; readonly port: number } {
  const fd = openSocket(2, 2);
  tryBind(fd, encodeSockaddr(any, 0), "a free port");
  return { fd, port: localAddress(fd)!.port };
}

function planFor(port: number): PeerPlan {
  const keys = [{ id: "", secret: "6b".repeat(32) }];
  return { address: "127.0.0.1", port, keys, digest: "0000000000000001" };
}

/** As much of an instance as the link looks at. */
function instanceOf(name: string): Instance {
  const plan = { name, vrid: 51, family: 4 };
  const times = { sendIntervalMs: 20, deadTimeMs: 300 };
  const told: unknown[] = [];
  const instance = { plan, tag: nameTag(name), router: createTestRouter(), ...times };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the link looks at no more.
  return { ...instance, hearPeer: (event: unknown) => told.push(event) } as unknown as Instance;
}

function createLink(instances: readonly Instance[]) {
  const events: RealtimeEvent[] = [];
  const watched = new Set<number>();
  const status = statusWords(createStatusBlock());
  const link = new PeerLink({
    status,
    tell: (event) => events.push(event),
    instances: () => instances,
    watch: (fd) => watched.add(fd),
    unwatch: (fd) => watched.delete(fd),
  });
  ends.push(() => link.close(0));
  return { link, events, watched, view: (nowMs: number) => readPeer(status, nowMs) };
}

test("without a plan it does nothing", () => {
  const { link, watched, view } = createLink([instanceOf("web")]);
  link.tellPeer();
  link.flush(1000);
  expect(link.nextAtMs).toBe(Infinity);
  expect(watched.size).toBe(0);
  expect(view(1000)).toBeUndefined();
});

test("sends at once, then each interval, and at once when something changed", () => {
  const { fd, port } = takePort();
  closeDescriptor(fd);
  const { link, watched, view } = createLink([instanceOf("web")]);
  link.apply(planFor(port), 1000);
  expect(watched.size).toBe(1);
  link.flush(1000);
  expect(view(1000)!.sent).toBe(1);
  expect(link.nextAtMs).toBe(1020);
  link.flush(1010);
  expect(view(1010)!.sent).toBe(1);
  // A quarter of the interval early, with what goes out anyway.
  link.flush(1016);
  expect(view(1016)!.sent).toBe(2);
  link.tellPeer();
  link.flush(1017);
  expect(view(1017)!.sent).toBe(3);
  // The peer's address is this host here: its own messages come back.
  link.receive(1018);
  link.flush(1018);
  expect(view(1018)).toMatchObject({ isReachable: false, received: { "own-message": 3 } });
});

test("more virtual routers than one message holds go out in several", () => {
  const { fd, port } = takePort();
  closeDescriptor(fd);
  const instances = Array.from({ length: 70 }, (_, index) => instanceOf(`router-${index}`));
  const { link, view } = createLink(instances);
  link.apply(planFor(port), 0);
  link.flush(0);
  expect(view(0)!.sent).toBe(3);
});

test("a port that is taken is told once and asked for again", () => {
  const { fd, port } = takePort();
  const { link, events, watched, view } = createLink([instanceOf("web")]);
  link.apply(planFor(port), 1000);
  for (let nowMs = 1000; nowMs < 4000; nowMs += 500) link.flush(nowMs);
  expect(watched.size).toBe(0);
  expect(events).toEqual([
    { type: "trouble", text: expect.stringContaining("Cannot speak to the peer") },
  ]);
  closeDescriptor(fd);
  link.flush(5000);
  expect(watched.size).toBe(1);
  expect(view(5000)!.sent).toBeGreaterThan(0);
});

test("a peer that was never heard is told once, after some seconds", async () => {
  const { fd, port } = takePort();
  closeDescriptor(fd);
  const { link, events } = createLink([instanceOf("web")]);
  link.apply(planFor(port), 1000);
  for (let nowMs = 1000; nowMs < 6000; nowMs += 500) link.flush(nowMs);
  expect(events).toEqual([]);
  for (let nowMs = 6000; nowMs < 9000; nowMs += 500) link.flush(nowMs);
  expect(events).toEqual([{ type: "peer", isReachable: false }]);
});

test("a peer that is no more configured is forgotten, its socket closed", () => {
  const { fd, port } = takePort();
  closeDescriptor(fd);
  const { link, watched, view } = createLink([instanceOf("web")]);
  link.apply(planFor(port), 0);
  link.apply(undefined, 1);
  expect(watched.size).toBe(0);
  expect(view(1)).toBeUndefined();
});
