/**
 * Schema of `[[vrrp]]` and `[peer]`. Pure.
 *
 * @module
 */

import * as v from "valibot";

import { canonicalAddress, parseNetwork } from "../../net/address.ts";
import {
  absolutePath,
  address,
  command,
  duration,
  endpoint,
  filledList,
  flag,
  integer,
  list,
  name,
  table,
  text,
  value,
  word,
} from "./value.ts";

/** Name of a network interface. */
export const interfaceName = text('an interface name such as "eth0"', (input) =>
  // IFNAMSIZ has room for 15 characters and a NUL (netdevice(7)).
  /^[^\s/:\p{C}]{1,15}$/u.test(input) && input !== "." && input !== ".." ? input : undefined,
);

/** `eth0:1`, as long as an interface name (`ip address … label`). */
const addressLabel = text('an address label such as "eth0:1"', (input) =>
  /^[^\s/\p{C}]{1,15}$/u.test(input) ? input : undefined,
);

/** `192.0.2.100/24`: the host bits stay, unlike those of a network. */
function isPrefixedAddress(input: unknown): boolean {
  if (typeof input !== "string" || parseNetwork(input) === undefined) return false;
  return canonicalAddress(input.split("/")[0]!) !== undefined;
}

const virtualAddress = v.lazy((input) =>
  typeof input === "object" && input !== null
    ? virtualAddressTable
    : value('an address such as "192.0.2.100/24"', (one) =>
        isPrefixedAddress(one) ? { address: String(one) } : undefined,
      ),
);

const virtualAddressTable = table({
  address: value('an address such as "192.0.2.100/24"', (input) =>
    isPrefixedAddress(input) ? String(input) : undefined,
  ),
  interface: v.optional(interfaceName),
  label: v.optional(addressLabel),
});

const trackEntry = table({
  ping: v.optional(address),
  interface: v.optional(interfaceName),
  script: v.optional(command),
  interval: v.optional(duration(100, 86_400_000)),
  timeout: v.optional(duration(10, 3_600_000)),
});

const addresses = 'a list of addresses such as ["192.0.2.100/24"]';

const resources = 'a list of programs such as [["/etc/init.d/db"], ["/etc/init.d/mail", "-v"]]';

/** One `[[vrrp]]`. */
export const vrrpTable = table({
  name,
  interface: v.optional(interfaceName),
  interfaces: v.optional(filledList(interfaceName, 'a list of interfaces such as ["eth0", "ha0"]')),
  vrid: integer("a virtual router identifier", 1, 255),
  version: v.optional(
    value("a version 2 or 3", (input) => (input === 2 || input === 3 ? input : undefined)),
  ),
  priority: v.optional(integer("a priority", 1, 255)),
  addresses: filledList(virtualAddress, addresses),
  excluded_addresses: v.optional(list(virtualAddress, addresses)),
  peers: v.optional(filledList(address, 'a list of addresses such as ["192.0.2.3"]')),
  key_file: v.optional(absolutePath),
  auth: v.optional(word(["none"])),
  auth_pass: v.optional(
    text("a password of 1 to 8 characters", (input) =>
      /^[\x21-\x7e]{1,8}$/.test(input) ? input : undefined,
    ),
  ),
  advertise_interval: v.optional(duration(10, 40_950)),
  down_after: v.optional(duration(30, 3_600_000)),
  preempt: v.optional(flag),
  preempt_delay: v.optional(duration(0, 86_400_000)),
  start_delay: v.optional(duration(0, 86_400_000)),
  group: v.optional(name),
  track: v.optional(list(trackEntry, 'a list such as [{ ping = "192.0.2.1" }]')),
  witness: v.optional(word(["prefer", "require"])),
  announce: v.optional(word(["arp", "none"])),
  resources: v.optional(filledList(command, resources)),
  on_active: v.optional(command),
  notify: v.optional(command),
});

/** As above, after validation. */
export type VrrpTable = v.InferOutput<typeof vrrpTable>;
/** One element of `track`, after validation. */
export type TrackTable = v.InferOutput<typeof trackEntry>;
/** One element of `addresses`, after validation. */
export type VirtualAddressTable = v.InferOutput<typeof virtualAddressTable>;

/** The table `[peer]`. */
export const peerTable = table({ address: endpoint, key_file: absolutePath });

/** As above, after validation. */
export type PeerTable = v.InferOutput<typeof peerTable>;
