/**
 * Single packets through the real program of `vip` checks.
 *
 * @module
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";

import { testBpfProgram, testMarkedPacket } from "../../../ffi/bpf.ts";
import { hostBpfKernel, loadBpfCollection, vipPathObject } from "../../../src/bpf/index.ts";
import type { BpfCollection } from "../../../src/bpf/index.ts";
import { encodeMark, encodePath, markBase } from "../../../src/vip-path/layout.ts";
import type { PathRecord } from "../../../src/vip-path/layout.ts";
import { etherBytes, ipPacket } from "../../helpers/ip-packet.ts";
import type { PacketWish } from "../../helpers/ip-packet.ts";
import { packetFaults } from "../../helpers/packet-faults.ts";
import { requireBpf } from "../../helpers/require-bpf.ts";

const needs = requireBpf();
const mark = markBase + 7;
const pass = -1;
const drop = 2;
const families = [
  { own: "192.0.2.3", server: "192.0.2.11", virtual: "192.0.2.100", dummy: "192.0.0.8", head: 20 },
  {
    own: "2001:db8::3",
    server: "2001:db8::11",
    virtual: "2001:db8::100",
    dummy: "100::a",
    head: 40,
  },
] as const;

describe.skipIf(needs.skip)(`program of vip checks ${needs.reason}`.trim(), () => {
  let collection: BpfCollection;

  beforeAll(() => {
    collection = loadBpfCollection(vipPathObject(), { kernel: hostBpfKernel, pins: undefined });
  });
  beforeEach(() => {
    hostBpfKernel.remove(collection.map("paths"), encodeMark(mark));
  });
  afterAll(() => collection?.close());

  function open(record: PathRecord): void {
    hostBpfKernel.update(collection.map("paths"), encodeMark(mark), encodePath(record));
  }

  function send(wish: PacketWish, packetMark: number = mark): Uint8Array {
    const run = testMarkedPacket(collection.program("tc_egress"), ipPacket(wish), packetMark);
    expect(run.result).toBe(pass);
    expect(packetFaults(run.packet)).toEqual([]);
    return run.packet;
  }

  function receive(wish: PacketWish): Uint8Array {
    const run = testBpfProgram(collection.program("tc_ingress"), ipPacket(wish));
    expect(run.result).toBe(pass);
    return run.packet;
  }

  describe.each(families)("of $own", ({ own, server, virtual, dummy, head }) => {
    const question = { from: own, to: server, fromPort: 40_000, toPort: 80 };

    test("gate: to the virtual address, and the answer from the real server", () => {
      open({ forwarding: "gate", server, virtualAddress: virtual });
      expect(send(question)).toEqual(ipPacket({ ...question, to: virtual }));
      const answer = { from: virtual, to: own, fromPort: 80, toPort: 40_000, flags: 0x12 };
      expect(receive(answer)).toEqual(ipPacket({ ...answer, from: server }));
    });

    test("masq: from the address that stands for a client's, and the answer to the own one", () => {
      open({ forwarding: "masq", server, virtualAddress: server });
      expect(send(question)).toEqual(ipPacket({ ...question, from: dummy }));
      const answer = { from: server, to: dummy, fromPort: 80, toPort: 40_000, flags: 0x12 };
      expect(receive(answer)).toEqual(ipPacket({ ...answer, to: own }));
    });

    test("ipip: what gate would send, within a tunnel to the real server", () => {
      open({ forwarding: "ipip", server, virtualAddress: virtual });
      const packet = send(question);
      const inner = ipPacket({ ...question, to: virtual });
      expect(packet.subarray(etherBytes + head)).toEqual(inner.subarray(etherBytes));
      const outer = ipPacket({ ...question });
      const addresses = head === 20 ? [12, 20] : [8, 40];
      const at = addresses.map((offset) => etherBytes + offset) as [number, number];
      expect(packet.subarray(...at)).toEqual(outer.subarray(...at));
    });

    test.each([
      ["without the mark", 0, {}],
      ["with the mark of no path", mark + 1, {}],
      ["with another's mark", 0x4160_0007, {}],
      ["to another address", mark, { to: virtual }],
      ["of UDP", mark, { protocol: "udp" }],
    ] as const)("a packet %s stays as it is", (_, packetMark, changes) => {
      open({ forwarding: "gate", server, virtualAddress: virtual });
      const wish = { ...question, ...changes };
      expect(send(wish, packetMark)).toEqual(ipPacket(wish));
    });

    test("the address of another port, host or ended check answers for itself", () => {
      open({ forwarding: "gate", server, virtualAddress: virtual });
      send(question);
      const answer = { from: virtual, to: own, fromPort: 80, toPort: 40_000, flags: 0x12 };
      for (const changes of [{ toPort: 40_001 }, { fromPort: 81 }, { to: server }]) {
        expect(receive({ ...answer, ...changes })).toEqual(ipPacket({ ...answer, ...changes }));
      }
      hostBpfKernel.remove(collection.map("paths"), encodeMark(mark));
      expect(receive(answer)).toEqual(ipPacket(answer));
    });
  });

  test("a packet that is cut off stays as it is, or goes nowhere", () => {
    const [{ own, server, virtual }] = families;
    open({ forwarding: "ipip", server, virtualAddress: virtual });
    const whole = ipPacket({ from: own, to: server, fromPort: 40_000, toPort: 80 });
    const portsEnd = etherBytes + 24;
    const checksumEnd = etherBytes + 38;
    for (let bytes = etherBytes + 20; bytes < checksumEnd; bytes++) {
      const part = whole.slice(0, bytes);
      const { result, packet } = testMarkedPacket(collection.program("tc_egress"), part, mark);
      expect(result).toBe(bytes < portsEnd ? pass : drop);
      if (result === pass) expect(packet).toEqual(part);
    }
  });
});
