import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";

import { BPF_F_MMAPABLE, BPF_MAP_TYPE_ARRAY } from "../../../../ffi/constants/bpf.ts";
import { hostBpfKernel as kernel } from "../../../../src/bpf/index.ts";
import { indexKey } from "../../../../src/datapath/bpf/layout.ts";
import { findOwnServers, OwnServers } from "../../../../src/datapath/bpf/own-servers.ts";
import type { PlannedService } from "../../../../src/datapath/bpf/server-records.ts";
import type { ForwardingService } from "../../../../src/model/index.ts";
import { parseAddress } from "../../../../src/net/address.ts";
import type { Neighbour } from "../../../../src/netlink/route/index.ts";
import { forwardingServer, forwardingService } from "../../../helpers/balancer-lan.ts";
import { createBpfFolder, requireBpf } from "../../../helpers/require-bpf.ts";
import type { BpfFolder } from "../../../helpers/require-bpf.ts";

const vip = "192.0.2.100";
const own = "192.0.2.2";
const other = "192.0.2.3";

/** A service whose real servers are this host and another one. */
function planned(
  changes: Partial<ForwardingService> = {},
  addresses: readonly string[] = [own, other],
): PlannedService {
  const reals = addresses.map((address) => forwardingServer(address, 80));
  const service = forwardingService([vip, 80], reals, { leased: [vip], ...changes });
  const servers = service.servers.map((server, index) => {
    return { server, index, generation: 1, isNew: true };
  });
  const ways = new Map(
    servers.map(({ server, index }) => {
      const isLocal = server.address === own || server.address.startsWith("127.");
      return [index, { device: 1, isLocal, isDirect: true, source: own, mtu: 1500 }];
    }),
  );
  return { service, id: 0, isNew: true, servers, ways };
}

describe("findOwnServers()", () => {
  test.each<[string, PlannedService, readonly string[], readonly string[]]>([
    ["both", planned(), [vip], [other]],
    ["only others", planned({}, [other]), [], []],
    ["no lease needed", planned({ leased: [] }), [], []],
    ["masq", planned({ forwarding: "masq" }), [], []],
    [
      "a fallback here",
      planned({
        servers: [
          forwardingServer(other, 80),
          forwardingServer("127.0.0.1", 80, { role: "fallback" }),
        ],
      }),
      [],
      [],
    ],
  ])("%s", (_name, service, addresses, others) => {
    expect(findOwnServers([service])).toEqual({ addresses, others });
  });
});

const bpf = requireBpf();

describe.skipIf(bpf.skip)(`OwnServers ${bpf.reason}`.trim(), () => {
  let folder: BpfFolder;
  const maps = new Map<string, number>();

  function createMap(name: string, spec: Parameters<typeof kernel.createMap>[0]): void {
    const map = kernel.createMap(spec);
    kernel.pin(map, join(folder.path, name));
    maps.set(name, map);
  }

  beforeEach(() => {
    folder = createBpfFolder();
    createMap("addresses4", { type: 1, keyBytes: 4, valueBytes: 4, entriesMax: 8 });
    const leases = { keyBytes: 4, valueBytes: 32, entriesMax: 256, flags: BPF_F_MMAPABLE };
    createMap("leases", { type: BPF_MAP_TYPE_ARRAY, ...leases });
  });
  afterEach(() => {
    for (const map of maps.values()) kernel.close(map);
    maps.clear();
    folder[Symbol.dispose]();
  });

  function addPeers(): void {
    createMap("peers", { type: 1, keyBytes: 8, valueBytes: 4, entriesMax: 64 });
  }

  function numberAddress(instance: number): void {
    kernel.update(maps.get("addresses4")!, parseAddress(vip)!, indexKey(instance));
  }

  function flagsOf(instance: number): number {
    const value = new Uint8Array(32);
    kernel.lookup(maps.get("leases")!, indexKey(instance), value);
    return new DataView(value.buffer).getUint32(16, true);
  }

  function peers(): string[] {
    const found: string[] = [];
    let key = kernel.nextKey(maps.get("peers")!, undefined, 8);
    for (; key !== undefined; key = kernel.nextKey(maps.get("peers")!, key, 8)) {
      found.push(key.toHex());
    }
    return found.toSorted();
  }

  function neighbour(address: string, mac: string): Neighbour {
    return { index: 2, family: 4, address, mac, state: mac === "" ? "failed" : "stale" };
  }

  test("lets in what the other director sends, and takes that back", () => {
    addPeers();
    numberAddress(3);
    const list = [neighbour(other, "02:00:00:00:00:03"), neighbour(own, "02:00:00:00:00:02")];
    const neighbours = (): readonly Neighbour[] => list;
    const ownServers = new OwnServers({ kernel, fencePins: folder.path, neighbours });
    ownServers.follow([planned()]);
    expect([flagsOf(3), flagsOf(4), peers()]).toEqual([1, 0, ["0200000000030000"]]);
    list[0] = neighbour(other, "02:00:00:00:00:33");
    ownServers.follow([planned()]);
    expect(peers()).toEqual(["0200000000330000"]);
    list[0] = neighbour(other, "");
    ownServers.follow([planned()]);
    expect([flagsOf(3), peers()]).toEqual([1, []]);
    ownServers.follow([]);
    expect(flagsOf(3)).toBe(0);
  });

  test("takes back what an earlier process left", () => {
    addPeers();
    const peer = Uint8Array.fromHex("0200000000030000");
    kernel.update(maps.get("peers")!, peer, Uint8Array.of(1, 0, 0, 0));
    const lease = new Uint8Array(32);
    lease[16] = 1;
    kernel.update(maps.get("leases")!, indexKey(7), lease);
    const neighbours = (): readonly Neighbour[] => [];
    new OwnServers({ kernel, fencePins: folder.path, neighbours }).follow([]);
    expect([flagsOf(7), peers()]).toEqual([0, []]);
  });

  test("waits for the fence, and for the number that it gives to the address", () => {
    const neighbours = (): readonly Neighbour[] => [];
    const ownServers = new OwnServers({ kernel, fencePins: folder.path, neighbours });
    ownServers.follow([planned()]);
    addPeers();
    numberAddress(0xffff_ffff);
    ownServers.follow([planned()]);
    expect(flagsOf(255)).toBe(0);
    numberAddress(255);
    ownServers.follow([planned()]);
    expect(flagsOf(255)).toBe(1);
  });
});
