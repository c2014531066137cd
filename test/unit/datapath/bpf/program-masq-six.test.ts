/**
 * Address translation of IPv6: single packets through the real program.
 *
 * @module
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";

import { forwardingServer, forwardingService } from "../../../helpers/balancer-lan.ts";
import { TestBalancer, verdict } from "../../../helpers/balancer-program.ts";
import { describePacket, etherBytes, icmpError, ipPacket } from "../../../helpers/ip-packet.ts";
import type { PacketWish } from "../../../helpers/ip-packet.ts";
import { packetFaults } from "../../../helpers/packet-faults.ts";
import { requireBpf } from "../../../helpers/require-bpf.ts";

const needs = requireBpf();
const client = "2001:db8::9";
const virtual = "2001:db8::1";
const real = "2001:db8::11";

let balancer: TestBalancer;

beforeAll(() => {
  if (!needs.skip) balancer = new TestBalancer();
});
beforeEach(() => {
  balancer?.clear();
  balancer?.write([
    forwardingService([virtual, 80], [forwardingServer(real, 8080)], { forwarding: "masq" }),
    forwardingService([virtual, 53], [forwardingServer(real, 5353)], {
      forwarding: "masq",
      protocol: "udp",
    }),
  ]);
});
afterAll(() => balancer?.[Symbol.dispose]());

/** Verdict and packet out, as text; it is well formed. */
function send(packet: Uint8Array): string {
  const { result, packet: sent } = balancer.run(packet);
  if (result !== verdict.send) return String(result);
  expect(packetFaults(sent)).toEqual([]);
  return describePacket(sent);
}

function ask(wish: Partial<PacketWish> = {}): string {
  return send(ipPacket({ from: client, to: virtual, fromPort: 1000, toPort: 80, ...wish }));
}

function quotedBy(packet: Uint8Array): string {
  return describePacket(Uint8Array.of(...packet.subarray(0, 14), ...packet.subarray(62)));
}

describe.skipIf(needs.skip)(`masq of IPv6 ${needs.reason}`.trim(), () => {
  test.each(["tcp", "udp"] as const)("%s is translated both ways", (protocol) => {
    const [toPort, realPort] = protocol === "tcp" ? [80, 8080] : [53, 5353];
    expect(ask({ protocol, toPort, payloadBytes: 33 })).toBe(
      `${client}:1000 > ${real}:${realPort} ttl 63`,
    );
    const back = { from: real, fromPort: realPort, to: client, toPort: 1000, flags: 18 };
    expect(send(ipPacket({ ...back, protocol, payloadBytes: 34 }))).toBe(
      `${virtual}:${toPort} > ${client}:1000 ttl 63`,
    );
  });

  test("fragments are translated both ways, those behind the first one too", () => {
    const udp = { protocol: "udp", payloadBytes: 400 } as const;
    const there = { ...udp, toPort: 53, id: 9 };
    expect(
      balancer.run(ipPacket({ from: client, to: virtual, fromPort: 1000, ...there, fragment: 51 }))
        .result,
    ).toBe(verdict.pass);
    expect(ask({ ...there, fragment: 0x2000 })).toStartWith(`${client}:1000 > ${real}:5353`);
    expect(ask({ ...there, fragment: 51 })).toContain(`> ${real}:`);
    const back = { ...udp, from: real, to: client, fromPort: 5353, toPort: 1000, id: 10 };
    expect(send(ipPacket({ ...back, fragment: 0x2000 }))).toStartWith(`${virtual}:53 >`);
    expect(send(ipPacket({ ...back, fragment: 51 }))).toStartWith(`${virtual}:`);
  });

  test("an error about an answer reaches the real server, in its own terms", () => {
    ask();
    const answer = ipPacket({ from: virtual, fromPort: 80, to: client, toPort: 1000 });
    const { result, packet } = balancer.run(icmpError("2001:db8:9::1", virtual, answer));
    expect(result).toBe(verdict.send);
    expect(packetFaults(packet)).toEqual([]);
    expect(quotedBy(packet)).toBe(`${real}:8080 > ${client}:1000 ttl 64`);
    expect(packet.subarray(etherBytes + 24, etherBytes + 40).toHex()).toBe(
      "20010db8000000000000000000000011",
    );
  });

  test("an error about a question reaches the client, in its terms", () => {
    ask();
    const question = ipPacket({ from: client, fromPort: 1000, to: real, toPort: 8080 });
    const { result, packet } = balancer.run(icmpError(real, client, question));
    expect(result).toBe(verdict.send);
    expect(packetFaults(packet)).toEqual([]);
    expect(quotedBy(packet)).toBe(`${client}:1000 > ${virtual}:80 ttl 64`);
    expect(packet.subarray(etherBytes + 8, etherBytes + 24).toHex()).toBe(
      "20010db8000000000000000000000001",
    );
  });

  test("a packet at its last hop is dropped", () => {
    expect(ask({ ttl: 1 })).toBe(String(verdict.drop));
  });
});
