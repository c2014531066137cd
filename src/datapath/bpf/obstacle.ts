/**
 * Why the bpf engine cannot be used on this host, in words that say what to do about it.
 *
 * @module
 */

import { readFileSync } from "node:fs";

import { EPERM, SyscallError } from "../../../ffi/errno.ts";
import { hasTcx, openBpfFileSystem } from "../../bpf/index.ts";
import type { BpfKernel } from "../../bpf/index.ts";
import { errorText } from "../../errors/index.ts";
import { balancerPinsName, tryBalancer } from "./program.ts";

/** Bits of a set of capabilities (linux/capability.h). */
const capabilities = [
  ["CAP_NET_ADMIN", 12],
  ["CAP_PERFMON", 38],
  ["CAP_BPF", 39],
] as const;
/** Stands for the last two. */
const sysAdminBit = 21;

/** What the answer is found with. */
export interface BpfObstacleOptions {
  readonly kernel: BpfKernel;
  /** For a bpf file system where the host has none. */
  readonly runtimeDirectory: string;
  /** Text of /proc/self/status. */
  readonly readStatus?: (() => string) | undefined;
}

/** Capabilities that the engine needs and the text of /proc/PID/status does not have. Pure. */
export function missingCapabilities(status: string): readonly string[] {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? "0"}`);
  const has = (bit: number): boolean => ((effective >> BigInt(bit)) & 1n) === 1n;
  return capabilities.flatMap(([name, bit]) => {
    return has(bit) || (bit > sysAdminBit && has(sysAdminBit)) ? [] : [name];
  });
}

/** Lines told of a verifier's log, which may have thousands: its verdict stands at its end. */
const toldLines = 3;

/** An error with a long log as one line. */
function shortText(error: unknown): string {
  const [first = "", ...log] = errorText(error)
    .split("\n")
    .filter((line) => line.trim() !== "");
  return [first, ...log.slice(-toldLines)].join("; ");
}

/** Why the program cannot be loaded. The verifier says EACCES too. */
function loadFault(error: unknown, readStatus: () => string): string {
  const missing = missingCapabilities(readStatus());
  const isForbidden = error instanceof SyscallError && error.errno === EPERM;
  if (missing.length > 0 && error instanceof SyscallError) {
    return `bpf may not be used: ${missing.join(", ")} missing`;
  }
  if (isForbidden) {
    return (
      "bpf may not be used: this host forbids it to this process, " +
      "as in a container without the capabilities of its host"
    );
  }
  return `this kernel refuses the bpf program: ${shortText(error)}`;
}

/** Finds out by doing: nothing is attached to anything. Undefined: the engine can be used. */
export function findBpfObstacle(options: BpfObstacleOptions): string | undefined {
  const { kernel, runtimeDirectory } = options;
  const readStatus = options.readStatus ?? (() => readFileSync("/proc/self/status", "utf8"));
  try {
    if (!hasTcx(kernel)) return "this kernel has no TCX links for bpf programs: Linux 6.6 has";
    // Without the right to load programs a place for their pins says nothing.
    tryBalancer(kernel);
  } catch (error) {
    return loadFault(error, readStatus);
  }
  try {
    openBpfFileSystem(balancerPinsName, runtimeDirectory);
    return undefined;
  } catch (error) {
    const cure = "mount -t bpf bpf /sys/fs/bpf";
    return `there is no bpf file system to write to: ${cure} (${errorText(error)})`;
  }
}
