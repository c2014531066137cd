/**
 * How the programs of the fence get to devices: one way by TCX links, one by clsact filters.
 *
 * @module
 */

import type { FenceFinding, FenceHook } from "./fence.ts";

/**
 * Ways to attach: `tcx` from Linux 6.6 on, `clsact` before. A foreign program at TCX comes before
 * clsact and can bypass it, so `clsact` is only for kernels without.
 */
export type FenceAttachment = "tcx" | "clsact";

/** Keeps the programs on devices; what it attached outlives the process. */
export interface FenceAttacher {
  /** Puts the new programs in the place of those that an earlier process has left. */
  takeOver(): void;
  /** Attaches the programs, outward first; nothing happens where they are already. */
  attach(device: number): void;
  /** Takes them off a device, or forgets one that is gone. */
  detach(device: number): void;
  /** Looks whether all are where they belong, and puts them back where they are not. */
  mend(): FenceFinding[];
  /** Where they are, for who looks after them elsewhere; undefined: only {@link mend} can look. */
  hooks(): readonly FenceHook[] | undefined;
  /** Takes them off all devices. */
  remove(): void;
  /** Leaves them in force. */
  close(): void;
}
