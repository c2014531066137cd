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
  readonly advertiseIntervalMs: number;
  readonly downAfterMs: number;
  readonly preempt: boolean;
  readonly preemptDelayMs: number;
  readonly startDelayMs: number;
  /** False: nothing is announced, `on_active` does it. */
  readonly announces: boolean;
  /** Instances of one group move together. */
  readonly group: string | undefined;
}
