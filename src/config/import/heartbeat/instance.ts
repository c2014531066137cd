/**
 * One line of haresources as one `[[vrrp]]`. Pure.
 *
 * @module
 */

import { familyOf, parseNetwork } from "../../../net/address.ts";
import { formatDuration } from "../../duration.ts";
import type { NativeTable, NativeValue } from "../../native.ts";
import { quoted } from "../notes.ts";
import type { Origin } from "../notes.ts";
import type { HaCf } from "./ha-cf.ts";
import type { AddressResource, Resource, ResourceGroup } from "./haresources.ts";
import type { HeartbeatHost, HostNetwork } from "./host.ts";
import { priorityOf, vridOf } from "./node.ts";
import type { Nodes } from "./node.ts";
import type { Paths } from "./path.ts";
import type { RouterTimes } from "./timing.ts";
import type { Told } from "./told.ts";

/** What all lines have in common. */
export interface InstanceContext {
  readonly haCf: HaCf;
  readonly nodes: Nodes;
  readonly paths: Paths;
  readonly times: RouterTimes;
  /** Of track. */
  readonly pings: readonly string[];
  /** Path of the key file; undefined: nothing proves who sends. */
  readonly keyFile: string | undefined;
  readonly host: HeartbeatHost;
  readonly told: Told;
  /** Names given so far. */
  readonly names: Set<string>;
}

/** A table, and where its keys come from. */
export interface Instance {
  readonly name: string;
  readonly table: NativeTable;
  readonly group: ResourceGroup;
}

/** Heartbeat's folder of scripts, which it searches before `/etc/init.d`. */
const scriptFolder = "/etc/ha.d/resource.d";

/**
 * Translates a line; undefined, after a warning, if it moves no address.
 *
 * @param index Number of virtual routers before this one.
 */
export function translateGroup(
  group: ResourceGroup,
  index: number,
  context: InstanceContext,
): Instance | undefined {
  const { nodes, times, haCf, pings, keyFile, told } = context;
  const addresses = group.resources.filter(isAddress);
  const vrid = vridOf(nodes.names, index);
  if (addresses.length === 0 || vrid === undefined) {
    const why = vrid === undefined ? "there are 255 already" : "it has no virtual address";
    told.warn(group, `The line of ${quoted(group.node)} is left out: ${why}`);
    return undefined;
  }
  const family = familyOf(addresses[0]!.address);
  const interfaces = interfacesOf(group, addresses, context);
  const peers = peersOf(group, family, context);
  const native = (list: readonly AddressResource[]): NativeValue[] =>
    list.map((one) => nativeAddress(one, group, { interfaces, context }));
  const [same, other] = splitByFamily(addresses, family);
  const name = nameOf(group.node, context.names);
  const table: NativeTable = {
    name,
    interface: interfaces.length === 1 ? interfaces[0] : undefined,
    interfaces: interfaces.length > 1 ? interfaces : undefined,
    vrid,
    version: 3,
    priority: priorityOf(nodes, group.node),
    addresses: native(same),
    excluded_addresses: other.length === 0 ? undefined : native(other),
    peers: peers.length === 0 ? undefined : peers,
    key_file: keyFile,
    auth: keyFile === undefined ? "none" : undefined,
    advertise_interval: formatDuration(times.advertiseIntervalMs),
    down_after: formatDuration(times.downAfterMs),
    preempt: haCf.autoFailback?.value !== "off",
    start_delay: times.startDelayMs === 0 ? undefined : formatDuration(times.startDelayMs),
    track: pings.length === 0 ? undefined : pings.map((ping) => ({ ping })),
    resources: resourcesOf(group, context),
  };
  return { name, table, group };
}

function isAddress(resource: Resource): resource is AddressResource {
  return resource.kind === "address";
}

function splitByFamily(addresses: readonly AddressResource[], family: 4 | 6) {
  const isSame = ({ address }: AddressResource): boolean => familyOf(address) === family;
  return [addresses.filter(isSame), addresses.filter((one) => !isSame(one))] as const;
}

/** Both directors read the same lines, so the same number ends up at the same line. */
function nameOf(node: string, names: Set<string>): string {
  let name = node;
  for (let number = 2; names.has(name); number++) name = `${node}-${number}`;
  names.add(name);
  return name;
}

function interfacesOf(
  group: ResourceGroup,
  addresses: readonly AddressResource[],
  { paths, host, told }: InstanceContext,
): readonly string[] {
  if (paths.interfaces.length > 0) return paths.interfaces;
  const [first] = addresses;
  const device = first!.interface ?? networkOf(first!.address, host)?.interface;
  if (device !== undefined) {
    told.warn(paths.origin, `No medium can be used: advertisements go out on ${device}`);
    return [device];
  }
  told.warn(group, "No interface is known: add the key interface");
  return [];
}

function peersOf(
  group: ResourceGroup,
  family: 4 | 6,
  { paths, told }: InstanceContext,
): readonly string[] {
  const peers = paths.peers.filter((peer) => familyOf(peer) === family);
  if (peers.length < paths.peers.length) {
    const text = `Peers that are not IPv${family}, as the addresses are, are left out`;
    told.warn(group, peers.length === 0 ? `${text}: advertisements go out by multicast` : text);
  }
  return peers;
}

interface Surroundings {
  readonly interfaces: readonly string[];
  readonly context: InstanceContext;
}

function nativeAddress(
  resource: AddressResource,
  at: Origin,
  { interfaces, context: { host, told } }: Surroundings,
): NativeValue {
  const { address: host4or6, label } = resource;
  const network = networkOf(host4or6, host);
  const device = resource.interface ?? network?.interface;
  const bits = resource.prefixBits ?? network?.prefixBits;
  if (device === undefined && interfaces.length > 0) {
    const text = `${host4or6} names no interface, and this host has none in its network`;
    told.warn(at, `${text}: it goes to ${interfaces[0]!}`);
  }
  if (bits === undefined) {
    told.warn(at, `${host4or6} has no mask, and this host no network for it: it is one alone`);
  }
  const address = bits === undefined ? host4or6 : `${host4or6}/${bits}`;
  const other = device === interfaces[0] ? undefined : device;
  return other === undefined && label === undefined
    ? address
    : { address, interface: other, label };
}

/** The network of this host that has an address; the narrowest one. */
function networkOf(address: string, { networks = [] }: HeartbeatHost): HostNetwork | undefined {
  const within = networks.filter((one) => {
    if (familyOf(one.address) !== familyOf(address)) return false;
    const own = parseNetwork(`${one.address}/${one.prefixBits}`);
    const wanted = parseNetwork(`${address}/${one.prefixBits}`);
    return own !== undefined && own.address === wanted?.address;
  });
  return within.toSorted((a, b) => b.prefixBits - a.prefixBits)[0];
}

/** Scripts in their order; what stands before an address starts after it here. */
function resourcesOf(
  group: ResourceGroup,
  { host: { findScript }, told }: InstanceContext,
): NativeValue {
  const commands: NativeValue[] = [];
  const lastAddress = group.resources.findLastIndex(isAddress);
  let isTold = false;
  for (const [index, resource] of group.resources.entries()) {
    if (resource.kind !== "script") continue;
    const { script, args } = resource;
    const found = script.startsWith("/") ? script : findScript?.(script);
    if (found === undefined && findScript !== undefined) {
      const where = `neither ${scriptFolder} nor /etc/init.d has it`;
      told.warn(group, `Script ${quoted(script)} is written as it is, but ${where}`);
    }
    commands.push([found ?? `${scriptFolder}/${script}`, ...args]);
    if (index < lastAddress && !isTold) {
      isTold = true;
      const text = `Script ${quoted(script)} stands before an address`;
      told.warn(group, `${text}: here resources start once all addresses are there`);
    }
  }
  return commands.length === 0 ? undefined : commands;
}
