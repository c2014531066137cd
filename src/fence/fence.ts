/**
 * What a fence does, whatever enforces it.
 *
 * A fence keeps this node from answering for the addresses of an instance but while its lease runs
 * and it is not closed. It is closed from the start, and stays when the process dies.
 *
 * @module
 */

import type { FenceDevice } from "./devices.ts";

/** Packets that were dropped or, of fenced addresses, let through; since the maps were made. */
export interface FenceCounters {
  readonly dropped: Readonly<Record<FencePacket, number>>;
  readonly passed: Readonly<Record<FencePacket, number>>;
  /** Packets sent on to the director that drains. */
  readonly forwarded: number;
}

/** Kinds of packets that a fence tells apart. */
export const fencePackets = [
  "arp-in",
  "neighbour-in",
  "ip-in",
  "arp-out",
  "neighbour-out",
  "ip-out",
] as const;

/** Kind of a packet and its direction. */
export type FencePacket = (typeof fencePackets)[number];

/** What a look at the devices found, and mended if it could. */
export interface FenceFinding {
  readonly device: number;
  readonly direction: "in" | "out";
  /** `missing`: it was not attached any more; `not-first`: a foreign program stood before it. */
  readonly fault: "missing" | "not-first";
  /** Why it could not be put back; left out if it was. */
  readonly problem?: string;
}

/** Where a program of the fence is, and is to be the first. */
export interface FenceHook {
  readonly device: number;
  readonly direction: "in" | "out";
  /** The kernel's number of it. */
  readonly program: number;
}

/** A fence. All devices are fenced before the first address is added to one. */
export interface Fence {
  readonly kind: "bpf" | "nft";
  /** Says which addresses belong to which instance; what is named no more is fenced no more. */
  setAddresses(addresses: ReadonlyMap<string, number>): void;
  /**
   * Closes the fence on a device, outward first. Nothing happens if it is there already.
   *
   * @throws {SyscallError} `ENODEV` if the device went away meanwhile.
   */
  attach(device: FenceDevice): void;
  /** Forgets a device that is gone, or has become a port of another. */
  detach(device: number): void;
  /** Looks whether it is still first everywhere, and puts it back where it is not. */
  mend(): FenceFinding[];
  counters(): FenceCounters;
  /** Takes it off all devices. Only when no address is held. */
  remove(): void;
  /** Leaves it in force, for the next process to take over. */
  close(): void;
}
