/**
 * What the network of a simulation does to packets.
 *
 * @module
 */

/** What the network does to a packet. Times in ms, chances 0..1. */
export interface Network {
  loss: number;
  /** Packets of one direction lost in a row, at most. */
  lossBurstMax: number;
  delayMinMs: number;
  delayMaxMs: number;
  duplicate: number;
  /** True if one path keeps the order of what one node sends, as a LAN does. */
  isOrdered: boolean;
  /** True cuts advertisements, or the peer channel, from node to node: `cut[from][to]`. */
  readonly cutLan: boolean[][];
  readonly cutPeer: boolean[][];
}

/** A network of so many nodes, well but for what `changes` says. */
export function createNetwork(nodes: number, changes: Partial<Network>): Network {
  const square = (): boolean[][] =>
    Array.from({ length: nodes }, () => Array.from({ length: nodes }, () => false));
  return {
    loss: 0,
    lossBurstMax: Infinity,
    delayMinMs: 0.05,
    delayMaxMs: 0.5,
    duplicate: 0,
    isOrdered: true,
    cutLan: square(),
    cutPeer: square(),
    ...changes,
  };
}
