/**
 * Looks whether the fence is first in its chains, for the real-time thread: the question waits for
 * the kernel's lock of the network configuration, which others may hold for longer than a lease
 * lasts. Whoever renews leases must not wait for it. Belongs to the main thread.
 *
 * @module
 */

import { BPF_TCX_EGRESS, BPF_TCX_INGRESS } from "../../ffi/constants/bpf.ts";
import { ENODEV, SyscallError } from "../../ffi/errno.ts";
import type { FenceHook } from "../fence/index.ts";

/** Between two looks, ms. */
const lookIntervalMs = 100;

const hookNumbers = { in: BPF_TCX_INGRESS, out: BPF_TCX_EGRESS } as const;

/** What it works with. */
export interface FenceWatchParts {
  /** The kernel's numbers of the programs at a hook of a device, the first one first. */
  readonly programs: (device: number, hook: number) => readonly number[];
  /** The fence must be put back; settles when that was tried. */
  readonly mend: () => Promise<void>;
}

/** Looks ten times a second. */
export class FenceWatch {
  readonly #parts: FenceWatchParts;
  readonly #timer: Timer;
  #hooks: readonly FenceHook[] = [];
  #isMending = false;

  constructor(parts: FenceWatchParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => this.look(), lookIntervalMs);
    this.#timer.unref();
  }

  /** Where the fence is from now on. */
  follow(hooks: readonly FenceHook[]): void {
    this.#hooks = hooks;
  }

  /** Looks now, unless what the last look found is still being mended. */
  look(): void {
    if (this.#isMending || this.#hooks.every((hook) => this.#isFirst(hook))) return;
    this.#isMending = true;
    void this.#parts.mend().finally(() => {
      this.#isMending = false;
    });
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #isFirst({ device, direction, program }: FenceHook): boolean {
    try {
      return this.#parts.programs(device, hookNumbers[direction])[0] === program;
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      // Gone, and with it its packets: the thread has a notice of that.
      return error.errno === ENODEV;
    }
  }
}

type Timer = ReturnType<typeof setInterval>;
