/**
 * Why `vip` checks cannot be made on this host, in words that say what is missing.
 *
 * @module
 */

import {
  bpfLoadFault,
  hasTcx,
  hostBpfKernel,
  loadBpfCollection,
  vipPathObject,
} from "../bpf/index.ts";
import type { BpfKernel } from "../bpf/index.ts";

/** Finds out by doing: nothing is attached to anything. Undefined: they can be made. */
export function findVipPathObstacle(
  kernel: BpfKernel = hostBpfKernel,
  readStatus?: () => string,
): string | undefined {
  try {
    if (!hasTcx(kernel)) return "this kernel has no TCX links for bpf programs: Linux 6.6 has";
    loadBpfCollection(vipPathObject(), { kernel, pins: undefined }).close();
    return undefined;
  } catch (error) {
    return bpfLoadFault(error, readStatus);
  }
}
