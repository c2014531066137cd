/**
 * Single packets through the fence's program at ingress and egress while an address is handed over:
 * what the director that drains lets through, and what the new owner sends on. Sockets are those of
 * this process, on loopback; nothing is sent.
 *
 * @module
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";

import { testBpfProgram } from "../../ffi/bpf.ts";
import { monotonicMs } from "../../ffi/clock.ts";
import {
  fenceObject,
  hostBpfKernel,
  loadBpfCollection,
  possibleProcessors,
} from "../../src/bpf/index.ts";
import type { BpfCollection } from "../../src/bpf/index.ts";
import { BpfFence, leaseFlagForward } from "../../src/fence/index.ts";
import type { LeaseTable } from "../../src/fence/index.ts";
import { parseAddress } from "../../src/net/address.ts";
import {
  encodeArpCheck,
  encodeGratuitousArp,
  encodeNeighbourAdvertisement,
  encodeNeighbourCheck,
} from "../../src/net/announcement.ts";
import { describePacket, ipPacket } from "../helpers/ip-packet.ts";
import type { PacketWish } from "../helpers/ip-packet.ts";
import { packetFaults } from "../helpers/packet-faults.ts";
import { createBpfFolder, requireBpf } from "../helpers/require-bpf.ts";
import type { BpfFolder } from "../helpers/require-bpf.ts";
import { waitFor } from "../helpers/wait.ts";

const needs = requireBpf();
const instance = 3;
const other = "127.0.0.1";
const addresses = { 4: "127.0.0.1", 6: "::1" } as const;
const clients = { 4: "198.51.100.9", 6: "2001:db8::9" } as const;
const neighbours = { 4: "192.0.2.2", 6: "fe80::2" } as const;
/** The device of a packet that is only tried. */
const loopback = 1;
const pass = -1;
const drop = 2;
const sent = 7;
const flag = { fin: 1, syn: 2, rst: 4, ack: 16 } as const;
const mac = Uint8Array.of(2, 0, 0, 0, 0, 1);

function nsFromNow(ms: number): bigint {
  return BigInt(Math.round((monotonicMs() + ms) * 1e6));
}

describe.skipIf(needs.skip)(`the fence's program in a handover ${needs.reason}`.trim(), () => {
  let folder: BpfFolder;
  let fence: BpfFence;
  let programs: BpfCollection;
  let leases: LeaseTable;
  let listeners: { readonly 4: Bun.TCPSocketListener; readonly 6: Bun.TCPSocketListener };

  function run(name: "tc_ingress" | "tc_egress", packet: Uint8Array) {
    return testBpfProgram(programs.program(name), packet);
  }

  /** What the listeners have accepted. */
  const served: Bun.Socket[] = [];

  /** A packet of a client's connection to a port of the address. */
  function packetOf(family: 4 | 6, flags: number, wish: Partial<PacketWish> = {}): Uint8Array {
    const [from, to] = [clients[family], addresses[family]];
    const toPort = listeners[family].port;
    return ipPacket({ from, to, fromPort: 40_000, toPort, flags, ...wish });
  }

  beforeAll(() => {
    folder = createBpfFolder();
    const processors = possibleProcessors();
    fence = new BpfFence({ kernel: hostBpfKernel, pins: folder.path, processors });
    programs = loadBpfCollection(fenceObject(), { kernel: hostBpfKernel, pins: folder.path });
    leases = fence.openLeases();
    const socket = { data: () => undefined, open: (one: Bun.Socket) => void served.push(one) };
    listeners = {
      4: Bun.listen({ hostname: addresses[4], port: 0, socket }),
      6: Bun.listen({ hostname: addresses[6], port: 0, socket }),
    };
  });
  afterAll(() => {
    listeners[4].stop(true);
    listeners[6].stop(true);
    leases.unmap();
    programs.close();
    fence.remove();
    folder[Symbol.dispose]();
  });
  beforeEach(() => {
    fence.setAddresses(
      new Map([
        [addresses[4], instance],
        [addresses[6], instance],
      ]),
    );
    leases.close(instance);
    leases.open(instance, leases.closings(instance));
    leases.renew(instance, nsFromNow(60_000));
    leases.setFlag(instance, leaseFlagForward, false);
  });
  afterEach(() => fence.setAddresses(new Map()));

  describe("of the director that drains", () => {
    beforeEach(() => leases.drain(instance, nsFromNow(60_000), nsFromNow(0)));

    test.each([4, 6] as const)("IPv%d to and from the address passes", (family) => {
      const incoming = packetOf(family, flag.syn);
      const outgoing = ipPacket({
        from: addresses[family],
        to: clients[family],
        fromPort: 80,
        toPort: 40_000,
      });
      expect(run("tc_ingress", incoming).result).toBe(pass);
      expect(run("tc_egress", outgoing).result).toBe(pass);
    });

    test("no question for it comes in, no answer and no announcement goes out", () => {
      const [four, six] = [parseAddress(addresses[4])!, parseAddress(addresses[6])!];
      expect(run("tc_ingress", encodeArpCheck(mac, four)).result).toBe(drop);
      expect(run("tc_ingress", encodeNeighbourCheck(mac, six)).result).toBe(drop);
      expect(run("tc_egress", encodeGratuitousArp(mac, four, "reply")).result).toBe(drop);
      expect(run("tc_egress", encodeGratuitousArp(mac, four, "request")).result).toBe(drop);
      expect(run("tc_egress", encodeNeighbourAdvertisement(mac, six, true)).result).toBe(drop);
    });

    test("claims of the new owner come in", () => {
      const four = parseAddress(addresses[4])!;
      expect(run("tc_ingress", encodeGratuitousArp(mac, four, "request")).result).toBe(pass);
    });

    test("the guard's word ends it", () => {
      leases.close(instance);
      expect(run("tc_ingress", packetOf(4, flag.ack)).result).toBe(drop);
    });

    test("it ends by itself", () => {
      leases.open(instance, leases.closings(instance));
      leases.renew(instance, nsFromNow(60_000));
      leases.drain(instance, nsFromNow(-1), nsFromNow(-2));
      expect(run("tc_ingress", packetOf(4, flag.ack)).result).toBe(drop);
    });
  });

  describe("of the new owner", () => {
    beforeEach(() => {
      const address = parseAddress(neighbours[4])!;
      fence.setHandover(instance, { device: loopback, address }, nsFromNow(60_000));
      leases.setFlag(instance, leaseFlagForward, true);
    });

    test.each([
      ["data", flag.ack],
      ["an end", flag.fin | flag.ack],
      ["a reset", flag.rst],
    ])("%s of a connection that it does not have is sent on, a hop less", (_name, flags) => {
      const { result, packet } = run("tc_ingress", packetOf(4, flags, { payloadBytes: 10 }));
      expect(result).toBe(sent);
      const { port } = listeners[4];
      expect(describePacket(packet)).toBe(`198.51.100.9:40000 > 127.0.0.1:${port} ttl 63`);
      expect(packetFaults(packet)).toEqual([]);
    });

    test("also of IPv6, and behind IPv4 options", () => {
      expect(run("tc_ingress", packetOf(4, flag.ack, { optionBytes: 8 })).result).toBe(sent);
      const address = parseAddress(neighbours[6])!;
      fence.setHandover(instance, { device: loopback, address }, nsFromNow(60_000));
      const { result, packet } = run("tc_ingress", packetOf(6, flag.ack));
      expect([result, packet[14 + 7]]).toEqual([sent, 63]);
      // The address of the other one is of another family: there is no way.
      expect(run("tc_ingress", packetOf(4, flag.ack)).result).toBe(pass);
    });

    test.each([
      ["a new connection", () => packetOf(4, flag.syn)],
      ["a port that nobody listens at", () => packetOf(4, flag.ack, { toPort: 9 })],
      ["UDP", () => packetOf(4, 0, { protocol: "udp" })],
      ["a fragment", () => packetOf(4, flag.ack, { fragment: 0x2000 })],
      ["another address", () => packetOf(4, flag.ack, { to: "127.0.0.7" })],
    ])("%s stays here", (_name, packet) => {
      expect(run("tc_ingress", packet()).result).toBe(pass);
    });

    test("a connection of its own stays here", async () => {
      const { port } = listeners[4];
      const socket = { data: () => undefined };
      const connected = await Bun.connect({ hostname: other, port, socket });
      const packet = packetOf(4, flag.ack, { from: other, fromPort: connected.localPort });
      expect(run("tc_ingress", packet).result).toBe(pass);
      connected.terminate();
    });

    test("what is left of a closed connection is none: the client has used its port again", async () => {
      const { port } = listeners[4];
      let close = (): void => undefined;
      const closed = new Promise<void>((resolve) => (close = resolve));
      const socket = { data: () => undefined, close };
      const connected = await Bun.connect({ hostname: other, port, socket });
      const fromPort = connected.localPort;
      // Whoever closes first waits (TIME_WAIT): the listener's side here.
      served.at(-1)!.end();
      await closed;
      const packet = packetOf(4, flag.ack, { from: other, fromPort });
      await waitFor(() => run("tc_ingress", packet).result === sent, { what: "TIME_WAIT" });
    });

    test("what has no hop left goes nowhere: two that name each other end", () => {
      expect(run("tc_ingress", packetOf(4, flag.ack, { ttl: 1 })).result).toBe(drop);
    });

    test("it ends by itself, by its flag, and with the lease", () => {
      const packet = packetOf(4, flag.ack);
      leases.setFlag(instance, leaseFlagForward, false);
      expect(run("tc_ingress", packet).result).toBe(pass);
      leases.setFlag(instance, leaseFlagForward, true);
      leases.end(instance);
      expect(run("tc_ingress", packet).result).toBe(drop);
      leases.renew(instance, nsFromNow(60_000));
      expect(run("tc_ingress", packet).result).toBe(sent);
      const address = parseAddress(neighbours[4])!;
      fence.setHandover(instance, { device: loopback, address }, nsFromNow(-1));
      expect(run("tc_ingress", packet).result).toBe(pass);
    });

    test("counters() tells how many were sent on", () => {
      const { forwarded } = fence.counters();
      run("tc_ingress", packetOf(4, flag.ack));
      expect(fence.counters().forwarded).toBe(forwarded + 1);
    });
  });
});
