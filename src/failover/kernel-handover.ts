/**
 * The kernel's part in a planned handover: the director that gives the addresses up drains, and the
 * new owner has what belongs to the other's connections sent on to it.
 *
 * Only the fence of bpf can do that. Belongs to the real-time thread.
 *
 * @module
 */

import { SyscallError } from "../../ffi/errno.ts";
import { leaseFlagForward, leaseFlagRealServer } from "../fence/index.ts";
import type { BpfFence, HandoverPlace, LeaseTable } from "../fence/index.ts";

/** What it works with. */
export interface KernelHandoverParts {
  readonly fence: Pick<BpfFence, "setHandover">;
  readonly leases: Pick<LeaseTable, "drain" | "hasFlag" | "setFlag">;
  /** Gets what could not be done. */
  readonly complain: (text: string) => void;
}

/** Without parts nothing can drain, and nothing is sent on. */
export class KernelHandover {
  readonly #parts: KernelHandoverParts | undefined;

  constructor(parts: KernelHandoverParts | undefined) {
    this.#parts = parts;
  }

  /**
   * False: addresses are closed before they are given up. So it is where this node is a real server
   * of them, too: what the other director sends it is to be delivered, and balanced no more.
   */
  canDrain(slot: number): boolean {
    return this.#parts?.leases.hasFlag(slot, leaseFlagRealServer) === false;
  }

  /** See `LeaseTable.drain()`. */
  drain(slot: number, endNs: bigint, nowNs: bigint): void {
    this.#parts?.leases.drain(slot, endNs, nowNs);
  }

  /**
   * Sends on until `endNs`, which the kernel knows, or no more.
   *
   * @param places Where the other director is; those of before stay, to their own end.
   * @param endNs ns of CLOCK_MONOTONIC; 0: no more.
   */
  forward(slot: number, places: readonly HandoverPlace[], endNs: bigint): void {
    if (this.#parts === undefined) return;
    const { fence, leases, complain } = this.#parts;
    // What a server here listens for may belong to a connection that is balanced.
    if (!this.canDrain(slot)) return leases.setFlag(slot, leaseFlagForward, false);
    // The entries first, and the flag last: without it the program does not look at them.
    try {
      for (const place of places) fence.setHandover(slot, place, endNs);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      complain(`Cannot send on to the other director: ${error.message}`);
    }
    leases.setFlag(slot, leaseFlagForward, endNs !== 0n);
  }
}
