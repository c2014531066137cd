/**
 * Time that the balancer's program takes for one packet, and memory of one connection.
 *
 * Goal (product, "numbers to reach"): at most 120 ns a packet with 1,000 flows. BPF_PROG_TEST_RUN,
 * no network: 200 runs of one packet a call, flows in turn, median of all calls. For the curve each
 * call runs one packet of another flow, so its entry, and much of the program, is in no cache.
 *
 * @module
 */
import { readFileSync } from "node:fs";

import { indexKey } from "../../src/datapath/bpf/layout.ts";
import { parseAddress } from "../../src/net/address.ts";
import { forwardingServer, forwardingService } from "../../test/helpers/balancer-lan.ts";
import { TestBalancer } from "../../test/helpers/balancer-program.ts";
import { etherBytes, ipPacket } from "../../test/helpers/ip-packet.ts";
import { figure, formatTable, median } from "../harness/statistics.ts";

const virtual = "192.0.2.1";
const virtual6 = "2001:db8::1";
const instance = 4;
const syn = 2;
const ack = 16;
/** TTLs of one packet in one call: it has one less with each run. */
const repeats = 200;
const flowsBase = 1000;
const flowsCurve = [1000, 10_000, 100_000, 1_000_000];

/** What {@link benchPacket} is told. */
export interface PacketBenchOptions {
  /** Calls for one figure. */
  readonly calls: number;
}

/** A packet of the flow with a number; its checksum of TCP is that of another. */
function setFlow(packet: Uint8Array, flow: number): void {
  const isSix = packet[12] === 0x86;
  const source = etherBytes + (isSix ? 8 + 12 : 12);
  const view = new DataView(packet.buffer, packet.byteOffset);
  view.setUint32(source, 0xc612_0000 + (flow >> 15));
  view.setUint16(etherBytes + (isSix ? 40 : 20), 1024 + (flow & 0x7fff));
}

function packetTo(to: string, flags: number): Uint8Array<ArrayBuffer> {
  const from = to.includes(":") ? "2001:db8:9::1" : "198.18.0.1";
  return ipPacket({ from, to, fromPort: 1024, toPort: 80, flags, ttl: 255 });
}

/** Makes `flows` established connections. */
function establish(balancer: TestBalancer, to: string, flows: number): void {
  const packets = [syn, ack].map((flags) => packetTo(to, flags));
  for (let flow = 0; flow < flows; flow++) {
    // One after the other: first packets have a small table of their own.
    for (const packet of packets) {
      setFlow(packet, flow);
      balancer.run(packet);
    }
  }
}

/** Median time of a packet, ns. */
function measure(
  balancer: TestBalancer,
  to: string,
  { flows, calls, repeat }: { flows: number; calls: number; repeat: number },
): number {
  const packet = packetTo(to, ack);
  const times: number[] = [];
  for (let call = -calls / 10; call < calls; call++) {
    // A prime that shares nothing with any number of flows here.
    setFlow(packet, ((call + calls) * 7919) % flows);
    const { durationNs } = balancer.run(packet, repeat);
    if (call >= 0) times.push(durationNs);
  }
  return median(times);
}

function write(balancer: TestBalancer, forwarding: "gate" | "ipip"): void {
  balancer.write(
    [
      [virtual, "192.0.2.11", "192.0.2.12"],
      [virtual6, "2001:db8::11", "2001:db8::12"],
    ].map(([address, ...servers]) =>
      forwardingService(
        [address!, 80],
        servers.map((one) => forwardingServer(one, 80)),
        { forwarding },
      ),
    ),
  );
}

/** Puts the IPv4 address under a lease that does not end. */
function lease({ program }: TestBalancer): void {
  const record = new DataView(new ArrayBuffer(32));
  record.setBigUint64(0, 2n ** 63n, true);
  program.kernel.update(program.map("leases"), indexKey(instance), new Uint8Array(record.buffer));
  program.kernel.update(program.map("addresses4"), parseAddress(virtual)!, indexKey(instance));
}

/** Bytes of a map as the kernel counts them. */
function mapBytes({ program }: TestBalancer, name: string): number {
  const text = readFileSync(`/proc/self/fdinfo/${program.map(name)}`, "utf8");
  return Number(/^memlock:\s*(\d+)/m.exec(text)?.[1] ?? Number.NaN);
}

function memoryRows(balancer: TestBalancer, connectionsMax: number): string[][] {
  const tables = [
    ["connections4", 1],
    ["connections6", 4],
    ["openings4", 4],
    ["openings6", 16],
    ["persistents", 4],
    ["replies", 4],
  ] as const;
  return tables.map(([name, share]) => {
    const bytes = mapBytes(balancer, name);
    const entries = connectionsMax / share;
    return [name, String(entries), figure(bytes / 1e6, 1), figure(bytes / entries, 0)];
  });
}

/** Measures, and gives tables. */
export function benchPacket({ calls }: PacketBenchOptions): string {
  const rows: string[][] = [["packet", "ns"]];
  {
    using balancer = new TestBalancer(4 * flowsBase);
    write(balancer, "gate");
    establish(balancer, virtual, flowsBase);
    establish(balancer, virtual6, flowsBase);
    const base = { flows: flowsBase, calls, repeat: repeats };
    const add = (name: string, to: string): void => {
      rows.push([name, figure(measure(balancer, to, base), 0)]);
    };
    add("gate, 1,000 flows", virtual);
    add("gate of IPv6, 1,000 flows", virtual6);
    add("of nobody's", "192.0.2.99");
    lease(balancer);
    write(balancer, "gate");
    add("gate, 1,000 flows, with a lease", virtual);
  }
  const curve: string[][] = [["flows", "ns"]];
  let memory: string[][] = [];
  for (const flows of flowsCurve) {
    // Twice the room: the kernel gives processors parts of it.
    const connectionsMax = 2 * flows;
    using balancer = new TestBalancer(connectionsMax);
    write(balancer, "gate");
    establish(balancer, virtual, flows);
    curve.push([String(flows), figure(measure(balancer, virtual, { flows, calls, repeat: 1 }), 0)]);
    memory = memoryRows(balancer, connectionsMax);
  }
  const memoryHead = ["table", "entries", "MB", "bytes an entry"];
  return [rows, curve, [memoryHead, ...memory]].map(formatTable).join("\n\n");
}
