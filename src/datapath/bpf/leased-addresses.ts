/**
 * Virtual addresses that need a lease, made known to the fence's maps before the fence does so:
 * from the first packet on nothing is forwarded to them without one.
 *
 * An address under which the maps have no instance yet gets {@link noInstance}, which has no lease:
 * closed. The fence puts its own number in that place once the virtual router runs.
 *
 * @module
 */

import { join } from "node:path";

import type { BpfKernel } from "../../bpf/index.ts";
import { parseAddress } from "../../net/address.ts";

/** No index of the map `leases`: programs take what is not there for closed. */
const noInstance = 0xffff_ffff;
/** Entries of each map, ADDRESSES_MAX. */
const addressesMax = 4096;

const maps = [
  { name: "addresses4", keyBytes: 4 },
  { name: "addresses6", keyBytes: 16 },
] as const;

/** The maps of one fence, by their pins. */
export interface LeasedAddressesOptions {
  readonly kernel: BpfKernel;
  /** Folder with the pins of the fence. */
  readonly fencePins: string;
}

/** Closes `addresses` unless the fence has them, and forgets others that were closed so. */
export function reserveAddresses(
  { kernel, fencePins }: LeasedAddressesOptions,
  addresses: readonly string[],
): void {
  const keys = addresses.map((address) => parseAddress(address)!);
  const value = new Uint8Array(Uint32Array.of(noInstance).buffer);
  for (const { name, keyBytes } of maps) {
    const map = kernel.openPin(join(fencePins, name));
    try {
      const wanted = keys.filter(({ length }) => length === keyBytes);
      for (const key of wanted) kernel.insert(map, key, value);
      const kept = new Set(wanted.map((key) => key.toHex()));
      for (const key of reservedKeys(kernel, map, keyBytes)) {
        if (!kept.has(key.toHex())) kernel.remove(map, key);
      }
    } finally {
      kernel.close(map);
    }
  }
}

function reservedKeys(kernel: BpfKernel, map: number, keyBytes: number): Uint8Array[] {
  const reserved: Uint8Array[] = [];
  const value = new Uint8Array(4);
  const instance = new Uint32Array(value.buffer);
  let key = kernel.nextKey(map, undefined, keyBytes);
  for (let count = 0; key !== undefined && count < addressesMax; count++) {
    if (kernel.lookup(map, key, value) && instance[0] === noInstance) reserved.push(key);
    key = kernel.nextKey(map, key, keyBytes);
  }
  return reserved;
}
