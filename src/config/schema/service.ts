/**
 * Schema of `[[virtual_service]]`, `[[real_server_group]]` and `[defaults]`, also with what this
 * build does not have. Defaults are filled in by `src/config/resolve`. Pure.
 *
 * @module
 */

import * as v from "valibot";

import { schedulerFlags, schedulerNames } from "../../model/index.ts";
import { isTable } from "../document.ts";
import { checkTable } from "./check.ts";
import { serviceMailTable } from "./mail.ts";
import {
  absolutePath,
  address,
  command,
  duration,
  durationOrOff,
  filledList,
  flag,
  integer,
  list,
  listenAddress,
  name,
  network,
  server,
  table,
  value,
  word,
} from "./value.ts";

/** Highest value of the counts that engines keep in 32 bits. */
const countMax = 4_294_967_295;

/** An hour short of the highest tcp_keepalive_time, 32,767 s (tcp(7)). */
const keepaliveMsMax = 32_767_000;

/** One element of `real_servers`. */
export const realServerTable = table({
  address: server,
  weight: v.optional(integer("a weight", 0, 65535)),
  upper_threshold: v.optional(integer("a number of connections", 0, countMax)),
  lower_threshold: v.optional(integer("a number of connections", 0, countMax)),
  check: v.optional(checkTable),
});

/** The elements are checked one by one, so that a fault in one does not hide the others. */
const realServers = list(
  v.unknown(),
  'a list of servers such as [{ address = "192.0.2.11:80" }]',
  65_536,
);

const timeoutTable = table({
  connect: v.optional(duration(1)),
  idle: v.optional(duration(100)),
  half_closed: v.optional(duration(100)),
  udp_idle: v.optional(duration(100)),
  keepalive: v.optional(durationOrOff(1000, keepaliveMsMax)),
  user_timeout: v.optional(durationOrOff(1, 86_400_000)),
});

/** One address, or a list of them; gives a list. */
const listen = v.pipe(
  v.unknown(),
  v.transform((input) => (Array.isArray(input) ? input : [input])),
  filledList(listenAddress, 'an address and port such as "192.0.2.1:80", or a list of them'),
);

/** One name, or a list of them; gives a list. */
const routerNames = v.pipe(
  v.unknown(),
  v.transform((input) => (Array.isArray(input) ? input : [input])),
  filledList(name, "the name of a [[vrrp]], or a list of names"),
);

/** Prefix lengths by family; `undefined` where the number's family is not known yet. */
const persistenceMask = value<number | { ipv4?: number; ipv6?: number }>(
  "a prefix length 1..32 (IPv6: 1..128), or { ipv4 = 24, ipv6 = 64 }",
  (input) => {
    if (isPrefix(input, 128)) return input;
    if (!isTable(input)) return undefined;
    const { ipv4, ipv6, ...rest } = input;
    const isKnown = Object.keys(rest).length === 0;
    const isIpv4 = ipv4 === undefined || isPrefix(ipv4, 32);
    const isIpv6 = ipv6 === undefined || isPrefix(ipv6, 128);
    return isKnown && isIpv4 && isIpv6
      ? { ...(ipv4 !== undefined && { ipv4 }), ...(ipv6 !== undefined && { ipv6 }) }
      : undefined;
  },
);

function isPrefix(input: unknown, max: number): input is number {
  return typeof input === "number" && Number.isInteger(input) && input >= 1 && input <= max;
}

const networks = list(network, 'a list of networks such as ["192.0.2.0/24"]');

/** `engine`, of the director and of a service. */
export const engineWord = word(["auto", "ipvs", "bpf"]);

/** Settings of a service that `[defaults]` may have too. */
const sharedEntries = {
  scheduler: v.optional(word(schedulerNames)),
  quiescent: v.optional(flag),
  on_down: v.optional(word(["keep", "reset"])),
  connection_log: v.optional(flag),
  check: v.optional(checkTable),
  timeouts: v.optional(timeoutTable),
} as const;

/** The table `[defaults]`. */
export const defaultsTable = table(sharedEntries);

/** One `[[virtual_service]]`. */
export const serviceTable = table({
  ...sharedEntries,
  name,
  vrrp: v.optional(routerNames),
  listen: v.optional(listen),
  fwmark: v.optional(integer("a firewall mark", 1, countMax)),
  protocol: v.optional(word(["tcp", "udp"])),
  forwarding: v.optional(word(["proxy", "masq", "gate", "ipip"])),
  engine: v.optional(engineWord),
  scheduler_flags: v.optional(
    list(word(schedulerFlags), 'a list of flags such as ["sh-port"]', schedulerFlags.length),
  ),
  persistent: v.optional(duration(1000)),
  persistence_mask: v.optional(persistenceMask),
  fallback: v.optional(server),
  real_servers: v.optional(realServers),
  real_server_groups: v.optional(list(name, 'a list of group names such as ["web"]')),
  quorum: v.optional(integer("a sum of weights", 1, countMax)),
  quorum_up: v.optional(command),
  quorum_down: v.optional(command),
  on_service_up: v.optional(command),
  on_service_down: v.optional(command),
  fallback_command: v.optional(command),
  monitor_file: v.optional(absolutePath),
  mail: v.optional(serviceMailTable),
  connection_limit: v.optional(integer("a number of connections", 0, countMax)),
  mtu: v.optional(integer("a size in bytes", 576, 65_535)),
  allow: v.optional(networks),
  deny: v.optional(networks),
  send_proxy: v.optional(word(["off", "v1", "v2"])),
  accept_proxy_from: v.optional(networks),
  source: v.optional(list(address, 'a list of addresses such as ["192.0.2.5"]')),
  one_packet: v.optional(flag),
});

/** One `[[real_server_group]]`: servers that several services share. */
export const groupTable = table({ name, real_servers: realServers });

/** What `[defaults]` says, durations in ms; every key may be missing. */
export type DefaultsTable = v.InferOutput<typeof defaultsTable>;
/** What a `[[virtual_service]]` says; only the name is sure to be there. */
export type ServiceTable = v.InferOutput<typeof serviceTable>;
/** What a `[[real_server_group]]` says; its servers are not checked yet. */
export type GroupTable = v.InferOutput<typeof groupTable>;
/** What an element of `real_servers` says. */
export type RealServerTable = v.InferOutput<typeof realServerTable>;
