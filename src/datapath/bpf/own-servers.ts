/**
 * Hosts that are director and real server both: what the active director sends to this one has to
 * pass its fence, which is closed here, and its answers too.
 *
 * The fence lets IP packets for an address without a lease in from hosts that are named in its map
 * `peers`, by their MAC, and answers out, where the instance has the flag of a real server. ARP and
 * neighbour discovery stay closed: the address must be on `lo`.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { join } from "node:path";

import type { BpfKernel } from "../../bpf/index.ts";
import { instancesMax, leaseFlagRealServer, LeaseTable } from "../../fence/index.ts";
import { parseAddress } from "../../net/address.ts";
import type { Neighbour } from "../../netlink/route/index.ts";
import type { PlannedService } from "./server-records.ts";

/** Bytes of a key of `peers`: a MAC address and two zeros. */
const peerKeyBytes = 8;
/** Entries of `peers`, PEERS_MAX. */
const peersMax = 64;

/** The maps of the fence, and who is on the link. */
export interface OwnServersOptions {
  readonly kernel: BpfKernel;
  /** Folder with the pins of the fence. */
  readonly fencePins: string;
  readonly neighbours: () => readonly Neighbour[];
}

/** What services say of hosts that are both. */
export interface OwnServerFacts {
  /** Virtual addresses that this host serves as a real server, too, by gate. */
  readonly addresses: readonly string[];
  /** Other real servers of the same services: the other director is one of them. */
  readonly others: readonly string[];
}

/** Finds out from what is forwarded. Pure. */
export function findOwnServers(services: readonly PlannedService[]): OwnServerFacts {
  const addresses = new Set<string>();
  const others = new Set<string>();
  for (const { service, servers, ways } of services) {
    const { forwarding, leased = [] } = service;
    if (forwarding !== "gate" || leased.length === 0) continue;
    const reals = servers.filter(({ server }) => server.role === "real");
    if (!reals.some(({ index }) => ways.get(index)?.isLocal === true)) continue;
    for (const address of leased) addresses.add(address);
    for (const { index, server } of reals) {
      if (ways.get(index)?.isLocal === false) others.add(server.address);
    }
  }
  return { addresses: [...addresses], others: [...others] };
}

/** Keeps the fence at what {@link findOwnServers} says. Belongs to one engine. */
export class OwnServers {
  readonly #options: OwnServersOptions;
  /** Instances that have the flag; of what an earlier process left nothing is known. */
  #flagged: ReadonlySet<number> = new Set(Array.from({ length: instancesMax }, (_, at) => at));
  #isIdle = false;

  constructor(options: OwnServersOptions) {
    this.#options = options;
  }

  /** @throws {SyscallError} */
  follow(services: readonly PlannedService[]): void {
    const facts = findOwnServers(services);
    const { fencePins } = this.#options;
    const hasNone = facts.addresses.length === 0;
    // Without a fence nothing is in the way.
    if ((hasNone && this.#isIdle) || !existsSync(join(fencePins, "peers"))) return;
    this.#using("peers", (map) => this.#writePeers(map, this.#macsOf(facts.others)));
    const instances = new Set(facts.addresses.flatMap((address) => this.#instanceOf(address)));
    this.#using("leases", (map) => {
      const leases = new LeaseTable(map);
      for (const instance of this.#flagged) {
        if (!instances.has(instance)) leases.setFlag(instance, leaseFlagRealServer, false);
      }
      for (const instance of instances) leases.setFlag(instance, leaseFlagRealServer, true);
      leases.unmap();
    });
    this.#flagged = instances;
    this.#isIdle = hasNone;
  }

  #using(name: string, use: (map: number) => void): void {
    const { kernel, fencePins } = this.#options;
    const map = kernel.openPin(join(fencePins, name));
    try {
      use(map);
    } finally {
      kernel.close(map);
    }
  }

  /** Empty while the fence has not numbered it. */
  #instanceOf(address: string): number[] {
    const value = new Uint32Array(1);
    let isKnown = false;
    this.#using(address.includes(":") ? "addresses6" : "addresses4", (map) => {
      const bytes = new Uint8Array(value.buffer);
      isKnown = this.#options.kernel.lookup(map, parseAddress(address)!, bytes);
    });
    return isKnown && value[0]! < instancesMax ? [value[0]!] : [];
  }

  #macsOf(addresses: readonly string[]): Uint8Array[] {
    if (addresses.length === 0) return [];
    const wanted = new Set(addresses);
    return this.#options.neighbours().flatMap(({ address, mac }) => {
      if (mac === "" || !wanted.has(address)) return [];
      const key = new Uint8Array(peerKeyBytes);
      key.set(Uint8Array.fromHex(mac.replaceAll(":", "")));
      return [key];
    });
  }

  #writePeers(map: number, keys: readonly Uint8Array[]): void {
    const { kernel } = this.#options;
    const wanted = new Set(keys.map((key) => key.toHex()));
    const stale: Uint8Array[] = [];
    let key = kernel.nextKey(map, undefined, peerKeyBytes);
    for (let count = 0; key !== undefined && count < peersMax; count++) {
      if (!wanted.has(key.toHex())) stale.push(key);
      key = kernel.nextKey(map, key, peerKeyBytes);
    }
    for (const one of stale) kernel.remove(map, one);
    for (const one of keys.slice(0, peersMax)) kernel.update(map, one, Uint8Array.of(1, 0, 0, 0));
  }
}
