import { describe, expect, test } from "bun:test";

import { assembleAdvertFilter } from "../../../src/failover/advert-filter.ts";
import { parseAddress } from "../../../src/net/address.ts";
import { runFilter } from "../../helpers/packet-filter.ts";

function ipv4(changes: { ttl?: number; from?: string; to?: string; vrid?: number }): Uint8Array {
  const { ttl = 255, from = "192.0.2.2", to = "224.0.0.18", vrid = 51 } = changes;
  // A header with four bytes of options: the message starts at 24.
  const packet = new Uint8Array(40);
  packet[0] = 0x46;
  packet[8] = ttl;
  packet.set(parseAddress(from)!, 12);
  packet.set(parseAddress(to)!, 16);
  packet[24] = 0x31;
  packet[25] = vrid;
  return packet;
}

const whole = 0xffff_ffff;
const group = parseAddress("224.0.0.18")!;
const own = parseAddress("192.0.2.1")!;

describe("assembleAdvertFilter", () => {
  const multicast = assembleAdvertFilter({ vrid: 51, destination: group, peers: undefined });
  test.each([
    ["an advertisement of this router", {}, whole],
    ["another VRID", { vrid: 52 }, 0],
    ["a packet that crossed a router", { ttl: 254 }, 0],
    ["a packet to this node alone", { to: "192.0.2.1" }, 0],
  ])("multicast: %s", (_, changes, expected) => {
    expect(runFilter(multicast, ipv4(changes), 0)).toBe(expected);
  });

  const peers = ["192.0.2.2", "192.0.2.3"].map((text) => parseAddress(text)!);
  const unicast = assembleAdvertFilter({ vrid: 51, destination: own, peers });
  test.each([
    ["the first peer", { from: "192.0.2.2", to: "192.0.2.1" }, whole],
    ["the last peer", { from: "192.0.2.3", to: "192.0.2.1" }, whole],
    ["a stranger", { from: "192.0.2.4", to: "192.0.2.1" }, 0],
    ["a peer that speaks to the group", { from: "192.0.2.2" }, 0],
  ])("unicast: %s", (_, changes, expected) => {
    expect(runFilter(unicast, ipv4(changes), 0)).toBe(expected);
  });

  const peer6 = parseAddress("fe80::2")!;
  const own6 = parseAddress("fe80::1")!;
  const unicast6 = assembleAdvertFilter({ vrid: 7, destination: own6, peers: [own6, peer6] });

  /** Header and message; the socket gives the filter the message, and the header before it. */
  function ipv6(from: Uint8Array, vrid: number): number {
    const packet = new Uint8Array(60);
    packet[7] = 255;
    packet.set(from, 8);
    packet.set(own6, 24);
    packet[41] = vrid;
    // Relative loads reach back: the interpreter gets the whole, shifted.
    const program = unicast6.slice();
    const view = new DataView(program.buffer);
    for (let at = 0; at < program.length; at += 8) {
      const isVrid = view.getUint16(at, true) === 0x30 && view.getUint32(at + 4, true) === 1;
      if (isVrid) view.setUint32(at + 4, 41, true);
    }
    return runFilter(program, packet, 0);
  }

  test("IPv6: all four words of an address count", () => {
    expect(ipv6(peer6, 7)).toBe(whole);
    expect(ipv6(peer6, 8)).toBe(0);
    expect(ipv6(parseAddress("fe80::3")!, 7)).toBe(0);
    expect(ipv6(parseAddress("fd80::2")!, 7)).toBe(0);
  });

  test("the longest list of peers fits the kernel's limit", () => {
    const many = Array.from({ length: 64 }, (_, index) => parseAddress(`fd00::${index + 1}`)!);
    const program = assembleAdvertFilter({ vrid: 1, destination: own6, peers: many });
    expect(program.length / 8).toBeLessThan(4096);
  });
});
