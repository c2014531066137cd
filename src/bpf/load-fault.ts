/**
 * Why this host does not let a bpf program in, in words that say what is missing.
 *
 * @module
 */

import { readFileSync } from "node:fs";

import { EPERM, SyscallError } from "../../ffi/errno.ts";
import { errorText } from "../errors/index.ts";

/** Bits of a set of capabilities (linux/capability.h). */
const capabilities = [
  ["CAP_NET_ADMIN", 12],
  ["CAP_PERFMON", 38],
  ["CAP_BPF", 39],
] as const;
/** Stands for the last two. */
const sysAdminBit = 21;

function readOwnStatus(): string {
  return readFileSync("/proc/self/status", "utf8");
}

/** Capabilities that bpf needs and the text of /proc/PID/status does not have. Pure. */
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

/**
 * Why a program cannot be loaded. The verifier says EACCES too.
 *
 * @param error What loading it threw.
 * @param readStatus Text of /proc/self/status.
 */
export function bpfLoadFault(error: unknown, readStatus = readOwnStatus): string {
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
