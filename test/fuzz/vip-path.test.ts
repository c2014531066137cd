/**
 * Packets of any shape through the program of `vip` checks, out and in: it ends, and what it passes is
 * no worse than what came. FUZZ_RUNS=1000000 is the long form.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";

import { testBpfProgram, testMarkedPacket } from "../../ffi/bpf.ts";
import { hostBpfKernel, loadBpfCollection, vipPathObject } from "../../src/bpf/index.ts";
import { clientAddress, encodeMark, encodePath, markBase } from "../../src/vip-path/layout.ts";
import { packetFaults } from "../helpers/packet-faults.ts";
import { anyPacket, Dice } from "../helpers/packet-mutator.ts";
import { requireBpf } from "../helpers/require-bpf.ts";

const needs = requireBpf();
const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const runs = Number(process.env["FUZZ_RUNS"] ?? 20_000);
/** A run is some microseconds, on a loaded machine more. */
const testTimeoutMs = 30_000 + runs;

const methods = ["gate", "ipip", "masq"] as const;
const hosts = [
  { own: "192.0.2.3", server: "192.0.2.11", virtualAddress: "192.0.2.100" },
  { own: "2001:db8::3", server: "2001:db8::11", virtualAddress: "2001:db8::100" },
];
const paths = methods.flatMap((forwarding) => hosts.map((host) => ({ forwarding, ...host })));
const addressesOf = (six: boolean): string[] => {
  const { own, server, virtualAddress } = hosts[six ? 1 : 0]!;
  return [own, server, virtualAddress, clientAddress[six ? 6 : 4]];
};
const world = {
  addresses4: addressesOf(false),
  addresses6: addressesOf(true),
  ports: [80, 80, 40_000, 40_000, 40_001],
};

describe.skipIf(needs.skip)(`program of vip checks ${needs.reason}`.trim(), () => {
  test(
    `${runs} packets: as they were, dropped, or as sound as they came`,
    () => {
      const collection = loadBpfCollection(vipPathObject(), {
        kernel: hostBpfKernel,
        pins: undefined,
      });
      for (const [index, path] of paths.entries()) {
        const key = encodeMark(markBase + index);
        hostBpfKernel.update(collection.map("paths"), key, encodePath(path));
      }
      const dice = new Dice(seed);
      const changed = { out: 0, in: 0 };
      for (let run = 0; run < runs; run++) {
        const packet = anyPacket(dice, world);
        const way = dice.isRare(2) ? "out" : "in";
        const { result, packet: after } =
          way === "out"
            ? testMarkedPacket(
                collection.program("tc_egress"),
                packet,
                markBase + dice.roll(paths.length),
              )
            : testBpfProgram(collection.program("tc_ingress"), packet);
        if (result === 2 || Buffer.compare(after, packet) === 0) continue;
        changed[way] += 1;
        const found = { seed, run, way, packet: packet.toHex(), result, after: after.toHex() };
        if (result !== -1) throw new Error(`not passed: ${JSON.stringify(found)}`);
        const faults = packetFaults(after);
        if (faults.length > 0 && packetFaults(packet).length === 0) {
          throw new Error(`${faults.join(", ")}: ${JSON.stringify(found)}`);
        }
        if (after.length > packet.length + 40)
          throw new Error(`too long: ${JSON.stringify(found)}`);
      }
      collection.close();
      // A run that changed nothing would show nothing.
      expect(changed.out).toBeGreaterThan(runs / 200);
      expect(changed.in).toBeGreaterThan(runs / 500);
    },
    testTimeoutMs,
  );
});
