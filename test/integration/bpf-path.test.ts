/**
 * The bpf engine on a wire where packets get larger, or ways narrower: tunnels, MTU; and who gets a
 * connection at all.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import type { ForwardingService } from "../../src/model/index.ts";
import {
  BalancerLan,
  forwardingServer,
  forwardingService,
  virtual,
} from "../helpers/balancer-lan.ts";
import { requireBpf } from "../helpers/require-bpf.ts";
import { requireAll, requireNetns } from "../helpers/require-peer.ts";

const needs = requireAll(requireNetns(), requireBpf());
const testTimeoutMs = 60_000;
const fromClient = "::ffff:10.99.0.1";

describe.skipIf(needs.skip)(`bpf engine, ways ${needs.reason}`.trim(), () => {
  let lan: BalancerLan;

  beforeAll(async () => {
    lan = await BalancerLan.create();
    await lan.decapsulate();
  }, testTimeoutMs);
  afterAll(async () => {
    await lan[Symbol.asyncDispose]();
  });

  const gateUrl = `http://${virtual.gate}/`;
  const sixUrl = `http://[${virtual.gate6}]/`;
  const ipip = { forwarding: "ipip" } as const;

  async function drops(reason: string): Promise<number> {
    return ((await lan.call("drops")) as Readonly<Record<string, number>>)[reason]!;
  }

  test.each([
    ["IPv4 within IPv4", virtual.gate, gateUrl, "address", fromClient],
    ["IPv6 within IPv6", virtual.gate6, sixUrl, "address6", "fd99::1"],
    ["IPv4 within IPv6", virtual.gate, gateUrl, "address6", fromClient],
    ["IPv6 within IPv4", virtual.gate6, sixUrl, "address", "fd99::1"],
  ] as const)(
    "ipip: %s, small and large, both ways",
    async (_, vip, url, address, from) => {
      const servers = lan.reals.map((real) => forwardingServer(real[address], 80));
      const service = forwardingService([vip, 80], servers, ipip);
      expect(await lan.apply(service)).toEqual([]);
      expect(await lan.get(url, 2)).toEqual([`r1 ${from}`, `r2 ${from}`]);
      expect(await lan.get(`${url}big`, 2)).toEqual(["2000000", "2000000"]);
      // The client's packets fill its link: they become smaller, or it hears that they must.
      expect(await lan.get(`${url}upload`, 2)).toEqual(["2000000", "2000000"]);
      const { bytesIn, bytesOut } = await lan.counters(service.name);
      expect(bytesIn).toBeGreaterThan(4_000_000);
      expect(bytesOut).toBe(0);
    },
    testTimeoutMs,
  );

  test(
    "ipip: a datagram that fills the client's link gets through once the client has heard",
    async () => {
      const rest = { ...ipip, protocol: "udp" } as const;
      await lan.apply(forwardingService([virtual.gate, 7], lan.servers(7), rest));
      await lan.client.run(["ip", "route", "flush", "cache"]);
      const before = await drops("too-big");
      // The first one is sent as a whole, and is lost; the next ones go in fragments.
      const answers = await lan.echo(virtual.gate, 7, 100, 1472, 1472, 1472);
      expect(answers.map((text) => text.slice(-4))).toEqual([
        " 100",
        expect.any(String),
        "1472",
        "1472",
      ]);
      expect(await drops("too-big")).toBeGreaterThan(before);
    },
    testTimeoutMs,
  );

  test.each(["gate", "masq"] as const)(
    "%s: uploads fit a link to the real server that is narrower than the client's",
    async (forwarding) => {
      const vip = virtual[forwarding];
      const service = forwardingService([vip, 80], lan.servers(80), { forwarding });
      const before = await drops("too-big");
      for (const { address } of lan.reals) {
        await lan.director.run([
          "ip",
          "route",
          "add",
          `${address}/32`,
          "dev",
          "eth0",
          "mtu",
          "1200",
        ]);
      }
      try {
        expect(await lan.apply(service)).toEqual([]);
        expect(await lan.get(`http://${vip}/upload`, 2)).toEqual(["2000000", "2000000"]);
        expect(await drops("too-big")).toBeGreaterThan(before);
      } finally {
        for (const { address } of lan.reals) {
          await lan.director.run(["ip", "route", "del", `${address}/32`, "dev", "eth0"]);
        }
        await lan.client.run(["ip", "route", "flush", "cache"]);
      }
    },
    testTimeoutMs,
  );

  test(
    "masq: IPv6 is translated, both ways, with offloads on",
    async () => {
      const servers = lan.reals.map(({ address6 }) => forwardingServer(address6, 80));
      const service = forwardingService([virtual.masq6, 8080], servers, { forwarding: "masq" });
      expect(await lan.apply(service)).toEqual([]);
      const url = `http://[${virtual.masq6}]:8080/`;
      expect(await lan.get(url, 2)).toEqual(["r1 fd99::1", "r2 fd99::1"]);
      expect(await lan.get(`${url}big`, 2)).toEqual(["2000000", "2000000"]);
      expect(await lan.get(`${url}upload`, 2)).toEqual(["2000000", "2000000"]);
    },
    testTimeoutMs,
  );

  test(
    "a list keeps a client out, and it is counted",
    async () => {
      const service: ForwardingService = forwardingService([virtual.gate, 80], lan.servers(80), {
        deny: [{ address: lan.client.address, prefixBits: 32 }],
      });
      await lan.apply(service);
      const [answer] = await lan.get(gateUrl, 1);
      expect(answer).toContain("TimeoutError");
      expect((await lan.counters(service.name)).closed.denied).toBeGreaterThan(0);
      await lan.apply({ ...service, deny: [] });
      expect(await lan.get(gateUrl, 2)).toEqual([`r1 ${fromClient}`, `r2 ${fromClient}`]);
    },
    testTimeoutMs,
  );

  test(
    "all ports of a persistent service lead to one server",
    async () => {
      const persistence = { timeoutMs: 60_000, ipv4PrefixBits: 32, ipv6PrefixBits: 128 };
      await lan.apply(forwardingService([virtual.gate, 0], lan.servers(0), { persistence }));
      const [first, ...others] = await lan.get(gateUrl, 3);
      expect(others).toEqual([first!, first!]);
      const held = lan.hold(virtual.gate, 1);
      await held.waitForOutput(new RegExp(`"${first!.slice(0, 2)}":1`));
      await held.stop();
    },
    testTimeoutMs,
  );

  test(
    "masq: a real server hears of a link to the client that is narrower than its own",
    async () => {
      await lan.addNarrowWay(1300);
      const rest = { forwarding: "masq", protocol: "udp" } as const;
      await lan.apply(forwardingService([virtual.masq, 7], lan.servers(7), rest));
      const before = await drops("too-big");
      const small = await lan.echo(virtual.masq, 7, 100, 100);
      expect(small.toSorted()).toEqual(["r1 100", "r2 100"]);
      // An answer of this size is lost, but the server knows then.
      expect(await lan.echo(virtual.masq, 7, 1400, 1400)).toEqual(["nothing", "nothing"]);
      for (const real of lan.reals) {
        const way = ["ip", "route", "get", "10.98.0.1", "from", real.address];
        expect((await real.run(way)).stdout).toContain("mtu 1300");
      }
      expect(await drops("too-big")).toBeGreaterThan(before);
    },
    testTimeoutMs,
  );
});
