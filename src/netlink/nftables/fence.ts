/**
 * The fall-back fence as nf_tables changes, for hosts that do not permit bpf. Pure.
 *
 * ```text
 * table netdev NAME {                      # flags owner, persist: survives a foreign flush, and
 *                                          # the end of its owner
 *   set open_1 { type nf_proto; flags timeout }    # one element while instance 1 is open
 *   chain instance_1 { meta nfproto != @open_1 drop }
 *   map vips4 { type ipv4_addr : verdict }         # virtual address : jump instance_1
 *   map vips6 { type ipv6_addr : verdict }
 *   set announced { type ipv4_addr }               # the virtual addresses of IPv4
 *   set served4, served6                           # addresses this node serves as a real server
 *   set peers { type ether_addr }                  # the other director
 *   chain egress {
 *     arp saddr ip vmap @vips4
 *     icmpv6 type nd-neighbor-advert icmpv6 taddr vmap @vips6
 *     icmpv6 type nd-neighbor-solicit ip6 saddr vmap @vips6
 *     ip saddr @served4 accept
 *     ip6 saddr @served6 accept
 *     ip saddr vmap @vips4
 *     ip6 saddr vmap @vips6
 *   }
 *   chain ingress {
 *     arp operation request arp saddr ip @announced accept
 *     arp operation request arp daddr ip vmap @vips4
 *     icmpv6 type nd-neighbor-solicit icmpv6 taddr vmap @vips6
 *     ip daddr @served4 ether saddr @peers accept
 *     ip6 daddr @served6 ether saddr @peers accept
 *     ip daddr vmap @vips4
 *     ip6 daddr vmap @vips6
 *   }
 *   chain egress_N { type filter hook egress device … ; jump egress }      # one a device
 *   chain ingress_N { type filter hook ingress device … ; jump ingress }
 * }
 * ```
 *
 * `meta nfproto` is the same number for every packet of these hooks, so one element opens an
 * instance for all kinds of packets. No element means closed, so a new table is closed.
 * Neighbour advertisements of others, and ARP that says who has a virtual address, pass: a closed
 * node may be its client. A closed node that is a real server gets what the other director
 * forwards and answers it, but asks and says nothing about the address on the link.
 *
 * `nft list ruleset` shows the table, but nft takes some of its rules from nobody else: a saved
 * listing cannot be loaded with it. A table that has an owner is not to be saved anyway.
 *
 * TC and XDP programs run before these hooks at ingress: this does not fence the bpf engine.
 *
 * @module
 */

import {
  NFPROTO_NETDEV,
  NFT_META_L4PROTO,
  NFT_META_NFPROTO,
  NFT_META_PROTOCOL,
  NFT_REG_1,
} from "../../../ffi/constants/nf-tables.ts";
import { IPPROTO_ICMPV6 } from "../../../ffi/constants/socket.ts";
import { invariant } from "../../errors/index.ts";
import { parseAddress } from "../../net/address.ts";
import type { Attribute } from "../attribute.ts";
import type { Change } from "./batch.ts";
import {
  addChain,
  addElements,
  addRule,
  addSet,
  addTable,
  deleteChain,
  deleteElements,
  deleteTable,
} from "./change.ts";
import type { DataType, SetElement } from "./change.ts";
import { accept, compare, decide, drop, isIn, isNotIn, jump, meta, payload } from "./expression.ts";
import type { PayloadField } from "./expression.ts";

/** `meta nfproto` in chains of the family netdev. */
const everyPacket = Uint8Array.of(NFPROTO_NETDEV);
/** Before everything else of nft on these hooks: a foreign chain may accept but not undo a drop. */
const hookPriority = -2_147_483_648 + 100;
/** Elements in one message: their attribute has a length of 16 bits, and one takes 60 bytes. */
const elementsPerMessageMax = 500;

const ethertypes = {
  arp: Uint8Array.of(0x08, 0x06),
  ip: Uint8Array.of(0x08, 0x00),
  ip6: Uint8Array.of(0x86, 0xdd),
} as const;
const arpRequest = Uint8Array.of(0, 1);
const neighbourSolicitation = Uint8Array.of(135);
const neighbourAdvertisement = Uint8Array.of(136);

/** Fields of ARP (RFC 826, Ethernet and IPv4), IPv4, IPv6, and ICMPv6 (RFC 4861). */
const fields = {
  etherSource: { header: "link", offset: 6, length: 6 },
  arpOperation: { header: "network", offset: 6, length: 2 },
  arpSender: { header: "network", offset: 14, length: 4 },
  arpTarget: { header: "network", offset: 24, length: 4 },
  ipSource: { header: "network", offset: 12, length: 4 },
  ipDestination: { header: "network", offset: 16, length: 4 },
  ip6Source: { header: "network", offset: 8, length: 16 },
  ip6Destination: { header: "network", offset: 24, length: 16 },
  icmp6Type: { header: "transport", offset: 0, length: 1 },
  icmp6Target: { header: "transport", offset: 8, length: 16 },
} as const satisfies Record<string, PayloadField>;

/** An interface to fence. */
export interface FenceDevice {
  readonly index: number;
  readonly name: string;
}

/** Addresses that open and close together. */
export interface FenceInstance {
  /** 0..2^32-1; unique in the fence. */
  readonly id: number;
  /** Virtual addresses, canonical text. */
  readonly addresses: readonly string[];
  /** While closed, this node serves what a peer forwards to these addresses. @default false */
  readonly isRealServer?: boolean;
}

/** That an instance is open from now on. */
export interface FenceLease {
  readonly id: number;
  readonly timeoutMs: number;
}

/** What a fence holds. */
export interface FenceSpec {
  /** Name of the table, for example `appliance`. */
  readonly table: string;
  readonly devices: readonly FenceDevice[];
  readonly instances: readonly FenceInstance[];
  /** Hardware addresses of the other director, six bytes each. @default none */
  readonly peers?: readonly Uint8Array[];
  /** Instances that are open at once, so that one whose lease runs stays so. @default none */
  readonly leases?: readonly FenceLease[];
  /** Nobody else can change the table. From Linux 6.9 on. @default true */
  readonly isOwned?: boolean;
}

function openSet(id: number): string {
  invariant(Number.isInteger(id) && id >= 0, "an instance has a number from 0 on");
  return `open_${id}`;
}

function instanceChain(id: number): string {
  return `instance_${id}`;
}

function is(ethertype: keyof typeof ethertypes): Attribute[] {
  return [meta(NFT_META_PROTOCOL, NFT_REG_1), compare(NFT_REG_1, ethertypes[ethertype])];
}

function has(field: PayloadField, value: Uint8Array): Attribute[] {
  return [payload(field, NFT_REG_1), compare(NFT_REG_1, value)];
}

function isIcmp6(type: Uint8Array): Attribute[] {
  return [
    ...is("ip6"),
    meta(NFT_META_L4PROTO, NFT_REG_1),
    compare(NFT_REG_1, Uint8Array.of(IPPROTO_ICMPV6)),
    ...has(fields.icmp6Type, type),
  ];
}

/** Sends packets whose field is a virtual address through the chain of its instance. */
function judge(field: PayloadField): Attribute[] {
  return [payload(field, NFT_REG_1), decide(field.length === 4 ? "vips4" : "vips6", NFT_REG_1)];
}

/** Goes on only if the field is in a set. */
function isOneOf(field: PayloadField, set: string): Attribute[] {
  return [payload(field, NFT_REG_1), isIn(set, NFT_REG_1)];
}

const egressRules: readonly (readonly Attribute[])[] = [
  [...is("arp"), ...judge(fields.arpSender)],
  [...isIcmp6(neighbourAdvertisement), ...judge(fields.icmp6Target)],
  // A solicitation from the address would move it in the neighbour's cache.
  [...isIcmp6(neighbourSolicitation), ...judge(fields.ip6Source)],
  [...is("ip"), ...isOneOf(fields.ipSource, "served4"), accept],
  [...is("ip6"), ...isOneOf(fields.ip6Source, "served6"), accept],
  [...is("ip"), ...judge(fields.ipSource)],
  [...is("ip6"), ...judge(fields.ip6Source)],
];

const isRequest = [...is("arp"), ...has(fields.arpOperation, arpRequest)];
const isFromPeer = isOneOf(fields.etherSource, "peers");

const ingressRules: readonly (readonly Attribute[])[] = [
  [...isRequest, ...isOneOf(fields.arpSender, "announced"), accept],
  [...isRequest, ...judge(fields.arpTarget)],
  [...isIcmp6(neighbourSolicitation), ...judge(fields.icmp6Target)],
  [...is("ip"), ...isOneOf(fields.ipDestination, "served4"), ...isFromPeer, accept],
  [...is("ip6"), ...isOneOf(fields.ip6Destination, "served6"), ...isFromPeer, accept],
  [...is("ip"), ...judge(fields.ipDestination)],
  [...is("ip6"), ...judge(fields.ip6Destination)],
];

/** Set and chain of one instance, which is closed. */
function addInstance(table: string, id: number, setId: number): Change[] {
  const set = openSet(id);
  const isClosed = [meta(NFT_META_NFPROTO, NFT_REG_1), isNotIn(set, NFT_REG_1)];
  return [
    addSet(table, { name: set, id: setId, key: "nfproto", hasTimeouts: true }),
    addChain(table, instanceChain(id)),
    addRule(table, instanceChain(id), [...isClosed, drop]),
  ];
}

/**
 * Chains of one device. When the device goes, kernels before 6.16 remove them; newer ones keep
 * them for a device of the same name that may come, until {@link removeFenceDevice}.
 */
export function addFenceDevice(table: string, { index, name }: FenceDevice): Change[] {
  return (["egress", "ingress"] as const).flatMap((direction) => {
    const chain = `${direction}_${index}`;
    const hook = { device: name, direction, priority: hookPriority };
    return [addChain(table, chain, hook), addRule(table, chain, [jump(direction)])];
  });
}

/** Takes a device out of the fence. */
export function removeFenceDevice(table: string, index: number): Change[] {
  return [deleteChain(table, `egress_${index}`), deleteChain(table, `ingress_${index}`)];
}

/** Elements in messages of a length that netlink can say. */
function addMany(table: string, set: string, elements: readonly SetElement[]): Change[] {
  const changes: Change[] = [];
  for (let start = 0; start < elements.length; start += elementsPerMessageMax) {
    const part = elements.slice(start, start + elementsPerMessageMax);
    changes.push(addElements(table, set, part));
  }
  return changes;
}

interface Vip {
  readonly key: Uint8Array;
  readonly jump: string;
  readonly isServed: boolean;
}

function vipsOf({ id, addresses, isRealServer = false }: FenceInstance): Vip[] {
  return addresses.map((address) => {
    const key = parseAddress(address);
    invariant(key !== undefined, `${address} is an address`);
    return { key, jump: instanceChain(id), isServed: isRealServer };
  });
}

/** Maps and sets that all instances share, with their elements. */
function addSharedSets({ table, instances, peers = [] }: FenceSpec): Change[] {
  const vips = instances.flatMap(vipsOf);
  const vips4 = vips.filter(({ key }) => key.length === 4);
  const vips6 = vips.filter(({ key }) => key.length === 16);
  const keys = (some: readonly Vip[]): SetElement[] => some.map(({ key }) => ({ key }));
  const served = (some: readonly Vip[]): SetElement[] =>
    keys(some.filter(({ isServed }) => isServed));
  const sets: readonly (readonly [name: string, key: DataType, elements: SetElement[]])[] = [
    ["announced", "ipv4", keys(vips4)],
    ["served4", "ipv4", served(vips4)],
    ["served6", "ipv6", served(vips6)],
    ["peers", "mac", peers.map((key) => ({ key }))],
  ];
  return [
    addSet(table, { name: "vips4", id: 1, key: "ipv4", data: "verdict", hasTimeouts: false }),
    addSet(table, { name: "vips6", id: 2, key: "ipv6", data: "verdict", hasTimeouts: false }),
    ...addMany(table, "vips4", vips4),
    ...addMany(table, "vips6", vips6),
    ...sets.flatMap(([name, key, elements], index) => [
      addSet(table, { name, id: 3 + index, key, hasTimeouts: false }),
      ...addMany(table, name, elements),
    ]),
  ];
}

/** Number of the first set of an instance; {@link addSharedSets} has those below. */
const instanceSetId = 100;

/**
 * The whole fence, in place of one of the same name and owner: closed for every instance that has
 * no lease in `spec`, without a moment in which there is none.
 */
export function replaceFence(spec: FenceSpec): Change[] {
  const { table, devices, instances, leases = [], isOwned = true } = spec;
  return [
    // Added so that it can be deleted, whether it was there or not.
    addTable(table, isOwned),
    deleteTable(table),
    addTable(table, isOwned),
    ...instances.flatMap(({ id }, index) => addInstance(table, id, instanceSetId + index)),
    ...addSharedSets(spec),
    ...leases.map(({ id, timeoutMs }) =>
      addElements(table, openSet(id), [{ key: everyPacket, timeoutMs }]),
    ),
    addChain(table, "egress"),
    addChain(table, "ingress"),
    ...egressRules.map((rule) => addRule(table, "egress", rule)),
    ...ingressRules.map((rule) => addRule(table, "ingress", rule)),
    ...devices.flatMap((device) => addFenceDevice(table, device)),
  ];
}

/**
 * Opens an instance for `timeoutMs` from now. An element that is there would keep its old end, so
 * it is deleted and added in one transaction; added before, because it may have ended meanwhile.
 */
export function renewLease(table: string, id: number, timeoutMs: number): Change[] {
  const set = openSet(id);
  const element = { key: everyPacket, timeoutMs };
  return [
    addElements(table, set, [element]),
    deleteElements(table, set, [{ key: everyPacket }]),
    addElements(table, set, [element]),
  ];
}

/** Takes the whole fence away. */
export function removeFence(table: string): Change[] {
  return [deleteTable(table)];
}

/** Closes an instance. */
export function closeLease(table: string, id: number): Change[] {
  const set = openSet(id);
  // As above: it may have ended by itself. A second is long enough for one transaction.
  return [
    addElements(table, set, [{ key: everyPacket, timeoutMs: 1000 }]),
    deleteElements(table, set, [{ key: everyPacket }]),
  ];
}
