/**
 * Why the bpf engine cannot be used on this host, in words that say what to do about it.
 *
 * @module
 */

import { bpfLoadFault, hasTcx, openBpfFileSystem } from "../../bpf/index.ts";
import type { BpfKernel } from "../../bpf/index.ts";
import { errorText } from "../../errors/index.ts";
import { balancerPinsName, tryBalancer } from "./program.ts";

/** What the answer is found with. */
export interface BpfObstacleOptions {
  readonly kernel: BpfKernel;
  /** For a bpf file system where the host has none. */
  readonly runtimeDirectory: string;
  /** Text of /proc/self/status. */
  readonly readStatus?: (() => string) | undefined;
}

/** Finds out by doing: nothing is attached to anything. Undefined: the engine can be used. */
export function findBpfObstacle(options: BpfObstacleOptions): string | undefined {
  const { kernel, runtimeDirectory } = options;
  try {
    if (!hasTcx(kernel)) return "this kernel has no TCX links for bpf programs: Linux 6.6 has";
    // Without the right to load programs a place for their pins says nothing.
    tryBalancer(kernel);
  } catch (error) {
    return bpfLoadFault(error, options.readStatus);
  }
  try {
    openBpfFileSystem(balancerPinsName, runtimeDirectory);
    return undefined;
  } catch (error) {
    const cure = "mount -t bpf bpf /sys/fs/bpf";
    return `there is no bpf file system to write to: ${cure} (${errorText(error)})`;
  }
}
