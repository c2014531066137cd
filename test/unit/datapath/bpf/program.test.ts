/**
 * Single packets through the real program, without a network.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";

import { monotonicMs } from "../../../../ffi/clock.ts";
import { decodeLoad, encodeLoad, indexKey } from "../../../../src/datapath/bpf/layout.ts";
import { parseAddress } from "../../../../src/net/address.ts";
import { forwardingServer, forwardingService } from "../../../helpers/balancer-lan.ts";
import { TestBalancer, verdict } from "../../../helpers/balancer-program.ts";
import { describePacket, etherBytes, icmpError, ipPacket } from "../../../helpers/ip-packet.ts";
import type { PacketWish } from "../../../helpers/ip-packet.ts";
import { packetFaults } from "../../../helpers/packet-faults.ts";
import { requireBpf } from "../../../helpers/require-bpf.ts";

const needs = requireBpf();

const client = "198.51.100.9";
const gate = "192.0.2.1";
const masq = "192.0.2.2";
const gate6 = "2001:db8::1";
const real = "192.0.2.11";
/** A server on this host. */
const local = "192.0.2.30";
const fin = 1;
const ack = 16;

/** The kernel tries no packet that is shorter than its IP header without options. */
function triedBytes(packet: Uint8Array): number {
  const type = (packet[12]! << 8) | packet[13]!;
  return etherBytes + (type === 0x0800 ? 20 : type === 0x86dd ? 40 : 1);
}

describe.skipIf(needs.skip)(`balancer program ${needs.reason}`.trim(), () => {
  let balancer: TestBalancer;
  let lastPort = 1000;

  beforeAll(() => {
    balancer = new TestBalancer();
    const udp = { protocol: "udp" } as const;
    balancer.write(
      [
        forwardingService([gate, 80], [forwardingServer(real, 80)]),
        forwardingService([gate, 53], [forwardingServer(real, 53)], udp),
        forwardingService([gate, 81], [forwardingServer(local, 81)]),
        forwardingService([gate6, 80], [forwardingServer("2001:db8::11", 80)]),
        forwardingService([masq, 80], [forwardingServer(real, 8080)], { forwarding: "masq" }),
        forwardingService([masq, 53], [forwardingServer(real, 5353)], {
          ...udp,
          forwarding: "masq",
        }),
      ],
      local,
    );
  });
  afterAll(() => balancer[Symbol.dispose]());

  /** A packet of a connection of its own. */
  function from(rest: Partial<PacketWish> & Pick<PacketWish, "to">): Uint8Array<ArrayBuffer> {
    return ipPacket({ from: client, fromPort: (lastPort += 1), toPort: 80, ...rest });
  }

  function drops(): number {
    let sum = 0n;
    for (let reason = 0; reason < 16; reason++) {
      const copies = new BigUint64Array(balancer.program.processors);
      const { kernel } = balancer.program;
      kernel.lookup(balancer.program.map("drops"), indexKey(reason), new Uint8Array(copies.buffer));
      sum += copies.reduce((total, count) => total + count, 0n);
    }
    return Number(sum);
  }

  test("gate lowers the TTL and changes nothing else", () => {
    const packet = from({ to: gate, payloadBytes: 100 });
    const { result, packet: sent } = balancer.run(packet);
    expect(result).toBe(verdict.send);
    expect(describePacket(sent)).toBe(`${client}:${lastPort} > ${gate}:80 ttl 63`);
    expect(packetFaults(sent)).toEqual([]);
    expect(sent.subarray(etherBytes + 12)).toEqual(packet.subarray(etherBytes + 12));
  });

  test("masq puts the real server in the place of the virtual one", () => {
    const { result, packet } = balancer.run(from({ to: masq, payloadBytes: 101 }));
    expect(result).toBe(verdict.send);
    expect(describePacket(packet)).toBe(`${client}:${lastPort} > ${real}:8080 ttl 63`);
    expect(packetFaults(packet)).toEqual([]);
  });

  test("masq puts the virtual server in the place of the real one, on the way back", () => {
    balancer.run(from({ to: masq }));
    const answer = { from: real, fromPort: 8080, to: client, toPort: lastPort, flags: 18 };
    const { result, packet } = balancer.run(ipPacket(answer));
    expect(result).toBe(verdict.send);
    expect(describePacket(packet)).toBe(`${masq}:80 > ${client}:${lastPort} ttl 63`);
    expect(packetFaults(packet)).toEqual([]);
  });

  test("masq keeps a datagram without a checksum without one", () => {
    const rest = { protocol: "udp", toPort: 53, hasNoChecksum: true } as const;
    const { result, packet } = balancer.run(from({ to: masq, ...rest }));
    expect(result).toBe(verdict.send);
    expect(describePacket(packet)).toBe(`${client}:${lastPort} > ${real}:5353 ttl 63`);
    expect(packet.subarray(etherBytes + 26, etherBytes + 28)).toEqual(Uint8Array.of(0, 0));
  });

  test("IPv6 by gate has its hop limit lowered", () => {
    const { result, packet } = balancer.run(
      ipPacket({ from: "2001:db8::9", to: gate6, fromPort: 1000, toPort: 80 }),
    );
    expect(result).toBe(verdict.send);
    expect(describePacket(packet)).toEndWith("80 ttl 63");
  });

  test.each([gate, masq])("IP options are no obstacle (%s)", (to) => {
    const { result, packet } = balancer.run(from({ to, optionBytes: 12, payloadBytes: 9 }));
    expect(result).toBe(verdict.send);
    expect(packetFaults(packet)).toEqual([]);
  });

  test.each([gate, masq])("a packet at its last hop is dropped (%s)", (to) => {
    const before = drops();
    expect(balancer.run(from({ to, ttl: 1 })).result).toBe(verdict.drop);
    expect(drops()).toBe(before + 1);
  });

  test.each([
    ["another port", { to: gate, toPort: 82 }],
    ["another address", { to: "192.0.2.3" }],
    ["another protocol", { to: gate, protocol: "udp" }],
    ["a server on this host", { to: gate, toPort: 81 }],
    ["a later fragment without a first one", { to: gate, id: 77, fragment: 185 }],
  ] as const)("%s goes up the stack as it is", (_, rest) => {
    const packet = from(rest);
    const { result, packet: after } = balancer.run(packet);
    expect(result).toBe(verdict.pass);
    expect(after).toEqual(packet);
  });

  test("a packet that is cut off goes up the stack as it is", () => {
    const whole = from({ to: gate });
    for (let length = triedBytes(whole); length < etherBytes + 20 + 14; length++) {
      const packet = whole.slice(0, length);
      expect([length, balancer.run(packet).result]).toEqual([length, verdict.pass]);
    }
  });

  test("a first fragment shows the way to the others, there and back", () => {
    const first = { to: masq, protocol: "udp", toPort: 53, id: 5, payloadBytes: 1472 } as const;
    expect(balancer.run(from({ ...first, fragment: 0x2000 })).result).toBe(verdict.send);
    const port = lastPort;
    const next = balancer.run(from({ ...first, fragment: 185 }));
    expect(next.result).toBe(verdict.send);
    expect(describePacket(next.packet)).toContain(`> ${real}:`);
    const back = { from: real, to: client, fromPort: 5353, toPort: port, id: 6 } as const;
    const udp = { protocol: "udp", payloadBytes: 1472 } as const;
    const answer = ipPacket({ ...back, ...udp, fragment: 0x2000 });
    expect(balancer.run(answer).result).toBe(verdict.send);
    const rest = balancer.run(ipPacket({ ...back, ...udp, fragment: 185 }));
    expect(describePacket(rest.packet)).toStartWith(`${masq}:`);
  });

  test("an error about an answer reaches the real server, in its own terms", () => {
    balancer.run(from({ to: masq }));
    const answer = ipPacket({ from: masq, fromPort: 80, to: client, toPort: lastPort });
    const { result, packet } = balancer.run(icmpError("203.0.113.1", masq, answer));
    expect(result).toBe(verdict.send);
    expect(packetFaults(packet)).toEqual([]);
    expect(packet.subarray(etherBytes + 16, etherBytes + 20)).toEqual(parseAddress(real)!);
    const quoted = new Uint8Array([...packet.subarray(0, 14), ...packet.subarray(42)]);
    expect(describePacket(quoted)).toBe(`${real}:8080 > ${client}:${lastPort} ttl 64`);
  });

  test("an error about a question reaches the client, in its terms", () => {
    balancer.run(from({ to: masq }));
    const question = ipPacket({ from: client, fromPort: lastPort, to: real, toPort: 8080 });
    const { result, packet } = balancer.run(icmpError(real, client, question));
    expect(result).toBe(verdict.send);
    expect(packetFaults(packet)).toEqual([]);
    expect(packet.subarray(etherBytes + 12, etherBytes + 16)).toEqual(parseAddress(masq)!);
    const quoted = new Uint8Array([...packet.subarray(0, 14), ...packet.subarray(42)]);
    expect(describePacket(quoted)).toBe(`${client}:${lastPort} > ${masq}:80 ttl 64`);
  });

  test("an error about an answer of gate goes on as it is", () => {
    balancer.run(from({ to: gate }));
    const answer = ipPacket({ from: gate, fromPort: 80, to: client, toPort: lastPort });
    const error = icmpError("203.0.113.1", gate, answer);
    const { result, packet } = balancer.run(error);
    expect(result).toBe(verdict.send);
    expect(packet.subarray(etherBytes + 20)).toEqual(error.subarray(etherBytes + 20));
  });

  test("a fenced address is balanced only while its lease runs, or it drains", () => {
    const { kernel } = balancer.program;
    const address = parseAddress(gate)!;
    const lease = new DataView(new ArrayBuffer(32));
    const set = (endNs: bigint, closings: number, drainNs = 0n): void => {
      lease.setBigUint64(0, endNs, true);
      lease.setUint32(8, closings, true);
      lease.setBigUint64(24, drainNs, true);
      kernel.update(balancer.program.map("leases"), indexKey(4), new Uint8Array(lease.buffer));
    };
    kernel.update(balancer.program.map("addresses4"), address, indexKey(4));
    const services = balancer.planned.map(({ service }) => service);
    balancer.write(services, local);
    try {
      const packet = from({ to: gate });
      set(0n, 0);
      expect(balancer.run(packet).result).toBe(verdict.pass);
      set(2n ** 63n, 0);
      expect(balancer.run(packet).result).toBe(verdict.send);
      // Closed by the guard, in the middle of a connection.
      set(2n ** 63n, 1);
      expect(balancer.run(packet).result).toBe(verdict.pass);
      // Handed over: what still comes here is served for a while, unless the guard closes it.
      set(0n, 0, 2n ** 63n);
      expect(balancer.run(packet).result).toBe(verdict.send);
      set(0n, 0, 1n);
      expect(balancer.run(packet).result).toBe(verdict.pass);
      set(0n, 1, 2n ** 63n);
      expect(balancer.run(packet).result).toBe(verdict.pass);
    } finally {
      kernel.remove(balancer.program.map("addresses4"), address);
      balancer.write(services, local);
    }
  });

  test("an address that needs a lease is closed before the fence has named one", () => {
    const { program } = balancer;
    const services = balancer.planned.map(({ service }) => service);
    const needing = services.map((one) => {
      return one.listen[0]!.address === gate ? { ...one, leased: [gate] } : one;
    });
    try {
      program.followFence([gate]);
      balancer.write(needing, local);
      expect(balancer.run(from({ to: gate })).result).toBe(verdict.pass);
      expect(balancer.run(from({ to: masq })).result).toBe(verdict.send);
    } finally {
      program.followFence([]);
      balancer.write(services, local);
    }
    expect(balancer.run(from({ to: gate })).result).toBe(verdict.send);
  });

  test("a client may use a port again that it has closed", () => {
    using other = new TestBalancer();
    const servers = ["192.0.2.21", "192.0.2.22"].map((address) => forwardingServer(address, 80));
    other.write([forwardingService([masq, 80], servers, { forwarding: "masq" })]);
    const send = (flags: number): string => {
      const { packet } = other.run(
        ipPacket({ from: client, fromPort: 5, to: masq, toPort: 80, flags }),
      );
      return describePacket(packet).split(" ")[2]!;
    };
    expect([send(2), send(ack), send(2), send(fin | ack)]).toEqual(Array(4).fill("192.0.2.21:80"));
    expect([send(ack), send(2)]).toEqual(["192.0.2.21:80", "192.0.2.22:80"]);
  });

  test.each([
    // Loads 4, 1 and 0 of weights 4, 1 and 1: who gets the next four? Equal ones take turns.
    ["lc", ["c", "b", "c", "b"]],
    ["wlc", ["c", "b", "c", "a"]],
    ["sed", ["c", "a", "a", "a"]],
    ["nq", ["c", "a", "a", "a"]],
  ] as const)("%s looks for the least load", (scheduler, expected) => {
    using other = new TestBalancer();
    const servers = [4, 1, 1].map((weight, at) =>
      forwardingServer(`192.0.2.${21 + at}`, 80, { weight }),
    );
    other.write([forwardingService([masq, 80], servers, { forwarding: "masq", scheduler })]);
    const { kernel } = other.program;
    for (const [index, load] of [4, 1, 0].entries()) {
      const record = encodeLoad({ count: load, isFull: false });
      kernel.update(other.program.map("loads"), indexKey(index), record);
    }
    const chosen = expected.map((_, at) => {
      const { packet } = other.run(
        ipPacket({ from: client, fromPort: 5 + at, to: masq, toPort: 80 }),
      );
      return "abc"[Number(/192\.0\.2\.2(\d):/.exec(describePacket(packet))![1]) - 1]!;
    });
    expect(chosen).toEqual([...expected]);
  });

  test("a connection that ends is no load any more", () => {
    using other = new TestBalancer();
    const servers = [forwardingServer(real, 80)];
    other.write([forwardingService([gate, 80], servers, { scheduler: "lc" })]);
    const load = (): number => {
      const value = new Uint8Array(8);
      other.program.kernel.lookup(other.program.map("loads"), indexKey(0), value);
      return decodeLoad(value).count;
    };
    const send = (flags: number): void => {
      other.run(ipPacket({ from: client, fromPort: 5, to: gate, toPort: 80, flags }));
    };
    send(2);
    send(ack);
    expect(load()).toBe(1);
    send(fin | ack);
    send(ack);
    send(4);
    expect(load()).toBe(0);
  });
});

describe.skipIf(needs.skip)(`BalancerProgram ${needs.reason}`.trim(), () => {
  test("leaves its pins to the next, and none when it is removed", () => {
    using balancer = new TestBalancer();
    const folder = join(balancer.folder, "balancer");
    expect(readdirSync(folder)).toContain("connections4");
    balancer.remove();
    expect(readdirSync(folder)).toEqual([]);
  });

  test("a real server that hands its address over takes nothing new, others still do", () => {
    using balancer = new TestBalancer();
    const fence = join(balancer.folder, "fence");
    const { kernel } = balancer.program;
    const addresses = kernel.openPin(join(fence, "addresses4"));
    kernel.update(addresses, parseAddress(gate)!, indexKey(1));
    kernel.close(addresses);
    balancer.write([forwardingService([gate, 80], [forwardingServer(real, 80)])]);
    /** The lease has ended, and what comes late is served for an hour. */
    const handOver = (flags: number): void => {
      const lease = new Uint8Array(32);
      const view = new DataView(lease.buffer);
      view.setUint32(16, flags, true);
      view.setBigUint64(24, BigInt(Math.round((monotonicMs() + 3_600_000) * 1e6)), true);
      const leases = kernel.openPin(join(fence, "leases"));
      kernel.update(leases, indexKey(1), lease);
      kernel.close(leases);
    };
    const packetOf = (fromPort: number): Uint8Array =>
      ipPacket({ from: client, fromPort, to: gate, toPort: 80 });
    handOver(0);
    expect(balancer.run(packetOf(1)).result).toBe(verdict.send);
    handOver(1);
    expect(balancer.run(packetOf(2)).result).toBe(verdict.pass);
    // Of a connection that it has begun itself.
    expect(balancer.run(packetOf(1)).result).toBe(verdict.send);
  });

  test("followFence([]) puts back the maps of a fence that was taken away", () => {
    using balancer = new TestBalancer();
    const fence = join(balancer.folder, "fence");
    const { kernel } = balancer.program;
    const address = parseAddress(gate)!;
    for (const name of readdirSync(fence)) Bun.spawnSync(["rm", join(fence, name)]);
    balancer.program.followFence([]);
    expect(readdirSync(fence).toSorted()).toEqual(["addresses4", "addresses6", "leases"]);
    const again = kernel.openPin(join(fence, "addresses4"));
    kernel.update(again, address, indexKey(1));
    kernel.close(again);
    balancer.write([forwardingService([gate, 80], [forwardingServer(real, 80)])]);
    const packet = ipPacket({ from: client, fromPort: 1, to: gate, toPort: 80 });
    expect(balancer.run(packet).result).toBe(verdict.pass);
  });

  test("followFence([]) takes the maps of a fence that was made anew", () => {
    using balancer = new TestBalancer();
    const fence = join(balancer.folder, "fence");
    const { kernel } = balancer.program;
    const path = join(fence, "addresses4");
    balancer.write([forwardingService([gate, 80], [forwardingServer(real, 80)])]);
    Bun.spawnSync(["rm", path]);
    const map = kernel.createMap({ type: 1, keyBytes: 4, valueBytes: 4, entriesMax: 4096 });
    kernel.update(map, parseAddress(gate)!, indexKey(1));
    kernel.pin(map, path);
    kernel.close(map);
    const packet = ipPacket({ from: client, fromPort: 1, to: gate, toPort: 80 });
    expect(balancer.run(packet).result).toBe(verdict.send);
    balancer.program.followFence([]);
    balancer.write(balancer.planned.map(({ service }) => service));
    expect(balancer.run(packet).result).toBe(verdict.pass);
  });
});
