/**
 * Packets that get another header in front, or are too large for their way: single packets through
 * the real program.
 *
 * @module
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";

import { parseAddress } from "../../../../src/net/address.ts";
import { forwardingServer, forwardingService } from "../../../helpers/balancer-lan.ts";
import { TestBalancer, tunnelSources, verdict } from "../../../helpers/balancer-program.ts";
import { describePacket, etherBytes, icmpError, ipPacket } from "../../../helpers/ip-packet.ts";
import type { PacketWish } from "../../../helpers/ip-packet.ts";
import { packetFaults } from "../../../helpers/packet-faults.ts";
import { requireBpf } from "../../../helpers/require-bpf.ts";

const needs = requireBpf();
const dont = 0x4000;
const families = {
  4: { client: "198.51.100.9", virtual: "192.0.2.1", real: "203.0.113.11", header: 20 },
  6: { client: "2001:db8::9", virtual: "2001:db8::1", real: "2001:db8:1::11", header: 40 },
} as const;
type Family = keyof typeof families;
/** Family of the client, and of the real server. */
const pairs: readonly (readonly [Family, Family])[] = [
  [4, 4],
  [6, 6],
  [4, 6],
  [6, 4],
];

let balancer: TestBalancer;

beforeAll(() => {
  if (!needs.skip) balancer = new TestBalancer();
});
beforeEach(() => {
  balancer?.clear();
});
afterAll(() => balancer?.[Symbol.dispose]());

function packetOf(family: Family, wish: Partial<PacketWish> = {}): Uint8Array<ArrayBuffer> {
  const { client, virtual } = families[family];
  return ipPacket({ from: client, to: virtual, fromPort: 1000, toPort: 80, ...wish });
}

function writeTunnel(inner: Family, outer: Family): void {
  const servers = [forwardingServer(families[outer].real, 80)];
  balancer.write([
    forwardingService([families[inner].virtual, 80], servers, { forwarding: "ipip" }),
  ]);
}

/** A packet without what is in front of it. */
function unwrap(packet: Uint8Array, outer: Family, inner: Family): Uint8Array {
  const rest = packet.subarray(etherBytes + families[outer].header);
  const type = inner === 4 ? [8, 0] : [0x86, 0xdd];
  return Uint8Array.of(...packet.subarray(0, 12), ...type, ...rest);
}

function addressesOf(packet: Uint8Array, family: Family): Uint8Array {
  const at = etherBytes + (family === 4 ? 12 : 8);
  return packet.subarray(at, at + (family === 4 ? 8 : 32));
}

function addresses(...texts: readonly string[]): Uint8Array {
  return Uint8Array.from(texts.flatMap((text) => [...parseAddress(text)!]));
}

/** Type, code and size of an ICMP error, with the packet that it quotes as text. */
function describeError(packet: Uint8Array): string {
  const isSix = packet[12] === 0x86;
  const at = etherBytes + (isSix ? 40 : 20);
  const view = new DataView(packet.buffer, packet.byteOffset);
  const size = view.getUint16(at + 6);
  const quoted = Uint8Array.of(...packet.subarray(0, etherBytes), ...packet.subarray(at + 8));
  return `${packet[at]}/${packet[at + 1]} ${size}: ${describePacket(quoted)}`;
}

describe.skipIf(needs.skip)(`ipip ${needs.reason}`.trim(), () => {
  test.each(pairs)(
    "IPv%i within IPv%i: what gate would send, behind another header",
    (inner, outer) => {
      writeTunnel(inner, outer);
      for (const wish of [{ payloadBytes: 101 }, { flags: 16, payloadBytes: 7 }]) {
        const packet = packetOf(inner, wish);
        const { result, packet: sent } = balancer.run(packet);
        expect(result).toBe(verdict.send);
        expect(packetFaults(sent)).toEqual([]);
        expect(addressesOf(sent, outer)).toEqual(
          addresses(tunnelSources[outer], families[outer].real),
        );
        const within = unwrap(sent, outer, inner);
        expect(within).toHaveLength(packet.length);
        const { client, virtual } = families[inner];
        expect(describePacket(within)).toBe(`${client}:1000 > ${virtual}:80 ttl 63`);
        expect(packetFaults(within)).toEqual([]);
      }
    },
  );

  test("the outer header has the class and the flag of the inner one", () => {
    writeTunnel(4, 4);
    const { packet } = balancer.run(packetOf(4, { fragment: dont }));
    expect([packet[etherBytes + 6], packet[etherBytes + 9]]).toEqual([0x40, 4]);
    const open = balancer.run(packetOf(4)).packet;
    expect(open[etherBytes + 6]).toBe(0);
  });

  test.each([4, 6] as const)("fragments of IPv%i follow the first one", (family) => {
    balancer.write([
      forwardingService([families[family].virtual, 53], [forwardingServer(families[4].real, 53)], {
        forwarding: "ipip",
        protocol: "udp",
      }),
    ]);
    const wish = { protocol: "udp", toPort: 53, id: 7, payloadBytes: 400 } as const;
    const later = packetOf(family, { ...wish, fragment: 51 });
    expect(balancer.run(later).result).toBe(verdict.pass);
    expect(balancer.run(packetOf(family, { ...wish, fragment: 0x2000 })).result).toBe(verdict.send);
    const { result, packet } = balancer.run(later);
    expect(result).toBe(verdict.send);
    expect(packetFaults(packet)).toEqual([]);
    expect(packet).toHaveLength(later.length + 20);
  });

  test.each([4, 6] as const)("an error about an answer reaches the server (IPv%i)", (family) => {
    writeTunnel(family, 4);
    balancer.run(packetOf(family));
    const { client, virtual } = families[family];
    const answer = ipPacket({ from: virtual, fromPort: 80, to: client, toPort: 1000 });
    const error = icmpError(family === 4 ? "203.0.113.1" : "2001:db8:9::1", virtual, answer);
    const { result, packet } = balancer.run(error);
    expect(result).toBe(verdict.send);
    expect(packetFaults(packet)).toEqual([]);
    expect(unwrap(packet, 4, family).subarray(-48)).toEqual(error.subarray(-48));
  });

  test.each([4, 6] as const)(
    "an error about the outer packet reaches the client (IPv%i)",
    (family) => {
      writeTunnel(family, family);
      const { client, virtual, header } = families[family];
      const { packet: sent } = balancer.run(packetOf(family, { payloadBytes: 900 }));
      const router = family === 4 ? "203.0.113.1" : "2001:db8:9::1";
      const error = icmpError(router, tunnelSources[family], sent);
      const { result, packet } = balancer.run(error);
      expect(result).toBe(verdict.send);
      expect(packetFaults(packet)).toEqual([]);
      expect(addressesOf(packet, family)).toEqual(addresses(virtual, client));
      const type = family === 4 ? "3/4" : "2/0";
      const quoted = `${client}:1000 > ${virtual}:80 ttl 63`;
      expect(describeError(packet)).toBe(`${type} ${1000 - header}: ${quoted}`);
    },
  );

  test("an error about a tunnel that is not ours goes up the stack as it is", () => {
    writeTunnel(4, 4);
    const { packet: sent } = balancer.run(packetOf(4, { payloadBytes: 900 }));
    sent[etherBytes + 19]! ^= 1;
    const error = icmpError("203.0.113.1", tunnelSources[4], sent);
    const { result, packet } = balancer.run(error);
    expect(result).toBe(verdict.pass);
    expect(packet).toEqual(error);
  });
});

describe.skipIf(needs.skip)(`packets that are too large ${needs.reason}`.trim(), () => {
  const forwardings = ["gate", "masq", "ipip"] as const;

  test.each(
    forwardings.flatMap((forwarding) =>
      ([4, 6] as const).map((family) => [forwarding, family] as const),
    ),
  )("%s: the client hears what fits (IPv%i)", (forwarding, family) => {
    const { client, virtual, real, header } = families[family];
    const servers = [forwardingServer(real, 80)];
    balancer.write([forwardingService([virtual, 80], servers, { forwarding, mtu: 1400 })]);
    const fits = 1400 - (forwarding === "ipip" ? header : 0);
    const payload = fits - header - 20;
    const wish = family === 4 ? { fragment: dont } : {};
    const small = packetOf(family, { ...wish, payloadBytes: payload });
    expect(describePacket(balancer.run(small).packet)).not.toContain(`${virtual}:0`);
    expect(balancer.run(small).packet).toHaveLength(
      small.length + (forwarding === "ipip" ? header : 0),
    );
    const large = packetOf(family, { ...wish, payloadBytes: payload + 1 });
    const { result, packet } = balancer.run(large);
    expect(result).toBe(verdict.send);
    expect(packetFaults(packet)).toEqual([]);
    expect(addressesOf(packet, family)).toEqual(addresses(virtual, client));
    const type = family === 4 ? "3/4" : "2/0";
    const quoted = `${client}:1000 > ${virtual}:80 ttl 64`;
    expect(describeError(packet)).toBe(`${type} ${fits}: ${quoted}`);
  });

  test("who did not ask for it hears nothing", () => {
    const { virtual, real } = families[4];
    balancer.write([forwardingService([virtual, 80], [forwardingServer(real, 80)], { mtu: 600 })]);
    expect(balancer.run(packetOf(4, { payloadBytes: 600 })).result).toBe(verdict.drop);
  });
});
