/**
 * What the real-time thread must do, as plain data: it crosses the mailbox as text.
 *
 * @module
 */

import type { Family } from "../net/address.ts";
import type { VrrpVersion } from "../vrrp/index.ts";

/** One virtual address of an instance. */
export interface PlannedAddress {
  /** Canonical text. */
  readonly address: string;
  readonly prefixBits: number;
  readonly interface: string;
  /** IPv4: label of the address; undefined: the interface's name. */
  readonly label: string | undefined;
  /** False for those that would not fit the advertisement. */
  readonly isAdvertised: boolean;
}

/** A key that advertisements are signed with. */
export interface PlannedKey {
  /** Its number in the packet, 0..255. */
  readonly id: number;
  /** Hexadecimal, 32 to 64 bytes. */
  readonly secret: string;
}

/** One virtual router. Two plans of one name that differ are two routers, one after the other. */
export interface InstancePlan {
  readonly name: string;
  /** Its lease in the fence and its row in the status block, 0..255. */
  readonly slot: number;
  readonly vrid: number;
  readonly version: VrrpVersion;
  readonly family: Family;
  readonly priority: number;
  /** Interfaces that advertisements go out on. */
  readonly interfaces: readonly string[];
  readonly addresses: readonly PlannedAddress[];
  /** Unicast: the other directors. Undefined: multicast. */
  readonly peers: readonly string[] | undefined;
  /** Version 2: password. */
  readonly password: string | undefined;
  /** Version 3: advertisements are signed with the first one; undefined: they are not signed. */
  readonly keys: readonly PlannedKey[] | undefined;
  readonly advertiseIntervalMs: number;
  readonly downAfterMs: number;
  readonly preempt: boolean;
  readonly preemptDelayMs: number;
  readonly startDelayMs: number;
  /** False: nothing is announced, `on_active` does it. */
  readonly announces: boolean;
  /** Interfaces whose carrier makes this node unfit when it goes. */
  readonly tracked: readonly string[];
  /** `require`: not promoted while no ping witness is reached. */
  readonly witness: "prefer" | "require";
  /** Instances of one group move together. */
  readonly group: string | undefined;
  /** How long connections may finish after a handover, ms. May be changed while it runs. */
  readonly drainMs: number;
  /** True with a peer channel. */
  readonly hasPeer: boolean;
}

/** Plans that differ in it are two routers. What is not in it may change while it runs. */
export function identityOf(plan: InstancePlan): string {
  return JSON.stringify({ ...plan, keys: plan.keys !== undefined, drainMs: 0 });
}

/** The mh tables of all services of a director. */
export interface TableDigest {
  /** 8 bytes in hexadecimal; zeros: not known yet. */
  readonly hash: string;
  /** How many there are. */
  readonly count: number;
}

/** The other director, and how it is spoken to. */
export interface PeerPlan {
  /** Canonical text. */
  readonly address: string;
  /** UDP port of both directors. */
  readonly port: number;
  /** Keys as in the key file, the secrets in hexadecimal; the first one signs. */
  readonly keys: readonly { readonly id: string; readonly secret: string }[];
  /** 8 bytes in hexadecimal over what both directors must have in common; zeros: unknown. */
  readonly digest: string;
}
