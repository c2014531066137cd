/**
 * Expressions of nf_tables rules (linux/netfilter/nf_tables.h): load, compare, look up, decide.
 * Pure.
 *
 * A rule is a list of expressions over registers of 16 bytes; one that does not hold ends the rule.
 * Numbers of nfnetlink are big-endian; data in registers is as it stands in the packet, marks are
 * in the order of the host.
 *
 * @module
 */

import {
  NF_ACCEPT,
  NF_DROP,
  NFT_CMP_EQ,
  NFT_JUMP,
  NFT_LOOKUP_F_INV,
  NFT_PAYLOAD_LL_HEADER,
  NFT_PAYLOAD_NETWORK_HEADER,
  NFT_PAYLOAD_TRANSPORT_HEADER,
  NFT_REG_VERDICT,
  NFTA_CMP_DATA,
  NFTA_CMP_OP,
  NFTA_CMP_SREG,
  NFTA_DATA_VALUE,
  NFTA_DATA_VERDICT,
  NFTA_EXPR_DATA,
  NFTA_EXPR_NAME,
  NFTA_IMMEDIATE_DATA,
  NFTA_IMMEDIATE_DREG,
  NFTA_LIST_ELEM,
  NFTA_LOOKUP_DREG,
  NFTA_LOOKUP_FLAGS,
  NFTA_LOOKUP_SET,
  NFTA_LOOKUP_SREG,
  NFTA_META_DREG,
  NFTA_META_KEY,
  NFTA_PAYLOAD_BASE,
  NFTA_PAYLOAD_DREG,
  NFTA_PAYLOAD_LEN,
  NFTA_PAYLOAD_OFFSET,
  NFTA_VERDICT_CHAIN,
  NFTA_VERDICT_CODE,
} from "../../../ffi/constants/nf-tables.ts";
import { attribute } from "../attribute.ts";
import type { Attribute } from "../attribute.ts";

function expression(name: string, data: readonly Attribute[]): Attribute {
  return attribute.nested(NFTA_LIST_ELEM, [
    attribute.text(NFTA_EXPR_NAME, name),
    attribute.nested(NFTA_EXPR_DATA, data),
  ]);
}

/** Loads what the kernel knows of a packet (`meta`). @param key NFT_META_ number. */
export function meta(key: number, register: number): Attribute {
  return expression("meta", [
    attribute.be32(NFTA_META_KEY, key),
    attribute.be32(NFTA_META_DREG, register),
  ]);
}

const headerNumbers = {
  link: NFT_PAYLOAD_LL_HEADER,
  network: NFT_PAYLOAD_NETWORK_HEADER,
  transport: NFT_PAYLOAD_TRANSPORT_HEADER,
} as const;

/** A place in a packet. */
export interface PayloadField {
  readonly header: "link" | "network" | "transport";
  /** Bytes from the start of that header. */
  readonly offset: number;
  /** Bytes, 1..16. */
  readonly length: number;
}

/** Loads bytes of a packet. */
export function payload({ header, offset, length }: PayloadField, register: number): Attribute {
  return expression("payload", [
    attribute.be32(NFTA_PAYLOAD_DREG, register),
    attribute.be32(NFTA_PAYLOAD_BASE, headerNumbers[header]),
    attribute.be32(NFTA_PAYLOAD_OFFSET, offset),
    attribute.be32(NFTA_PAYLOAD_LEN, length),
  ]);
}

/** Holds if the register equals `data`. */
export function compare(register: number, data: Uint8Array): Attribute {
  return expression("cmp", [
    attribute.be32(NFTA_CMP_SREG, register),
    attribute.be32(NFTA_CMP_OP, NFT_CMP_EQ),
    attribute.nested(NFTA_CMP_DATA, [attribute.bytes(NFTA_DATA_VALUE, data)]),
  ]);
}

/** Holds if the set has no such element as the register's. */
export function isNotIn(set: string, register: number): Attribute {
  return expression("lookup", [
    attribute.text(NFTA_LOOKUP_SET, set),
    attribute.be32(NFTA_LOOKUP_SREG, register),
    attribute.be32(NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV),
  ]);
}

/** Holds if the set has the register's element. */
export function isIn(set: string, register: number): Attribute {
  return expression("lookup", [
    attribute.text(NFTA_LOOKUP_SET, set),
    attribute.be32(NFTA_LOOKUP_SREG, register),
  ]);
}

/** Does what a map of verdicts says of the register; does not hold if the map says nothing. */
export function decide(map: string, register: number): Attribute {
  return expression("lookup", [
    attribute.text(NFTA_LOOKUP_SET, map),
    attribute.be32(NFTA_LOOKUP_SREG, register),
    attribute.be32(NFTA_LOOKUP_DREG, NFT_REG_VERDICT),
  ]);
}

function immediate(data: Attribute): Attribute {
  return expression("immediate", [
    attribute.be32(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT),
    attribute.nested(NFTA_IMMEDIATE_DATA, [data]),
  ]);
}

function verdict(code: number): Attribute {
  return attribute.nested(NFTA_DATA_VERDICT, [attribute.be32(NFTA_VERDICT_CODE, code)]);
}

/** Going through another chain and returning, as the data of a rule or of a map. */
export function jumpVerdict(chain: string): Attribute {
  return attribute.nested(NFTA_DATA_VERDICT, [
    attribute.be32(NFTA_VERDICT_CODE, NFT_JUMP >>> 0),
    attribute.text(NFTA_VERDICT_CHAIN, chain),
  ]);
}

/** Ends the packet. */
export const drop: Attribute = immediate(verdict(NF_DROP));

/** Lets the packet go on, past the rest of the table. */
export const accept: Attribute = immediate(verdict(NF_ACCEPT));

/** Goes through another chain and returns. */
export function jump(chain: string): Attribute {
  return immediate(jumpVerdict(chain));
}
