/**
 * Traffic control in rtnetlink (linux/pkt_sched.h, linux/pkt_cls.h; tc-bpf(8)), as far as programs
 * at a device's ingress and egress need it: the clsact qdisc and its bpf filters. Pure.
 *
 * ```text
 * struct tcmsg: family 1 | pad 3 | interface 4 | handle 4 | parent 4 | info 4
 * ```
 *
 * Of a filter, `info` is its preference (upper half) and its protocol (lower half, big-endian).
 *
 * @module
 */

import {
  RTM_NEWQDISC,
  RTM_NEWTFILTER,
  TC_H_CLSACT,
  TC_H_CLSACT_HANDLE,
  TC_H_EGRESS,
  TC_H_INGRESS,
  TCA_BPF_FD,
  TCA_BPF_FLAG_ACT_DIRECT,
  TCA_BPF_FLAGS,
  TCA_BPF_FLAGS_GEN,
  TCA_BPF_ID,
  TCA_BPF_NAME,
  TCA_CHAIN,
  TCA_CLS_FLAGS_SKIP_HW,
  TCA_KIND,
  TCA_OPTIONS,
} from "../../../ffi/constants/traffic-control.ts";
import { attribute, AttributeReader, concatenate, encodeAttributes } from "../attribute.ts";
import { decoded, faulty } from "../decoded.ts";
import type { Decoded } from "../decoded.ts";
import type { NetlinkMessage } from "../message.ts";

const headBytes = 20;
/** ETH_P_ALL in network order. */
const protocolAll = 0x0300;
const parents = { in: TC_H_INGRESS, out: TC_H_EGRESS } as const;

/** Way of the packets that a filter sees. */
export type FilterDirection = keyof typeof parents;

/** Which filter of a device with clsact; all protocols. */
export interface FilterPlace {
  readonly index: number;
  readonly direction: FilterDirection;
  /** From 1 up: a lower one sees a packet earlier. */
  readonly preference: number;
  /** Number among the filters of the preference, not 0. */
  readonly handle: number;
  /** Packets start in chain 0. @default 0 */
  readonly chain?: number;
}

/** A program as a filter whose result is the verdict (direct-action). */
export interface NewBpfFilter extends FilterPlace {
  /** Descriptor; the kernel keeps the program itself. */
  readonly program: number;
  /** What lists show. */
  readonly name: string;
}

/** A filter of a device, in the order in which packets meet them. */
export interface Filter {
  /** `bpf`, `u32`, …. */
  readonly kind: string;
  readonly chain: number;
  readonly preference: number;
  /** 0: stands for the preference itself, not for one of its filters. */
  readonly handle: number;
  /** Of bpf: what it was called when it was made; else empty. */
  readonly name: string;
  /** Of bpf: the kernel's number of the program; else 0. */
  readonly programId: number;
}

/** A queueing discipline. */
export interface Qdisc {
  readonly index: number;
  readonly kind: string;
  /** True if it is where clsact would be: there is one such place. */
  readonly isAtIngress: boolean;
}

interface Head {
  readonly index: number;
  readonly handle?: number;
  readonly parent?: number;
  readonly info?: number;
}

function encodeHead({ index, handle = 0, parent = 0, info = 0 }: Head): Uint8Array {
  const head = new Uint8Array(headBytes);
  const view = new DataView(head.buffer);
  view.setInt32(4, index, true);
  view.setUint32(8, handle, true);
  view.setUint32(12, parent, true);
  view.setUint32(16, info, true);
  return head;
}

/** Payload of RTM_NEWQDISC and RTM_DELQDISC for clsact on a device. */
export function encodeClsact(index: number): Uint8Array {
  const head = encodeHead({ index, handle: TC_H_CLSACT_HANDLE, parent: TC_H_CLSACT });
  return concatenate(head, encodeAttributes([attribute.text(TCA_KIND, "clsact")]));
}

/** Payload of RTM_GETQDISC for the list of all. */
export function encodeGetQdiscs(): Uint8Array {
  return encodeHead({ index: 0 });
}

function encodePlace({ index, direction, preference, handle }: FilterPlace): Uint8Array {
  const info = ((preference << 16) | protocolAll) >>> 0;
  return encodeHead({ index, handle, parent: parents[direction], info });
}

/** Payload of RTM_NEWTFILTER. */
export function encodeNewFilter(filter: NewBpfFilter): Uint8Array {
  const attributes = [
    attribute.text(TCA_KIND, "bpf"),
    attribute.u32(TCA_CHAIN, filter.chain ?? 0),
    attribute.nested(TCA_OPTIONS, [
      attribute.u32(TCA_BPF_FD, filter.program),
      attribute.text(TCA_BPF_NAME, filter.name),
      attribute.u32(TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT),
      attribute.u32(TCA_BPF_FLAGS_GEN, TCA_CLS_FLAGS_SKIP_HW),
    ]),
  ];
  return concatenate(encodePlace(filter), encodeAttributes(attributes));
}

/** Payload of RTM_DELTFILTER. */
export function encodeOldFilter(place: FilterPlace): Uint8Array {
  const attributes = [attribute.text(TCA_KIND, "bpf"), attribute.u32(TCA_CHAIN, place.chain ?? 0)];
  return concatenate(encodePlace(place), encodeAttributes(attributes));
}

/** Payload of RTM_GETTFILTER for the list of one direction of a device. */
export function encodeGetFilters(index: number, direction: FilterDirection): Uint8Array {
  return encodeHead({ index, parent: parents[direction] });
}

function viewOf(payload: Uint8Array): DataView {
  return new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
}

/** Reads RTM_NEWQDISC; undefined for others. Never throws. */
export function decodeQdisc({ type, payload }: NetlinkMessage): Decoded<Qdisc | undefined> {
  if (type !== RTM_NEWQDISC) return decoded(undefined);
  if (payload.length < headBytes) return faulty("truncated");
  const attributes = new AttributeReader(payload.subarray(headBytes));
  const kind = attributes.text(TCA_KIND);
  if (attributes.fault !== undefined) return faulty(attributes.fault);
  if (kind === undefined) return faulty("missing");
  const view = viewOf(payload);
  const isAtIngress = view.getUint32(12, true) === TC_H_CLSACT;
  return decoded({ index: view.getInt32(4, true), kind, isAtIngress });
}

/** Reads RTM_NEWTFILTER; undefined for others. Never throws. */
export function decodeFilter({ type, payload }: NetlinkMessage): Decoded<Filter | undefined> {
  if (type !== RTM_NEWTFILTER) return decoded(undefined);
  if (payload.length < headBytes) return faulty("truncated");
  const attributes = new AttributeReader(payload.subarray(headBytes));
  const kind = attributes.text(TCA_KIND);
  const chain = attributes.u32(TCA_CHAIN) ?? 0;
  const options = kind === "bpf" ? attributes.nested(TCA_OPTIONS) : undefined;
  const name = options?.text(TCA_BPF_NAME) ?? "";
  const programId = options?.u32(TCA_BPF_ID) ?? 0;
  if (attributes.fault !== undefined) return faulty(attributes.fault);
  if (kind === undefined) return faulty("missing");
  const view = viewOf(payload);
  const preference = view.getUint16(18, true);
  return decoded({ kind, chain, preference, handle: view.getUint32(8, true), name, programId });
}
