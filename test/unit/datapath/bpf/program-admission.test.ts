/**
 * Who gets a connection, and at which ports: single packets through the real program.
 *
 * @module
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";

import { encodeLoad, indexKey, serversMax } from "../../../../src/datapath/bpf/layout.ts";
import { Numbers } from "../../../../src/datapath/bpf/numbers.ts";
import { ForwardingTables } from "../../../../src/datapath/bpf/tables.ts";
import type { ForwardingService } from "../../../../src/model/index.ts";
import { forwardingServer, forwardingService } from "../../../helpers/balancer-lan.ts";
import { TestBalancer, verdict } from "../../../helpers/balancer-program.ts";
import { describePacket, ipPacket } from "../../../helpers/ip-packet.ts";
import type { PacketWish } from "../../../helpers/ip-packet.ts";
import { packetFaults } from "../../../helpers/packet-faults.ts";
import { requireBpf } from "../../../helpers/require-bpf.ts";

const needs = requireBpf();
const client = "198.51.100.9";
const virtual = "192.0.2.1";
const [a, b] = ["192.0.2.21", "192.0.2.22"] as const;
const ack = 16;
const rst = 4;

let balancer: TestBalancer;

beforeAll(() => {
  if (!needs.skip) balancer = new TestBalancer();
});
beforeEach(() => {
  balancer?.clear();
});
afterAll(() => balancer?.[Symbol.dispose]());

function writeService(changes: Partial<ForwardingService>, port = 80): void {
  const servers = [a, b].map((address) => forwardingServer(address, port));
  const service = forwardingService([virtual, port], servers, { forwarding: "masq", ...changes });
  balancer.write([service]);
}

/** Where a packet of the client goes; `verdict` if nowhere. */
function ask(wish: Partial<PacketWish>): string | number {
  const rest = { from: client, to: virtual, fromPort: 1000, toPort: 80, ...wish };
  const { result, packet } = balancer.run(ipPacket(rest));
  if (result !== verdict.send) return result;
  expect(packetFaults(packet)).toEqual([]);
  return describePacket(packet).split(" ")[2]!;
}

describe.skipIf(needs.skip)(`admission ${needs.reason}`.trim(), () => {
  test.each<[string, Partial<ForwardingService>, readonly (readonly [string, boolean])[]]>([
    [
      "allow",
      { allow: [{ address: "198.51.100.0", prefixBits: 24 }] },
      [
        ["198.51.100.7", true],
        ["198.51.101.7", false],
      ],
    ],
    [
      "deny",
      {
        deny: [
          { address: "198.51.100.8", prefixBits: 31 },
          { address: "203.0.113.0", prefixBits: 24 },
        ],
      },
      [
        ["198.51.100.7", true],
        ["198.51.100.9", false],
        ["203.0.113.77", false],
      ],
    ],
    [
      "both, of which deny wins",
      {
        allow: [{ address: "0.0.0.0", prefixBits: 0 }],
        deny: [{ address: "198.51.100.9", prefixBits: 32 }],
      },
      [
        ["198.51.100.8", true],
        ["198.51.100.9", false],
      ],
    ],
  ])("lists: %s", (_, lists, expected) => {
    writeService(lists);
    const found = expected.map(([from]) => [from, ask({ from }) !== verdict.drop]);
    expect(found).toEqual(expected.map((one) => [...one]));
  });

  test("lists concern new connections of their own service only", () => {
    writeService({});
    expect(ask({})).toBe(`${a}:80`);
    const deny = [{ address: client, prefixBits: 32 }];
    const [{ service }] = balancer.planned as [(typeof balancer.planned)[0]];
    const other = forwardingService([virtual, 81], [forwardingServer(a, 81)], {
      forwarding: "masq",
    });
    balancer.write([{ ...service, deny }, other]);
    expect(ask({ flags: ack })).toBe(`${a}:80`);
    expect(ask({ fromPort: 1001 })).toBe(verdict.drop);
    expect(ask({ toPort: 81 })).toBe(`${a}:81`);
    balancer.write([service, other]);
    expect(ask({ fromPort: 1001 })).toBe(`${b}:80`);
  });

  test("a list of IPv6", () => {
    const deny = [{ address: "2001:db8:1::", prefixBits: 48 }];
    const servers = [forwardingServer("2001:db8::11", 80)];
    balancer.write([forwardingService(["2001:db8::1", 80], servers, { deny })]);
    const six = { to: "2001:db8::1" };
    expect(ask({ ...six, from: "2001:db8:1::7" })).toBe(verdict.drop);
    expect(ask({ ...six, from: "2001:db8:2::7" })).toBe("2001:db8::1:80");
  });

  test.each(["rr", "wlc", "sh", "mh"] as const)(
    "%s: a full server gets nothing more until it is at its lower threshold",
    (scheduler) => {
      const thresholds = { upperThreshold: 2, lowerThreshold: 1 };
      const servers = [a, b].map((address) => forwardingServer(address, 80, thresholds));
      balancer.write([
        forwardingService([virtual, 80], servers, { forwarding: "masq", scheduler }),
      ]);
      const chosen = [1, 2, 3, 4].map((fromPort) => ask({ fromPort }));
      expect(chosen.map(String).toSorted()).toEqual([`${a}:80`, `${a}:80`, `${b}:80`, `${b}:80`]);
      expect(ask({ fromPort: 5 })).toBe(verdict.drop);
      // One of them ends: with 1 left that server takes one more.
      ask({ fromPort: 1, flags: rst });
      expect(ask({ fromPort: 6 })).toBe(chosen[0]!);
      expect(ask({ fromPort: 7 })).toBe(verdict.drop);
    },
  );

  test("a full server is passed over by persistence, too", () => {
    const servers = [a, b].map((one) => forwardingServer(one, 80, { upperThreshold: 1 }));
    const persistence = { timeoutMs: 60_000, ipv4PrefixBits: 32, ipv6PrefixBits: 128 };
    balancer.write([
      forwardingService([virtual, 80], servers, { forwarding: "masq", persistence }),
    ]);
    const chosen = [1, 2].map((fromPort) => ask({ fromPort }));
    expect(chosen.map(String).toSorted()).toEqual([`${a}:80`, `${b}:80`]);
  });

  test("connection_limit counts those of all servers", () => {
    writeService({ connectionLimit: 3 });
    const answers = [1, 2, 3, 4].map((fromPort) => ask({ fromPort }));
    expect(answers).toEqual([`${a}:80`, `${b}:80`, `${a}:80`, verdict.drop]);
    ask({ fromPort: 2, flags: rst });
    expect(ask({ fromPort: 5 })).toBe(`${b}:80`);
    expect(ask({ fromPort: 1, flags: ack })).toBe(`${a}:80`);
    // What a walk has found counts.
    const { kernel } = balancer.program;
    const [{ id }] = balancer.planned as [(typeof balancer.planned)[0]];
    const record = encodeLoad({ count: 0, isFull: false });
    kernel.update(balancer.program.map("loads"), indexKey(serversMax + id), record);
    expect(ask({ fromPort: 6 })).not.toBe(verdict.drop);
  });

  test("the greatest limits there are refuse nobody", () => {
    const upperThreshold = 2 ** 32 - 1;
    const servers = [forwardingServer(a, 80, { upperThreshold })];
    writeService({ connectionLimit: 2 ** 32 - 1, servers });
    expect(ask({})).toBe(`${a}:80`);
  });

  test("lists, ranges and numbers are taken over by the next process", () => {
    const listen = [{ address: virtual, portFirst: 8000, portLast: 8010 }];
    const deny = [{ address: "203.0.113.0", prefixBits: 24 }];
    writeService({ listen, deny });
    const numbers = new Numbers();
    const tables = new ForwardingTables(balancer.program, numbers);
    const [{ service, id, ways }] = balancer.planned as [(typeof balancer.planned)[0]];
    const [next] = numbers.assign([{ ...service, name: "renamed" }], () => undefined);
    expect(next!.id).toBe(id);
    expect(next!.servers.map(({ index }) => index)).toEqual([...ways.keys()]);
    tables.write([{ ...next!, ways }], false);
    expect(ask({ toPort: 8010 })).toBe(`${a}:80`);
    expect(ask({ toPort: 8010, from: "203.0.113.5" })).toBe(verdict.drop);
    tables.write([], false);
    expect(ask({ toPort: 8010, fromPort: 7 })).toBe(verdict.pass);
    tables.close();
  });

  test("one-packet: each datagram is a connection of its own, and none is noted", () => {
    const servers = [a, b].map((address) => forwardingServer(address, 53));
    balancer.write([
      forwardingService([virtual, 53], servers, { protocol: "udp", onePacket: true }),
    ]);
    const udp = { protocol: "udp", toPort: 53 } as const;
    for (let turn = 0; turn < 4; turn++) expect(ask(udp)).toBe(`${virtual}:53`);
    expect(balancer.count("openings4") + balancer.count("connections4")).toBe(0);
    const counts = balancer.planned[0]!.servers.map(({ index }) => {
      const copies = new BigUint64Array(5 * balancer.program.processors);
      const map = balancer.program.map("server_counts");
      balancer.program.kernel.lookup(map, indexKey(index), new Uint8Array(copies.buffer));
      return copies.filter((_, at) => at % 5 === 0).reduce((sum, one) => sum + one, 0n);
    });
    expect(counts).toEqual([2n, 2n]);
  });

  test("a range takes its ports and no others, and a single port in it goes before", () => {
    const masq = { forwarding: "masq" } as const;
    const range = forwardingService([virtual, 0], [forwardingServer(a, 0)], {
      ...masq,
      listen: [{ address: virtual, portFirst: 8001, portLast: 8010 }],
    });
    const one = forwardingService([virtual, 8005], [forwardingServer(b, 80)], masq);
    balancer.write([range, one]);
    const found = [8000, 8001, 8005, 8010, 8011].map((toPort) => ask({ toPort }));
    expect(found).toEqual([verdict.pass, `${a}:8001`, `${b}:80`, `${a}:8010`, verdict.pass]);
    const back = ipPacket({ from: a, fromPort: 8010, to: client, toPort: 1000, flags: 18 });
    expect(describePacket(balancer.run(back).packet)).toStartWith(
      `${virtual}:8010 > ${client}:1000`,
    );
    // What such a server sends by itself is its own affair.
    const own = ipPacket({ from: a, fromPort: 5555, to: client, toPort: 443 });
    expect(balancer.run(own).result).toBe(verdict.pass);
    balancer.write([one]);
    expect(ask({ toPort: 8001, fromPort: 1001 })).toBe(verdict.pass);
  });

  test("a range in front of one port of a server: answers come from the port that was asked", () => {
    writeService({
      listen: [{ address: virtual, portFirst: 8000, portLast: 8010 }],
      servers: [forwardingServer(a, 80)],
    });
    expect(ask({ toPort: 8007 })).toBe(`${a}:80`);
    const back = ipPacket({ from: a, fromPort: 80, to: client, toPort: 1000, flags: 18 });
    expect(describePacket(balancer.run(back).packet)).toStartWith(`${virtual}:8007 >`);
  });

  test("port 0 is all ports, of one protocol", () => {
    balancer.write([forwardingService([virtual, 0], [forwardingServer(a, 0)])]);
    expect([1, 80, 65_535].map((toPort) => ask({ toPort }))).toEqual([
      `${virtual}:1`,
      `${virtual}:80`,
      `${virtual}:65535`,
    ]);
    expect(ask({ protocol: "udp" })).toBe(verdict.pass);
  });
});

describe.skipIf(needs.skip)(`flood guard ${needs.reason}`.trim(), () => {
  test("a second packet of the client makes a connection, a first one or a reset does not", () => {
    writeService({});
    const counts = (): number[] => [balancer.count("openings4"), balancer.count("connections4")];
    ask({});
    ask({});
    expect(counts()).toEqual([1, 0]);
    expect(ask({ flags: ack })).toBe(`${a}:80`);
    expect(counts()).toEqual([0, 1]);
    ask({ fromPort: 2 });
    ask({ fromPort: 2, flags: rst });
    expect(counts()).toEqual([1, 1]);
  });

  test.each(["tcp", "udp"] as const)(
    "persistence of %s: who is remembered, and when",
    (protocol) => {
      const persistence = { timeoutMs: 60_000, ipv4PrefixBits: 32, ipv6PrefixBits: 128 };
      writeService({ persistence, protocol });
      const first = ask({ protocol });
      ask({ protocol, flags: ack });
      expect(balancer.count("persistents")).toBe(1);
      for (let turn = 0; turn < 100; turn++) {
        ask({ protocol, fromPort: 1, from: `203.0.113.${turn}` });
      }
      // One datagram may be all that a client of UDP sends.
      expect(balancer.count("persistents")).toBe(protocol === "tcp" ? 1 : 101);
      expect([2, 3, 4].map((fromPort) => ask({ protocol, fromPort }))).toEqual(
        Array(3).fill(first),
      );
    },
  );

  test("an answer finds a connection that has just begun", () => {
    writeService({});
    ask({});
    const back = ipPacket({ from: a, fromPort: 80, to: client, toPort: 1000, flags: 18 });
    expect(balancer.run(back).result).toBe(verdict.send);
  });

  test("established connections outlive a flood of first packets", () => {
    writeService({});
    const held = Array.from({ length: 200 }, (_, at) => {
      const before = ask({ fromPort: 1000 + at });
      ask({ fromPort: 1000 + at, flags: ack });
      return before;
    });
    for (let turn = 0; turn < 20_000; turn++) {
      const from = `203.0.${turn >> 8}.${turn & 255}`;
      balancer.run(
        ipPacket({ from, to: virtual, fromPort: 1, toPort: 80, flags: turn & 1 ? 2 : ack }),
      );
    }
    expect(balancer.count("connections4")).toBe(200);
    const after = held.map((_, at) => ask({ fromPort: 1000 + at, flags: ack }));
    expect(after).toEqual(held);
  });
});
