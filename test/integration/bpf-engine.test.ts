/**
 * The bpf engine on a wire: a client, a director and two real servers in namespaces.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import {
  BalancerLan,
  forwardingServer,
  forwardingService,
  virtual,
} from "../helpers/balancer-lan.ts";
import { requireBpf } from "../helpers/require-bpf.ts";
import { requireAll, requireNetns } from "../helpers/require-peer.ts";
import { waitFor } from "../helpers/wait.ts";

const needs = requireAll(requireNetns(), requireBpf());
const testTimeoutMs = 30_000;
const fromClient = "::ffff:10.99.0.1";

describe.skipIf(needs.skip)(`bpf engine ${needs.reason}`.trim(), () => {
  let lan: BalancerLan;

  beforeAll(async () => {
    lan = await BalancerLan.create();
  }, testTimeoutMs);
  afterAll(async () => {
    await lan[Symbol.asyncDispose]();
  });

  const gateUrl = `http://${virtual.gate}/`;
  const masqUrl = `http://${virtual.masq}:8080/`;
  const masq = { forwarding: "masq" } as const;

  test(
    "gate sends clients to the real servers in turn, with the client's address",
    async () => {
      expect(await lan.apply(forwardingService([virtual.gate, 80], lan.servers(80)))).toEqual([]);
      expect(await lan.get(gateUrl, 4)).toEqual([
        `r1 ${fromClient}`,
        `r1 ${fromClient}`,
        `r2 ${fromClient}`,
        `r2 ${fromClient}`,
      ]);
    },
    testTimeoutMs,
  );

  test(
    "answers of gate do not pass the director",
    async () => {
      await lan.apply(forwardingService([virtual.gate, 80], lan.servers(80)));
      const before = await lan.directorBytes();
      expect(await lan.get(`${gateUrl}big`, 1)).toEqual(["2000000"]);
      // It saw the acknowledgements of the client, twice.
      expect((await lan.directorBytes()) - before).toBeLessThan(1_000_000);
      const { packetsIn, packetsOut } = await lan.counters(`tcp-${virtual.gate}:80`);
      expect(packetsIn).toBeGreaterThan(4);
      expect(packetsOut).toBe(0);
    },
    testTimeoutMs,
  );

  test(
    "gate carries IPv6",
    async () => {
      const servers = lan.reals.map(({ address6 }) => forwardingServer(address6, 80));
      expect(await lan.apply(forwardingService([virtual.gate6, 80], servers))).toEqual([]);
      expect(await lan.get(`http://[${virtual.gate6}]/`, 2)).toEqual(["r1 fd99::1", "r2 fd99::1"]);
    },
    testTimeoutMs,
  );

  test(
    "wrr gives each its weight",
    async () => {
      const [r1, r2] = lan.reals;
      const servers = [
        forwardingServer(r1.address, 80, { weight: 3 }),
        forwardingServer(r2.address, 80),
      ];
      await lan.apply(forwardingService([virtual.gate, 80], servers, { scheduler: "wrr" }));
      const answers = await lan.get(gateUrl, 8);
      expect(answers.map((text) => text.slice(0, 2))).toEqual([
        "r1",
        "r1",
        "r1",
        "r1",
        "r1",
        "r1",
        "r2",
        "r2",
      ]);
    },
    testTimeoutMs,
  );

  test.each(["mh", "sh"] as const)(
    "%s keeps a client at one server",
    async (scheduler) => {
      await lan.apply(forwardingService([virtual.gate, 80], lan.servers(80), { scheduler }));
      const answers = await lan.get(gateUrl, 4);
      expect(new Set(answers).size).toBe(1);
      expect(answers[0]).toEndWith(fromClient);
    },
    testTimeoutMs,
  );

  test(
    "persistence keeps a client at one server, but not at one that takes nothing",
    async () => {
      const persistence = { timeoutMs: 60_000, ipv4PrefixBits: 24, ipv6PrefixBits: 64 };
      const all = forwardingService([virtual.gate, 80], lan.servers(80), { persistence });
      await lan.apply(all);
      const [first, ...others] = await lan.get(gateUrl, 4);
      expect(others).toEqual([first!, first!, first!]);
      const servers = all.servers.map((server, index) => {
        return first!.startsWith(`r${index + 1}`) ? { ...server, weight: 0 } : server;
      });
      await lan.apply({ ...all, servers });
      const [next, ...rest] = await lan.get(gateUrl, 2);
      expect(rest).toEqual([next!]);
      expect(next).not.toBe(first!);
    },
    testTimeoutMs,
  );

  test(
    "a server that is taken out gets nothing new",
    async () => {
      const [r1, r2] = lan.servers(80);
      await lan.apply(forwardingService([virtual.gate, 80], [{ ...r1!, state: "down" }, r2!]));
      expect(await lan.get(gateUrl, 2)).toEqual([`r2 ${fromClient}`, `r2 ${fromClient}`]);
      await lan.apply(forwardingService([virtual.gate, 80], [r1!]));
      expect(await lan.get(gateUrl, 2)).toEqual([`r1 ${fromClient}`, `r1 ${fromClient}`]);
    },
    testTimeoutMs,
  );

  test(
    "without a server, connections are refused and counted",
    async () => {
      const servers = lan.servers(80, { weight: 0 });
      await lan.apply(forwardingService([virtual.gate, 80], servers));
      const refusals = async (): Promise<number> =>
        (await lan.counters(`tcp-${virtual.gate}:80`)).closed["no-server"];
      const before = await refusals();
      await lan.get(gateUrl, 1);
      expect(await refusals()).toBeGreaterThan(before);
    },
    testTimeoutMs,
  );

  test.each(["gate", "masq"] as const)(
    "%s: established connections outlive weight 0, reload and kill -9",
    async (forwarding) => {
      const vip = virtual[forwarding];
      const [r1, r2] = lan.servers(7);
      const service = forwardingService([vip, 7], [r1!, r2!], { forwarding });
      await lan.apply(service);
      const held = lan.hold(vip, 4);
      const both = /^(\d+) \{"r1":2,"r2":2\}$/m;
      await held.waitForOutput(both);
      /** Two rounds from now on, of which the second was begun after the change. */
      const heardLater = async (): Promise<string> => {
        const last = Number(/(\d+) [^\n]*\n$/.exec(held.output())![1]);
        const match = await held.waitForOutput(new RegExp(`^${last + 2} (.*)$`, "m"));
        return match[1]!;
      };
      const balanced = '{"r1":2,"r2":2}';
      await lan.apply({ ...service, servers: [{ ...r1!, weight: 0 }, r2!] });
      expect(await heardLater()).toBe(balanced);
      const counters = await lan.counters(service.name);
      expect(counters.servers.map(({ active }) => active)).toEqual([2, 2]);
      await lan.killEngine();
      expect(await heardLater()).toBe(balanced);
      await lan.startEngine();
      expect(await heardLater()).toBe(balanced);
      // Named in another order: numbers go by what they stand for.
      await lan.apply({ ...service, servers: [r2!, r1!] });
      expect(await heardLater()).toBe(balanced);
      expect(await lan.call("programs", "eth0")).toBe(1);
      await lan.apply({ ...service, servers: [{ ...r1!, state: "reset" }, r2!] });
      const match = await held.waitForOutput(/^\d+ (.*closed.*|.*ECONNRESET.*)$/m);
      expect(match[1]).toContain('"r2":2');
      await held.stop();
    },
    testTimeoutMs,
  );

  test(
    "what is pinned serves new clients, too, while nobody runs",
    async () => {
      await lan.apply(forwardingService([virtual.gate, 80], lan.servers(80)));
      await lan.killEngine();
      expect(await lan.get(gateUrl, 2)).toEqual([`r1 ${fromClient}`, `r2 ${fromClient}`]);
      await lan.startEngine();
    },
    testTimeoutMs,
  );

  test(
    "wlc gives a new connection to who has fewer",
    async () => {
      const [r1, r2] = lan.servers(7);
      const service = forwardingService([virtual.masq, 7], [r1!, { ...r2!, weight: 0 }], {
        ...masq,
        scheduler: "wlc",
      });
      await lan.apply(service);
      const held = lan.hold(virtual.masq, 3);
      await held.waitForOutput(/^\d+ \{"r1":3\}$/m);
      await lan.apply({ ...service, servers: [r1!, r2!] });
      const more = lan.hold(virtual.masq, 3);
      await more.waitForOutput(/^\d+ \{"r2":3\}$/m);
      const { servers } = await lan.counters(service.name);
      expect(servers.map(({ active }) => active)).toEqual([3, 3]);
      await Promise.all([held.stop(), more.stop()]);
    },
    testTimeoutMs,
  );

  test(
    "masq translates address and port, both ways, with offloads on",
    async () => {
      const service = forwardingService([virtual.masq, 8080], lan.servers(80), masq);
      expect(await lan.apply(service)).toEqual([]);
      expect(await lan.get(masqUrl, 2)).toEqual([`r1 ${fromClient}`, `r2 ${fromClient}`]);
      expect(await lan.get(`${masqUrl}big`, 2)).toEqual(["2000000", "2000000"]);
      expect(await lan.get(`${masqUrl}upload`, 2)).toEqual(["2000000", "2000000"]);
      const { bytesIn, bytesOut } = await lan.counters(service.name);
      expect(bytesIn).toBeGreaterThan(4_000_000);
      expect(bytesOut).toBeGreaterThan(4_000_000);
      for (const host of [lan.client, ...lan.reals]) {
        const { stdout } = await host.run(["cat", "/proc/net/snmp"]);
        // InCsumErrors is the last column of Tcp.
        const rows = stdout.split("\n").filter((line) => line.startsWith("Tcp:"));
        expect(rows[0]).toEndWith("InCsumErrors");
        expect(rows[1]).toEndWith(" 0");
      }
    },
    testTimeoutMs,
  );

  test(
    "two services of masq may have the same real servers",
    async () => {
      await lan.apply(
        forwardingService([virtual.masq, 8080], lan.servers(80), masq),
        forwardingService([virtual.masq2, 8081], lan.servers(80), masq),
      );
      const other = `http://${virtual.masq2}:8081/`;
      expect(await lan.get(masqUrl, 2)).toEqual([`r1 ${fromClient}`, `r2 ${fromClient}`]);
      expect(await lan.get(other, 2)).toEqual([`r1 ${fromClient}`, `r2 ${fromClient}`]);
    },
    testTimeoutMs,
  );

  test(
    "the director reaches real servers of masq itself",
    async () => {
      await lan.apply(forwardingService([virtual.masq, 8080], lan.servers(80), masq));
      const [r1] = lan.reals;
      const answers = await lan.getFromDirector(`http://${r1.address}/`);
      expect(answers).toEqual([`r1 ::ffff:${lan.director.address}`]);
    },
    testTimeoutMs,
  );

  test.each(["gate", "masq"] as const)(
    "%s carries datagrams, in fragments too",
    async (forwarding) => {
      const vip = virtual[forwarding];
      const rest = { forwarding, protocol: "udp" } as const;
      await lan.apply(forwardingService([vip, 7], lan.servers(7), rest));
      const answers = await lan.echo(vip, 7, 0, 1000, 5000, 20_000);
      expect(answers.map((text) => text.slice(3))).toEqual(["0", "1000", "5000", "20000"]);
      expect(answers.map((text) => text.slice(0, 2)).toSorted()).toEqual(["r1", "r1", "r2", "r2"]);
    },
    testTimeoutMs,
  );

  test(
    "masq tells the client that a port is closed",
    async () => {
      const rest = { ...masq, protocol: "udp" } as const;
      await lan.apply(forwardingService([virtual.masq, 9], lan.servers(9), rest));
      expect(await lan.echo(virtual.masq, 9, 10)).toEqual(["ECONNREFUSED"]);
    },
    testTimeoutMs,
  );

  test(
    "a fenced address is balanced while its lease runs, and only then",
    async () => {
      const service = forwardingService([virtual.masq, 8080], lan.servers(80), masq);
      await lan.apply(service);
      await lan.call("lease", virtual.masq, 0);
      // The engine looks at what is fenced with each state that it writes, once a second at least.
      await lan.apply(service);
      const [refused] = await lan.get(masqUrl, 1);
      expect(refused).toContain("ECONNREFUSED");
      await lan.call("lease", virtual.masq, 3_600_000);
      expect(await lan.get(masqUrl, 2)).toEqual([`r1 ${fromClient}`, `r2 ${fromClient}`]);
      await lan.call("unfence");
      await lan.apply(service);
      expect(await lan.get(masqUrl, 2)).toEqual([`r1 ${fromClient}`, `r2 ${fromClient}`]);
    },
    testTimeoutMs,
  );

  test(
    "connections() lists what is live",
    async () => {
      await lan.apply(forwardingService([virtual.masq, 7], lan.servers(7), masq));
      const held = lan.hold(virtual.masq, 2);
      await held.waitForOutput(/"r2":1/);
      const list = (await lan.call("connections", 100)) as Record<string, unknown>[];
      await held.stop();
      const servers = list
        .filter(({ state }) => state === "ESTABLISHED")
        .map((one) => one["server"]);
      expect(servers).toContainEqual({ address: lan.reals[0].address, port: 7 });
      expect(list[0]).toMatchObject({
        service: `tcp-${virtual.masq}:7`,
        protocol: "tcp",
        virtual: { address: virtual.masq, port: 7 },
      });
      expect(await lan.call("connections", 1)).toHaveLength(1);
    },
    testTimeoutMs,
  );

  test(
    "a server without a route is a problem, and the others serve",
    async () => {
      const servers = [...lan.servers(80), forwardingServer("192.0.2.1", 80)];
      const problems = await lan.apply(forwardingService([virtual.gate, 80], servers));
      expect(problems).toEqual([
        {
          service: `tcp-${virtual.gate}:80`,
          code: "BPF_SERVER_UNREACHABLE",
          message: "192.0.2.1:80: this host has no route to it",
        },
      ]);
      expect(await lan.get(gateUrl, 2)).toEqual([`r1 ${fromClient}`, `r2 ${fromClient}`]);
    },
    testTimeoutMs,
  );

  test(
    "a clean stop leaves nothing",
    async () => {
      await lan.apply(forwardingService([virtual.gate, 80], lan.servers(80)));
      expect(await lan.call("programs", "eth0")).toBe(1);
      await lan.call("close", 0);
      try {
        expect(await lan.call("pins")).toEqual([]);
        // The kernel lets go of a link a moment after its pin is gone.
        const isOff = async (): Promise<boolean> => (await lan.call("programs", "eth0")) === 0;
        await waitFor(isOff, { what: "an interface without the program" });
      } finally {
        await lan.killEngine();
        await lan.startEngine();
      }
    },
    testTimeoutMs,
  );
});
