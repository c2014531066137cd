/**
 * The balancer in the kernel: its maps and its program, pinned, on the devices of this host.
 *
 * ```text
 * PINS/services servers slots …     maps (ffi/bpf/balancer-maps.h)
 * PINS/link-INDEX-in                one link a device
 * FENCE/addresses4 addresses6 leases   shared with the fence: the first to come makes them
 * ```
 * Pins keep it in force without a process; the next one takes it over without a gap.
 *
 * @module
 */

import { existsSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

import { balancerObject, DeviceLinks, hasDeviceLinks, loadBpfCollection } from "../../bpf/index.ts";
import type { BpfCollection, BpfKernel, BpfObject } from "../../bpf/index.ts";
import { reserveAddresses } from "./leased-addresses.ts";

/** Name of the folder of pins; the number changes with the layout of the maps. */
export const balancerPinsName = "appliance/balancer-2";

const programName = "tc_ingress";
/** Maps of the fence. */
const fenceMaps: ReadonlySet<string> = new Set(["addresses4", "addresses6", "leases"]);
/** Maps of its addresses, with the lengths of their keys. */
const fenceAddresses = [
  ["addresses4", 4],
  ["addresses6", 16],
] as const;
/** Bounds a walk through both maps of addresses while the fence writes; ADDRESSES_MAX each. */
const fencedMax = 8192;
/** Maps that hold an entry a connection or client; IPv6 and NAT of shared servers are rarer. */
const connectionShares: Readonly<Record<string, number>> = {
  connections4: 1,
  connections6: 4,
  openings4: 4,
  openings6: 16,
  persistents: 4,
  replies: 4,
};

/** Where the balancer lives. */
export interface BalancerProgramOptions {
  readonly kernel: BpfKernel;
  /** Folder of a bpf file system, of this director alone. */
  readonly pins: string;
  /** The folder of the fence. */
  readonly fencePins: string;
  /** Connections that the table holds; one that is pinned keeps its size. */
  readonly connectionsMax: number;
  /** Possible processors: a per-CPU value has a copy for each. */
  readonly processors: number;
  /** Virtual addresses that need a lease; see {@link BalancerProgram.followFence}. */
  readonly leased?: readonly string[] | undefined;
}

function withSizes(object: BpfObject, connectionsMax: number): BpfObject {
  const maps = object.maps.map((map) => {
    const share = connectionShares[map.name];
    return share === undefined ? map : { ...map, entriesMax: Math.ceil(connectionsMax / share) };
  });
  return { ...object, maps };
}

/** Connections of a table that nobody uses. */
const triedConnections = 16;

/**
 * Has the kernel look at the program, and forgets it: nothing is attached or pinned.
 *
 * @throws {SyscallError} `EPERM`; with the verifier's log if it refused.
 */
export function tryBalancer(kernel: BpfKernel): void {
  const object = withSizes(balancerObject(), triedConnections);
  loadBpfCollection(object, { kernel, pins: undefined }).close();
}

/** The program of one network namespace. */
export class BalancerProgram {
  readonly kernel: BpfKernel;
  readonly processors: number;
  readonly links: DeviceLinks;
  readonly #options: BalancerProgramOptions;
  readonly #object: BpfObject;
  readonly #collection: BpfCollection;
  #program: number;
  /** Pins of the fence that the program was loaded with: path and inode. */
  #fence: ReadonlyMap<string, number> = new Map();

  /**
   * Loads it, and takes over what an earlier process left in force.
   *
   * @throws {SyscallError} `EPERM`; with the verifier's log if it refused.
   */
  constructor(options: BalancerProgramOptions) {
    this.#options = options;
    this.kernel = options.kernel;
    this.processors = options.processors;
    this.#object = withSizes(balancerObject(), options.connectionsMax);
    this.#collection = this.#load();
    this.#program = this.#collection.takeProgram(programName);
    this.#fence = this.#fencePins();
    reserveAddresses(options, options.leased ?? []);
    this.links = new DeviceLinks({
      kernel: options.kernel,
      pins: options.pins,
      directions: ["in"],
      // Behind the fence, which has to see a packet first.
      place: "tail",
      program: () => this.#program,
      copy: () => this.#loadProgram(),
    });
    this.links.takeOver();
  }

  /** Descriptor of a map. */
  map(name: string): number {
    return this.#collection.map(name);
  }

  /** Descriptor of the program, to try it on packets. */
  get program(): number {
    return this.#program;
  }

  /**
   * Follows the fence: where that was taken away, our maps wait for the next one; where it was made
   * anew, the program is loaded with its maps. A fence that is on the devices protects meanwhile.
   *
   * @param leased Virtual addresses to which nothing is forwarded without a lease, whether there is
   * a fence yet or not.
   */
  followFence(leased: readonly string[]): void {
    const { kernel, fencePins } = this.#options;
    const pins = this.#fencePins();
    for (const name of fenceMaps) {
      const path = join(fencePins, name);
      if (pins.has(path)) continue;
      kernel.pin(this.#collection.map(name), path);
    }
    reserveAddresses(this.#options, leased);
    const isSame = [...pins].every(([path, inode]) => this.#fence.get(path) === inode);
    if (!isSame) {
      const before = this.#program;
      this.#program = this.#loadProgram();
      this.links.takeOver();
      kernel.close(before);
    }
    this.#fence = this.#fencePins();
  }

  /** Folder with the pins of the fence. */
  get fencePins(): string {
    return this.#options.fencePins;
  }

  /** Instances of addresses that need a lease, by what is pinned now; hex of their bytes. */
  fencedAddresses(): Map<string, number> {
    const { kernel, fencePins } = this.#options;
    const found = new Map<string, number>();
    const instance = new Uint8Array(4);
    for (const [name, bytes] of fenceAddresses) {
      const path = join(fencePins, name);
      if (!existsSync(path)) continue;
      const map = kernel.openPin(path);
      let key = kernel.nextKey(map, undefined, bytes);
      for (let seen = 0; key !== undefined && seen < fencedMax; seen++) {
        if (kernel.lookup(map, key, instance)) {
          found.set(key.toHex(), new DataView(instance.buffer).getUint32(0, true));
        }
        key = kernel.nextKey(map, key, bytes);
      }
      kernel.close(map);
    }
    return found;
  }

  /** Leaves it in force, for the next process to take over. */
  close(): void {
    this.links.close();
    this.kernel.close(this.#program);
    this.#collection.close();
  }

  /** Takes it off all devices; nothing is left. */
  remove(): void {
    this.links.remove();
    const { pins, fencePins } = this.#options;
    const isFenced = existsSync(fencePins) && hasDeviceLinks(fencePins);
    for (const { name } of this.#object.maps) {
      const isFence = fenceMaps.has(name);
      if (isFence && isFenced) continue;
      rmSync(join(isFence ? fencePins : pins, name), { force: true });
    }
    this.close();
  }

  #loadProgram(): number {
    const copy = this.#load();
    const program = copy.takeProgram(programName);
    copy.close();
    return program;
  }

  #fencePins(): Map<string, number> {
    const { fencePins } = this.#options;
    const paths = [...fenceMaps].map((name) => join(fencePins, name)).filter(existsSync);
    return new Map(paths.map((path) => [path, statSync(path).ino]));
  }

  #load(): BpfCollection {
    const { kernel, pins, fencePins } = this.#options;
    const folder = (map: string): string => (fenceMaps.has(map) ? fencePins : pins);
    return loadBpfCollection(this.#object, { kernel, pins: folder });
  }
}
