/**
 * Two programs in the kernel, each with tables of its own: connections of the one are copied to the
 * other. Packets are handed in, nothing is sent.
 */
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";

import { monotonicMs } from "../../../../ffi/clock.ts";
import { hostBpfKernel, possibleProcessors } from "../../../../src/bpf/index.ts";
import { ConnectionCopier } from "../../../../src/datapath/bpf/connection-copy.ts";
import { indexKey } from "../../../../src/datapath/bpf/layout.ts";
import type { ConnectionPortion } from "../../../../src/datapath/index.ts";
import { BpfFence } from "../../../../src/fence/index.ts";
import type { ForwardingServer, ForwardingService } from "../../../../src/model/index.ts";
import { forwardingServer, forwardingService } from "../../../helpers/balancer-lan.ts";
import { TestBalancer, verdict } from "../../../helpers/balancer-program.ts";
import { describePacket, ipPacket } from "../../../helpers/ip-packet.ts";
import type { PacketWish } from "../../../helpers/ip-packet.ts";
import { requireBpf } from "../../../helpers/require-bpf.ts";

/** Loading a program takes long where many do so. */
setDefaultTimeout(60_000);

const needs = requireBpf();
const masq = "192.0.2.2";
const gate6 = "2001:db8::1";
const client = "198.51.100.9";
const client6 = "2001:db8:9::9";
const reals = ["192.0.2.11", "192.0.2.12", "192.0.2.13"];
const reals6 = ["2001:db8::11", "2001:db8::12"];
const [fin, ack] = [1, 16];

/** A director: its program, and what copies its connections. */
interface Side {
  readonly balancer: TestBalancer;
  readonly copier: ConnectionCopier;
}

function serviceOf(servers: readonly string[], address = masq): ForwardingService {
  const forwarding = address === gate6 ? "gate" : "masq";
  const at = servers.map((server): ForwardingServer => forwardingServer(server, 80));
  return forwardingService([address, 80], at, { forwarding, scheduler: "rr" });
}

describe.skipIf(needs.skip)(`ConnectionCopier ${needs.reason}`.trim(), () => {
  const ends: (() => void)[] = [];
  let one: Side;
  let two: Side;

  function createSide(...services: readonly ForwardingService[]): Side {
    const balancer = new TestBalancer();
    balancer.write(services);
    const copier = new ConnectionCopier({
      program: balancer.program,
      deviceTo: () => 1,
      onWatch: () => undefined,
    });
    copier.follow(balancer.planned);
    ends.push(() => {
      copier.watch(false);
      balancer[Symbol.dispose]();
    });
    return { balancer, copier };
  }

  beforeEach(() => {
    one = createSide(serviceOf(reals), serviceOf(reals6, gate6));
    // Other numbers for the same servers, and one that the first does not have.
    const others = ["192.0.2.19", ...reals.toReversed()];
    two = createSide(serviceOf(reals6.toReversed(), gate6), serviceOf(others));
  });
  afterEach(() => {
    for (const end of ends.splice(0)) end();
  });

  const packetOf = (port: number, wish: Partial<PacketWish> = {}): Uint8Array =>
    ipPacket({ from: client, to: masq, fromPort: port, toPort: 80, ...wish });

  /** Opens a connection: a SYN, and an ACK. @returns The real server. */
  function open({ balancer }: Side, port: number, wish: Partial<PacketWish> = {}): string {
    balancer.run(packetOf(port, wish));
    return send({ balancer }, port, wish);
  }

  /** Sends another packet of a connection. @returns The real server, or what became of it. */
  function send(
    { balancer }: Pick<Side, "balancer">,
    port: number,
    wish: Partial<PacketWish> = {},
  ): string {
    const { result, packet } = balancer.run(packetOf(port, { flags: ack, ...wish }));
    if (result !== verdict.send) return `verdict ${result}`;
    return reals.find((real) => describePacket(packet).includes(real)) ?? describePacket(packet);
  }

  async function walk({ copier }: Side): Promise<ConnectionPortion[]> {
    const portions: ConnectionPortion[] = [];
    for await (const portion of copier.walk()) portions.push(portion);
    return portions;
  }

  function take({ copier }: Side, portions: Iterable<ConnectionPortion>): (number | undefined)[] {
    return Array.from(portions, ({ bytes }) => copier.take(bytes)?.taken);
  }

  /** Fences the address of masq; without a lease this side does not answer for it. */
  function fence({ balancer }: Side, leaseMs: number): void {
    const pins = join(balancer.folder, "fence");
    const own = new BpfFence({ kernel: hostBpfKernel, pins, processors: possibleProcessors() });
    ends.unshift(() => own.remove());
    own.setAddresses(new Map([[masq, 3]]));
    const leases = own.openLeases();
    leases.end(3);
    if (leaseMs > 0) {
      leases.open(3, leases.closings(3));
      leases.renew(3, BigInt(Math.round((monotonicMs() + leaseMs) * 1e6)));
    }
    leases.unmap();
  }

  test("a walk has all, and they go on at the other with their real servers", async () => {
    const ports = Array.from({ length: 30 }, (_, index) => 1000 + index);
    const before = ports.map((port) => open(one, port));
    expect(new Set(before)).toEqual(new Set(reals));
    const portions = await walk(one);
    expect(portions.map(({ entries }) => entries)).toEqual([30]);
    expect(take(two, portions)).toEqual([30]);
    expect(ports.map((port) => send(two, port))).toEqual(before);
    // And answers find their way back, whoever sends first.
    const { result, packet } = two.balancer.run(
      ipPacket({ from: before[0]!, to: client, fromPort: 80, toPort: 1000, flags: ack }),
    );
    expect([result, describePacket(packet)]).toEqual([verdict.send, expect.stringContaining(masq)]);
  });

  test("of IPv6, too", async () => {
    const wish = { from: client6, to: gate6 };
    for (let port = 1000; port < 1010; port++) open(one, port, wish);
    const portions = await walk(one);
    expect(take(two, portions)).toEqual([10]);
    const [copied] = await walk(two);
    expect(copied!.entries).toBe(10);
    // The other way about it is the same: real servers by their addresses.
    expect(take(one, [copied!])).toEqual([0]);
    for (let port = 1000; port < 1010; port++) {
      expect(two.balancer.run(packetOf(port, { ...wish, flags: ack })).result).toBe(verdict.send);
    }
  });

  test("a change is told once it is more than a first packet, and when it ends", () => {
    fence(two, 0);
    one.copier.watch(true);
    one.balancer.run(packetOf(1000));
    expect([...one.copier.changed()]).toEqual([]);
    const server = send(one, 1000);
    send(one, 1000);
    const [opened, ...more] = one.copier.changed();
    expect([opened!.entries, more]).toEqual([1, []]);
    expect(take(two, [opened!])).toEqual([1]);
    send(one, 1000, { flags: fin | ack });
    // The other end, by the answer of the server.
    one.balancer.run(
      ipPacket({ from: server, to: client, fromPort: 80, toPort: 1000, flags: fin | ack }),
    );
    const ended = [...one.copier.changed()];
    expect(ended.map(({ entries }) => entries)).toEqual([2]);
    expect(take(two, ended)).toEqual([2]);
    expect([...one.copier.changed()]).toEqual([]);
    fence(two, 60_000);
    expect(send(two, 1000)).toBe(server);
    // Its client begins anew: with the next server, since the old connection is over.
    const { packet } = two.balancer.run(packetOf(1000));
    expect(describePacket(packet)).not.toContain(server);
    expect(one.copier.hasLost()).toBe(false);
  });

  test("without a reader nothing is put aside, and what came then is in the walk", async () => {
    open(one, 1000);
    one.copier.watch(true);
    send(one, 1000);
    expect([...one.copier.changed()]).toEqual([]);
    expect((await walk(one)).map(({ entries }) => entries)).toEqual([1]);
    one.copier.watch(false);
    open(one, 1001);
    one.copier.watch(true);
    expect([...one.copier.changed()]).toEqual([]);
  });

  test("a copy is not told back as news", () => {
    one.copier.watch(true);
    two.copier.watch(true);
    open(one, 1000);
    take(two, one.copier.changed());
    send(two, 1000);
    expect([...two.copier.changed()]).toEqual([]);
    send(two, 1000, { flags: fin | ack });
    expect([...two.copier.changed()].map(({ entries }) => entries)).toEqual([1]);
  });

  test("a ring that is full is told, the next packet tries again, and a walk has all", async () => {
    one.copier.watch(true);
    const { kernel } = one.balancer.program;
    const connections = 3000;
    for (let port = 0; port < connections; port++) open(one, 1000 + port);
    let drained = 0;
    for (const { entries } of one.copier.changed()) drained += entries;
    expect(drained).toBe(connections);
    // As the program does when there is no room.
    kernel.update(one.balancer.program.map("event_words"), indexKey(1), new Uint8Array(8).fill(1));
    expect(one.copier.hasLost()).toBe(true);
    expect(one.copier.hasLost()).toBe(false);
    const portions = await walk(one);
    expect(portions.reduce((sum, { entries }) => sum + entries, 0)).toBe(connections);
  });

  test("a walk ends where the engine ends", async () => {
    open(one, 1000);
    open(one, 1000, { from: client6, to: gate6 });
    expect(await walk(one)).toHaveLength(2);
    let portions = 0;
    for await (const _portion of one.copier.walk()) {
      portions += 1;
      one.copier.close();
    }
    expect(portions).toBe(1);
  });

  test("only services and real servers that are here count", async () => {
    open(one, 1000);
    open(one, 1001);
    open(one, 1002);
    const portions = await walk(one);
    const fewer = createSide(serviceOf(reals.slice(0, 2)));
    expect(take(fewer, portions)).toEqual([2]);
    const elsewhere = createSide(serviceOf(reals, "192.0.2.3"));
    expect(take(elsewhere, portions)).toEqual([0]);
    const udp = createSide({ ...serviceOf(reals), protocol: "udp" });
    expect(take(udp, portions)).toEqual([0]);
  });

  test.each([
    ["nothing", []],
    ["another family", [5]],
    ["cut short", [4, 6, 0, 0]],
    ["another protocol", [4, 1, ...Array.from({ length: 27 }, () => 0)]],
    ["another state", [4, 6, 8, ...Array.from({ length: 26 }, () => 0)]],
  ])("%s is no portion", (_name, bytes) => {
    expect(two.copier.take(Uint8Array.from(bytes))).toBeUndefined();
  });

  describe("with a fence", () => {
    test("who does not answer for an address tells nothing of it, and takes all", async () => {
      const before = open(one, 1000);
      const portions = await walk(one);
      fence(two, 0);
      expect(take(two, portions)).toEqual([1]);
      expect(await walk(two)).toEqual([]);
      fence(two, 60_000);
      expect(send(two, 1000)).toBe(before);
      expect(await walk(two)).toHaveLength(1);
    });

    test("who answers keeps what has come to it, and takes what has not", async () => {
      for (let port = 1000; port < 1010; port++) open(one, port);
      fence(two, 60_000);
      const own = [1003, 1004, 1009].map((port) => open(two, port));
      expect(take(two, await walk(one))).toEqual([7]);
      expect([1003, 1004, 1009].map((port) => send(two, port))).toEqual(own);
    });
  });
});
