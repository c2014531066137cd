/**
 * Transactions of nf_tables over nfnetlink (linux/netfilter/nfnetlink.h): a mark, changes, a mark;
 * the kernel takes all of the changes or none. Pure.
 *
 * ```text
 * struct nfgenmsg: family 1 | version 1 | resource 2 (big-endian)
 * ```
 *
 * @module
 */

import {
  NFNETLINK_V0,
  NFNL_MSG_BATCH_BEGIN,
  NFNL_MSG_BATCH_END,
  NFNL_SUBSYS_NFTABLES,
  NLM_F_ACK,
  NLM_F_REQUEST,
} from "../../../ffi/constants/netlink.ts";
import { NFPROTO_NETDEV } from "../../../ffi/constants/nf-tables.ts";
import { concatenate, encodeAttributes } from "../attribute.ts";
import type { Attribute } from "../attribute.ts";
import { encodeMessage } from "../message.ts";

/** One change of the family netdev. */
export interface Change {
  /** NFT_MSG_ number. */
  readonly message: number;
  /** NLM_F_CREATE and its kin. */
  readonly flags?: number;
  readonly attributes: readonly Attribute[];
}

/** `struct nfgenmsg` and attributes. */
export function encodeNetfilter(
  family: number,
  resource: number,
  attributes: readonly Attribute[],
): Uint8Array {
  const head = Uint8Array.of(family, NFNETLINK_V0, resource >> 8, resource & 0xff);
  return concatenate(head, encodeAttributes(attributes));
}

/** Message type of an nf_tables request. */
export function nftablesType(message: number): number {
  return (NFNL_SUBSYS_NFTABLES << 8) | message;
}

/** Messages of a transaction of so many changes: the marks count. */
export function transactionMessages(changes: readonly Change[]): number {
  return changes.length + 2;
}

/**
 * Bytes of a transaction, its messages numbered from `sequence` on. Only the last change asks for
 * an acknowledgement: it comes after the refusals of all others.
 */
export function encodeTransaction(changes: readonly Change[], sequence: number): Uint8Array {
  const mark = encodeNetfilter(0, NFNL_SUBSYS_NFTABLES, []);
  const messages = [
    { type: NFNL_MSG_BATCH_BEGIN, flags: 0, payload: mark },
    ...changes.map(({ message, flags = 0, attributes }, index) => ({
      type: nftablesType(message),
      flags: index === changes.length - 1 ? flags | NLM_F_ACK : flags,
      payload: encodeNetfilter(NFPROTO_NETDEV, 0, attributes),
    })),
    { type: NFNL_MSG_BATCH_END, flags: 0, payload: mark },
  ];
  const parts = messages.map(({ type, flags, payload }, index) => {
    const head = { type, flags: NLM_F_REQUEST | flags, sequence: sequence + index, port: 0 };
    return encodeMessage({ ...head, payload });
  });
  return concatenate(...parts);
}
