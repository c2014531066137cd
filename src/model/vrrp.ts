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

/** What makes a director unfit for a virtual router when it fails. */
export type TrackTarget =
  /** A witness: somebody that a director with a working network reaches. */
  | ({ readonly type: "ping"; readonly address: string } & TrackTimes)
  /** Its carrier. */
  | { readonly type: "interface"; readonly interface: string }
  /** A program and its arguments: status 0 is well. */
  | ({ readonly type: "script"; readonly command: readonly string[] } & TrackTimes);

/** How often it is asked, and how long an answer may take. */
export interface TrackTimes {
  readonly intervalMs: number;
  readonly timeoutMs: number;
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
  /** Keys that advertisements are signed with; the content of the file never enters the model. */
  readonly keyFile: string | undefined;
  readonly advertiseIntervalMs: number;
  /** Silence after which a backup takes over, without the skew of VRRP. */
  readonly downAfterMs: number;
  readonly preempt: boolean;
  readonly preemptDelayMs: number;
  readonly startDelayMs: number;
  /** Virtual routers of one group move together. */
  readonly group: string | undefined;
  readonly track: readonly TrackTarget[];
  /** `require`: who reaches no ping of `track` never takes the addresses. */
  readonly witness: "prefer" | "require";
  /** Gratuitous ARP and neighbour advertisements are sent. */
  readonly announces: boolean;
  /** Programs with arguments that take `start`, `stop`, `status`: run here while it is active. */
  readonly resources: readonly (readonly string[])[];
  /** Programs with arguments: when it becomes active, and at each change of its state. */
  readonly onActive: readonly string[] | undefined;
  readonly notify: readonly string[] | undefined;
}

/** `[peer]`: the other director, and the channel to it. */
export interface PeerConfig {
  /** Canonical. */
  readonly address: string;
  /** UDP port of both directors. */
  readonly port: number;
  /** The file is read at a start and at each reload. */
  readonly keyFile: string;
}
