import { describe, expect, test } from "bun:test";

import { decodeServer, serverFlag } from "../../../../src/datapath/bpf/layout.ts";
import {
  blankRecord,
  needsLoads,
  serverRecord,
} from "../../../../src/datapath/bpf/server-records.ts";
import type { ServerContext } from "../../../../src/datapath/bpf/server-records.ts";
import type { ForwardingServer, ForwardingService } from "../../../../src/model/index.ts";
import { forwardingServer, forwardingService } from "../../../helpers/balancer-lan.ts";

const way = { device: 3, isLocal: false, isDirect: true, source: "192.0.2.9", mtu: 1500 };

type Changes = Partial<ServerContext> & { readonly ways?: ReadonlyMap<number, typeof way> };

function recordOf(
  service: Partial<ForwardingService>,
  server: Partial<ForwardingServer> = {},
  { ways = new Map([[7, way]]), ...context }: Changes = {},
): Uint8Array {
  const one = forwardingServer("192.0.2.11", 80, server);
  const planned = {
    id: 4,
    isNew: true,
    service: forwardingService(["192.0.2.1", 80], [one], service),
    servers: [],
    ways,
  };
  return serverRecord(
    { planned, lease: 5, isShared: () => false, ...context },
    { server: one, index: 7, generation: 2, isNew: true },
  );
}

function flagNames(record: Uint8Array): string[] {
  const { flags } = decodeServer(record);
  return Object.entries(serverFlag).flatMap(([name, bit]) => ((flags & bit) === 0 ? [] : name));
}

describe("serverRecord", () => {
  test.each<[string[], Partial<ForwardingService>, Partial<ForwardingServer>]>([
    [["present"], {}, {}],
    [["present", "quiescent"], {}, { weight: 0 }],
    [["present", "quiescent"], {}, { state: "down" }],
    [["quiescent"], { onDown: "reset" }, { state: "down" }],
    [["quiescent"], { protocol: "udp" }, { state: "down" }],
    [["quiescent"], {}, { state: "reset" }],
    [["present", "masq"], { forwarding: "masq" }, {}],
    [["present", "fallback"], {}, { role: "fallback" }],
    [["present", "ipip"], { forwarding: "ipip" }, {}],
    [["present", "counted"], { scheduler: "lc" }, {}],
    [["present", "counted"], { connectionLimit: 5 }, {}],
    [["present", "counted"], {}, { upperThreshold: 5 }],
    [["present"], { onePacket: true, protocol: "udp", scheduler: "lc" }, {}],
  ])("%p", (expected, service, server) => {
    expect(flagNames(recordOf(service, server))).toEqual(expected);
  });

  test("is shared where there are several names", () => {
    const shared = recordOf({ forwarding: "masq" }, {}, { isShared: () => true });
    expect(flagNames(shared)).toContain("shared");
  });

  test.each<[number, Partial<ForwardingService>]>([
    [1500, {}],
    [1400, { mtu: 1400 }],
    [1500, { mtu: 9000 }],
    [1480, { forwarding: "ipip" }],
    [1380, { forwarding: "ipip", mtu: 1400 }],
  ])("%i bytes fit by %p", (mtu, service) => {
    expect(new DataView(recordOf(service).buffer).getUint16(60, true)).toBe(mtu);
  });

  test("no packet is larger than one of IP can be", () => {
    const loopback = new Map([[7, { ...way, mtu: 65_536 }]]);
    const record = recordOf({}, {}, { ways: loopback });
    expect(new DataView(record.buffer).getUint16(60, true)).toBe(65_535);
  });

  test.each([
    [0, 0, 0],
    [10, 4, 4],
    [10, 0, 7],
  ])("upper threshold %i, lower %i: takes more again at %i", (upper, lower, expected) => {
    const record = recordOf({}, { upperThreshold: upper, lowerThreshold: lower });
    const view = new DataView(record.buffer);
    expect([view.getUint32(52, true), view.getUint32(56, true)]).toEqual([upper, expected]);
  });
});

test("blankRecord() keeps the generation only", () => {
  expect(decodeServer(blankRecord(9))).toEqual({
    address: "0.0.0.0",
    port: 0,
    service: 0,
    generation: 9,
    flags: 0,
    weight: 0,
  });
});

test("needsLoads() is false where nobody looks at them", () => {
  expect(needsLoads(forwardingService(["192.0.2.1", 80], []))).toBe(false);
});
