/**
 * What the host knows that Heartbeat's files leave to it. Values, and two questions that are asked
 * while the files are read; the caller answers them.
 *
 * @module
 */

import { readHostTable } from "../ldirectord/index.ts";
import type { LdirectordHost } from "../ldirectord/index.ts";
import type { NamedText } from "./line.ts";

/** An address of this host with its network. */
export interface HostNetwork {
  readonly interface: string;
  /** Canonical. */
  readonly address: string;
  readonly prefixBits: number;
}

/** What is known; everything but the name may be missing. */
export interface HeartbeatHost extends LdirectordHost {
  /** `uname -n` of the director for which the files are read. */
  readonly nodeName: string;
  /** Its addresses, for entries that name no interface or that are for the other node. */
  readonly networks?: readonly HostNetwork[];
  /** Path of a resource script; undefined if there is none. */
  readonly findScript?: (name: string) => string | undefined;
  /** Text of an ldirectord.cf as haresources names it; undefined if there is none. */
  readonly readLdirectordFile?: (config: string) => NamedText | undefined;
  /** Path that the native file names for the key. @default "/etc/appliance/vrrp.key" */
  readonly keyFile?: string;
}

/** Names of hosts(5) with one address each, IPv4 where there are both. */
export function readAddressTable({ hosts = "" }: LdirectordHost): ReadonlyMap<string, string> {
  const { ipv4, ipv6 } = readHostTable(hosts);
  return new Map([...ipv6, ...ipv4]);
}
