/**
 * Packets of any shape through the real balancer: it ends, and what it sends is no worse than what
 * came in. FUZZ_RUNS=1000000 is the long form.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";

import { forwardingServer, forwardingService } from "../helpers/balancer-lan.ts";
import { TestBalancer, verdict } from "../helpers/balancer-program.ts";
import { packetFaults } from "../helpers/packet-faults.ts";
import { anyPacket, Dice } from "../helpers/packet-mutator.ts";
import { requireBpf } from "../helpers/require-bpf.ts";

const needs = requireBpf();
const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const runs = Number(process.env["FUZZ_RUNS"] ?? 20_000);
/** A run is some microseconds, on a loaded machine more. */
const testTimeoutMs = 30_000 + runs;

const virtuals = {
  4: { gate: "192.0.2.1", masq: "192.0.2.2", ipip: "192.0.2.3", narrow: "192.0.2.4" },
  6: { gate: "2001:db8::1", masq: "2001:db8::2", ipip: "2001:db8::3", narrow: "2001:db8::4" },
} as const;
const reals = { 4: "192.0.2.11", 6: "2001:db8::11" } as const;
const clients = {
  4: ["198.51.100.1", "198.51.100.2", "203.0.113.9"],
  6: ["2001:db8:9::1", "2001:db8:9::2"],
} as const;

function services(protocol: "tcp" | "udp"): ReturnType<typeof forwardingService>[] {
  return ([4, 6] as const).flatMap((family) => {
    const { gate, masq, ipip, narrow } = virtuals[family];
    const [same, other] = [reals[family], reals[family === 4 ? 6 : 4]];
    const all = [{ address: ipip, portFirst: 8000, portLast: 8010 }];
    return [
      forwardingService([gate, 80], [forwardingServer(same, 80)], { protocol, scheduler: "mh" }),
      forwardingService([masq, 80], [forwardingServer(same, 8080)], {
        protocol,
        forwarding: "masq",
        deny: [{ address: "198.51.100.2", prefixBits: 32 }],
      }),
      forwardingService([masq, 81], [forwardingServer(same, 8080)], {
        protocol,
        forwarding: "masq",
        scheduler: "wlc",
      }),
      forwardingService([ipip, 80], [forwardingServer(same, 80), forwardingServer(other, 80)], {
        protocol,
        forwarding: "ipip",
        connectionLimit: 50,
      }),
      forwardingService([ipip, 8000], [forwardingServer(same, 0)], {
        protocol,
        forwarding: "masq",
        listen: all,
      }),
      forwardingService([narrow, 80], [forwardingServer(same, 80)], { protocol, mtu: 600 }),
      forwardingService([narrow, 81], [forwardingServer(same, 81)], {
        protocol,
        forwarding: "masq",
        mtu: 600,
      }),
    ];
  });
}

const world = {
  addresses4: [...Object.values(virtuals[4]), reals[4], ...clients[4], "192.0.2.200"],
  addresses6: [...Object.values(virtuals[6]), reals[6], ...clients[6], "2001:db8::200"],
  ports: [80, 80, 80, 81, 8080, 8005, 1000, 1001],
};

describe.skipIf(needs.skip)(`balancer ${needs.reason}`.trim(), () => {
  test(
    `${runs} packets: passed as they were, dropped, or sent as sound as they came`,
    () => {
      using balancer = new TestBalancer();
      balancer.write([...services("tcp"), ...services("udp")]);
      const dice = new Dice(seed);
      const seen = new Map<number, number>();
      for (let run = 0; run < runs; run++) {
        const packet = anyPacket(dice, world);
        const { result, packet: after } = balancer.run(packet);
        seen.set(result, (seen.get(result) ?? 0) + 1);
        const isPassed = result === verdict.pass && Buffer.compare(after, packet) === 0;
        if (isPassed || result === verdict.drop) continue;
        const found = { seed, run, packet: packet.toHex(), result, after: after.toHex() };
        if (result !== verdict.send) throw new Error(`not as it was: ${JSON.stringify(found)}`);
        const faults = packetFaults(after);
        if (faults.length > 0 && packetFaults(packet).length === 0) {
          throw new Error(`${faults.join(", ")}: ${JSON.stringify(found)}`);
        }
        if (after.length > packet.length + 40)
          throw new Error(`too long: ${JSON.stringify(found)}`);
      }
      // A run that only ever passed packets would show nothing.
      const { pass, drop, send } = verdict;
      for (const kind of [pass, drop, send]) expect(seen.get(kind)).toBeGreaterThan(runs / 100);
    },
    testTimeoutMs,
  );
});
