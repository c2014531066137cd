import { describe, expect, test } from "bun:test";

import { PortionReader, PortionWriter } from "../../../../src/datapath/bpf/connection-codec.ts";
import { CopyIndex } from "../../../../src/datapath/bpf/copy-index.ts";
import { encodeEndpoint } from "../../../../src/datapath/bpf/layout.ts";
import { Numbers } from "../../../../src/datapath/bpf/numbers.ts";
import type { PlannedService } from "../../../../src/datapath/bpf/server-records.ts";
import type { ForwardingService } from "../../../../src/model/index.ts";
import { parseAddress } from "../../../../src/net/address.ts";
import { forwardingServer, forwardingService } from "../../../helpers/balancer-lan.ts";

function planned(...services: readonly ForwardingService[]): PlannedService[] {
  return new Numbers()
    .assign(services, () => undefined)
    .map((one) => ({ ...one, ways: new Map() }));
}

const web = forwardingService(
  ["192.0.2.2", 80],
  [
    forwardingServer("192.0.2.11", 8080),
    forwardingServer("192.0.2.12", 8080),
    forwardingServer("192.0.2.12", 8080, { role: "fallback" }),
  ],
);
const names = forwardingService(["192.0.2.2", 80], [forwardingServer("192.0.2.13", 53)], {
  protocol: "udp",
  name: "names",
});
const six = forwardingService(["2001:db8::1", 80], [forwardingServer("2001:db8::11", 80)]);
const range = {
  ...forwardingService(["192.0.2.3", 0], [forwardingServer("192.0.2.11", 0)], { name: "range" }),
  listen: [{ address: "192.0.2.3", portFirst: 1000, portLast: 2000 }],
};

interface Flow {
  readonly virtual: readonly [address: string, port: number];
  readonly server: readonly [address: string, port: number];
  readonly protocol?: "tcp" | "udp";
  readonly isFallback?: boolean;
}

/** Where a record with this flow leads: service and number of its server. */
function find(index: CopyIndex, { virtual, server, protocol, isFallback = false }: Flow) {
  const to = parseAddress(virtual[0])!;
  const width = to.length === 4 ? 4 : 16;
  // The key of an endpoint has its port in network order, and the number of its protocol.
  const endpoint = encodeEndpoint({ address: virtual[0], port: virtual[1] }, protocol ?? "tcp");
  const flow = [...new Uint8Array(width), ...to, 1, 2, ...endpoint.subarray(16, 19), 0, 0, 0];
  const writer = new PortionWriter(width, 1);
  const address = parseAddress(server[0])!;
  writer.add(Uint8Array.from(flow), 0, { address, port: server[1], isFallback, state: 0, ageS: 0 });
  const reader = PortionReader.open(writer.finish())!;
  const found = index.find(reader, reader.at(0));
  return found && `${found.planned.service.name} ${found.index}`;
}

describe("CopyIndex", () => {
  const index = new CopyIndex(planned(web, names, six, range));

  test.each<[string, Flow, string]>([
    ["a server", { virtual: ["192.0.2.2", 80], server: ["192.0.2.12", 8080] }, `${web.name} 1`],
    [
      "the fallback at the same place",
      { virtual: ["192.0.2.2", 80], server: ["192.0.2.12", 8080], isFallback: true },
      `${web.name} 2`,
    ],
    [
      "a service of the other protocol",
      { virtual: ["192.0.2.2", 80], server: ["192.0.2.13", 53], protocol: "udp" },
      "names 3",
    ],
    ["IPv6", { virtual: ["2001:db8::1", 80], server: ["2001:db8::11", 80] }, `${six.name} 4`],
    ["a range", { virtual: ["192.0.2.3", 1500], server: ["192.0.2.11", 0] }, "range 5"],
  ])("finds %s", (_name, flow, expected) => {
    expect(find(index, flow)).toBe(expected);
    // And again, remembered.
    expect(find(index, flow)).toBe(expected);
  });

  test.each<[string, Flow]>([
    ["a server of another service", { virtual: ["192.0.2.2", 80], server: ["192.0.2.13", 53] }],
    ["another port of a server", { virtual: ["192.0.2.2", 80], server: ["192.0.2.11", 80] }],
    ["a port beside a range", { virtual: ["192.0.2.3", 2001], server: ["192.0.2.11", 0] }],
    ["another virtual address", { virtual: ["192.0.2.4", 80], server: ["192.0.2.11", 8080] }],
    [
      "no fallback",
      { virtual: ["2001:db8::1", 80], server: ["2001:db8::11", 80], isFallback: true },
    ],
  ])("does not find %s", (_name, flow) => {
    expect(find(index, flow)).toBeUndefined();
    expect(find(index, flow)).toBeUndefined();
  });

  test("knows servers by number, and the virtual addresses", () => {
    expect(index.servers.get(2)).toMatchObject({ isFallback: true, port: 8080, generation: 1 });
    expect(index.servers.size).toBe(6);
    expect(index.addresses.map(({ length }) => length)).toEqual([4, 16, 4]);
  });
});
