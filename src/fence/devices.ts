/**
 * Which devices the fence belongs on. Pure.
 *
 * Every device that has, or may have, an IP layer: a second interface on the LAN answers for the
 * address too. Not on `lo`: only this node hears it, and clients on it would be cut off. Not on
 * ports of a bridge nor other slaves: their packets are not this node's (a container behind the
 * bridge may own the address), and what is for this node passes the bridge or bond itself.
 *
 * @module
 */

/** A network device, as far as the fence has to know it. */
export interface FenceDevice {
  readonly index: number;
  readonly name: string;
  readonly isLoopback: boolean;
  /** Index of the bridge, bond or team this is a port of; 0: of none. */
  readonly masterIndex: number;
}

/** True if packets for this node's addresses pass the device itself. */
export function needsFence(device: FenceDevice): boolean {
  return !device.isLoopback && device.masterIndex === 0;
}
