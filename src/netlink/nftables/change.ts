/**
 * Changes of nf_tables in the family netdev: tables, chains, rules, sets and their elements. Pure.
 *
 * @module
 */

import { NLM_F_APPEND, NLM_F_CREATE } from "../../../ffi/constants/netlink.ts";
import {
  NF_ACCEPT,
  NF_NETDEV_EGRESS,
  NF_NETDEV_INGRESS,
  NFT_MSG_DELCHAIN,
  NFT_MSG_DELSETELEM,
  NFT_MSG_DELTABLE,
  NFT_MSG_NEWCHAIN,
  NFT_MSG_NEWRULE,
  NFT_MSG_NEWSET,
  NFT_MSG_NEWSETELEM,
  NFT_MSG_NEWTABLE,
  NFT_SET_MAP,
  NFT_SET_TIMEOUT,
  NFT_TABLE_F_OWNER,
  NFT_TABLE_F_PERSIST,
  NFTA_CHAIN_HOOK,
  NFTA_CHAIN_NAME,
  NFTA_CHAIN_POLICY,
  NFTA_CHAIN_TABLE,
  NFTA_CHAIN_TYPE,
  NFTA_DATA_VALUE,
  NFTA_HOOK_DEV,
  NFTA_HOOK_HOOKNUM,
  NFTA_HOOK_PRIORITY,
  NFTA_LIST_ELEM,
  NFTA_RULE_CHAIN,
  NFTA_RULE_EXPRESSIONS,
  NFTA_RULE_TABLE,
  NFTA_SET_DATA_LEN,
  NFTA_SET_DATA_TYPE,
  NFTA_SET_ELEM_DATA,
  NFTA_SET_ELEM_KEY,
  NFTA_SET_ELEM_LIST_ELEMENTS,
  NFTA_SET_ELEM_LIST_SET,
  NFTA_SET_ELEM_LIST_TABLE,
  NFTA_SET_ELEM_TIMEOUT,
  NFTA_SET_FLAGS,
  NFTA_SET_ID,
  NFTA_SET_KEY_LEN,
  NFTA_SET_KEY_TYPE,
  NFTA_SET_NAME,
  NFTA_SET_TABLE,
  NFTA_TABLE_FLAGS,
  NFTA_TABLE_NAME,
} from "../../../ffi/constants/nf-tables.ts";
import { attribute } from "../attribute.ts";
import type { Attribute } from "../attribute.ts";
import type { Change } from "./batch.ts";
import { jumpVerdict } from "./expression.ts";

/** Types of keys and data: number of the program nft, which lists them by it, and bytes. */
const dataTypes = {
  ipv4: { number: 7, length: 4 },
  ipv6: { number: 8, length: 16 },
  mac: { number: 9, length: 6 },
  nfproto: { number: 2, length: 1 },
  // NFT_DATA_VERDICT; the kernel knows its length.
  verdict: { number: 0xffff_ff00, length: 16 },
} as const;

/** Type of a key or of data. */
export type DataType = keyof typeof dataTypes;

/**
 * Adds a table that stays when this socket is closed, or takes one that its owner has left.
 *
 * @param isOwned Only this socket may change it, until it is closed. From Linux 6.9 on.
 */
export function addTable(table: string, isOwned: boolean): Change {
  const flags = NFT_TABLE_F_OWNER | NFT_TABLE_F_PERSIST;
  return {
    message: NFT_MSG_NEWTABLE,
    flags: NLM_F_CREATE,
    attributes: [
      attribute.text(NFTA_TABLE_NAME, table),
      ...(isOwned ? [attribute.be32(NFTA_TABLE_FLAGS, flags)] : []),
    ],
  };
}

/** Removes a table with all that is in it. */
export function deleteTable(table: string): Change {
  return { message: NFT_MSG_DELTABLE, attributes: [attribute.text(NFTA_TABLE_NAME, table)] };
}

/** A chain that packets of one device pass, in one direction. */
export interface DeviceHook {
  readonly device: string;
  readonly direction: "ingress" | "egress";
  /** Lower is earlier; may be negative. */
  readonly priority: number;
}

/** Adds a chain; without a hook only jumps lead to it. Packets that end it pass. */
export function addChain(table: string, chain: string, hook?: DeviceHook): Change {
  const attributes = [
    attribute.text(NFTA_CHAIN_TABLE, table),
    attribute.text(NFTA_CHAIN_NAME, chain),
  ];
  if (hook !== undefined) {
    const number = hook.direction === "ingress" ? NF_NETDEV_INGRESS : NF_NETDEV_EGRESS;
    attributes.push(
      attribute.nested(NFTA_CHAIN_HOOK, [
        attribute.be32(NFTA_HOOK_HOOKNUM, number),
        attribute.be32(NFTA_HOOK_PRIORITY, hook.priority >>> 0),
        attribute.text(NFTA_HOOK_DEV, hook.device),
      ]),
      attribute.be32(NFTA_CHAIN_POLICY, NF_ACCEPT),
      attribute.text(NFTA_CHAIN_TYPE, "filter"),
    );
  }
  return { message: NFT_MSG_NEWCHAIN, flags: NLM_F_CREATE, attributes };
}

/** Removes a chain with its rules. */
export function deleteChain(table: string, chain: string): Change {
  const attributes = [
    attribute.text(NFTA_CHAIN_TABLE, table),
    attribute.text(NFTA_CHAIN_NAME, chain),
  ];
  return { message: NFT_MSG_DELCHAIN, attributes };
}

/** Adds a rule at the end of a chain. */
export function addRule(table: string, chain: string, expressions: readonly Attribute[]): Change {
  return {
    message: NFT_MSG_NEWRULE,
    flags: NLM_F_CREATE | NLM_F_APPEND,
    attributes: [
      attribute.text(NFTA_RULE_TABLE, table),
      attribute.text(NFTA_RULE_CHAIN, chain),
      attribute.nested(NFTA_RULE_EXPRESSIONS, expressions),
    ],
  };
}

/** A set, or with `data` a map. */
export interface NewSet {
  readonly name: string;
  /** Number by which the kernel knows it within the transaction; unique there. */
  readonly id: number;
  readonly key: DataType;
  readonly data?: DataType;
  /** Elements may end by themselves. */
  readonly hasTimeouts: boolean;
}

/** Adds an empty set. */
export function addSet(table: string, { name, id, key, data, hasTimeouts }: NewSet): Change {
  const flags = (data === undefined ? 0 : NFT_SET_MAP) | (hasTimeouts ? NFT_SET_TIMEOUT : 0);
  const attributes = [
    attribute.text(NFTA_SET_TABLE, table),
    attribute.text(NFTA_SET_NAME, name),
    attribute.be32(NFTA_SET_FLAGS, flags),
    attribute.be32(NFTA_SET_KEY_TYPE, dataTypes[key].number),
    attribute.be32(NFTA_SET_KEY_LEN, dataTypes[key].length),
    attribute.be32(NFTA_SET_ID, id),
  ];
  if (data !== undefined) {
    attributes.push(
      attribute.be32(NFTA_SET_DATA_TYPE, dataTypes[data].number),
      attribute.be32(NFTA_SET_DATA_LEN, dataTypes[data].length),
    );
  }
  return { message: NFT_MSG_NEWSET, flags: NLM_F_CREATE, attributes };
}

/** An element of a set. */
export interface SetElement {
  readonly key: Uint8Array;
  /** Of maps of verdicts: the chain it leads to. */
  readonly jump?: string;
  /** Milliseconds until it ends by itself; the kernel counts in ticks of 1 to 10 ms. */
  readonly timeoutMs?: number;
}

function elementAttribute({ key, jump, timeoutMs }: SetElement): Attribute {
  return attribute.nested(NFTA_LIST_ELEM, [
    attribute.nested(NFTA_SET_ELEM_KEY, [attribute.bytes(NFTA_DATA_VALUE, key)]),
    ...(jump === undefined ? [] : [attribute.nested(NFTA_SET_ELEM_DATA, [jumpVerdict(jump)])]),
    ...(timeoutMs === undefined
      ? []
      : [attribute.be64(NFTA_SET_ELEM_TIMEOUT, BigInt(Math.floor(timeoutMs)))]),
  ]);
}

function elementsAttributes(table: string, set: string, elements: readonly SetElement[]) {
  return [
    attribute.text(NFTA_SET_ELEM_LIST_TABLE, table),
    attribute.text(NFTA_SET_ELEM_LIST_SET, set),
    attribute.nested(NFTA_SET_ELEM_LIST_ELEMENTS, elements.map(elementAttribute)),
  ];
}

/** Adds elements; one that is there stays as it is, its timeout too. */
export function addElements(table: string, set: string, elements: readonly SetElement[]): Change {
  const attributes = elementsAttributes(table, set, elements);
  return { message: NFT_MSG_NEWSETELEM, flags: NLM_F_CREATE, attributes };
}

/** Removes elements; one that is not there refuses the transaction. */
export function deleteElements(
  table: string,
  set: string,
  elements: readonly SetElement[],
): Change {
  return { message: NFT_MSG_DELSETELEM, attributes: elementsAttributes(table, set, elements) };
}
