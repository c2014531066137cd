/**
 * Virtual routers as configured: defaults filled in, times in ms, addresses canonical.
 *
 * @module
 */

import type { Family } from "../net/address.ts";

/** One virtual address of a virtual router. */
export interface VirtualAddress {
  readonly address: string;
  readonly prefixBits: number;
  readonly interface: string;
  /** IPv4: label that lists show; undefined: the interface's name. */
  readonly label: string | undefined;
  /** False: it moves with the others, and the advertisement does not name it. */
  readonly isAdvertised: boolean;
}

/** One `[[vrrp]]`. */
export interface VirtualRouter {
  /** Identity over reloads. */
  readonly name: string;
  /** Where advertisements go out and are heard, the first one ranks this director. */
  readonly interfaces: readonly string[];
  readonly vrid: number;
  readonly version: 2 | 3;
  /** Of the addresses that are advertised. */
  readonly family: Family;
  /** 1..255. */
  readonly priority: number;
  readonly addresses: readonly VirtualAddress[];
  /** Unicast: the other directors; undefined: multicast. */
  readonly peers: readonly string[] | undefined;
  /** Version 2: a password that everybody on the network can read. */
  readonly password: string | undefined;
  readonly advertiseIntervalMs: number;
  /** Silence after which a backup takes over, without the skew of VRRP. */
  readonly downAfterMs: number;
  readonly preempt: boolean;
  readonly preemptDelayMs: number;
  readonly startDelayMs: number;
  /** Virtual routers of one group move together. */
  readonly group: string | undefined;
  /** Gratuitous ARP and neighbour advertisements are sent. */
  readonly announces: boolean;
  /** Programs with arguments: when it becomes active, and at each change of its state. */
  readonly onActive: readonly string[] | undefined;
  readonly notify: readonly string[] | undefined;
}
