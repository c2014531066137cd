/**
 * Results of checks: the few ways to make one, and what an errno means for a real server.
 *
 * Pure.
 *
 * @module
 */

import {
  EACCES,
  EADDRNOTAVAIL,
  EAGAIN,
  ECONNREFUSED,
  ECONNRESET,
  EMFILE,
  ENFILE,
  ENOBUFS,
  ENOMEM,
  EPERM,
  EPIPE,
  errnoName,
  ETIMEDOUT,
} from "../../ffi/errno.ts";
import type { CheckResult, FailureReason } from "./check.ts";

/** Why a check failed, without the time it took. */
export interface Failure {
  readonly reason: FailureReason;
  readonly detail: string;
}

/** Longest detail kept: it goes into logs and the status page, and parts come from servers. */
const detailCharactersMax = 200;

const reasonByErrno: Readonly<Record<number, FailureReason>> = {
  [ECONNREFUSED]: "refused",
  [ETIMEDOUT]: "timeout",
  [ECONNRESET]: "reset",
  [EPIPE]: "reset",
  [EPERM]: "not-permitted",
  [EACCES]: "not-permitted",
  [EMFILE]: "no-resources",
  [ENFILE]: "no-resources",
  [ENOBUFS]: "no-resources",
  [ENOMEM]: "no-resources",
  [EAGAIN]: "no-resources",
  // No local port is left for this destination.
  [EADDRNOTAVAIL]: "no-resources",
};

/** Text from outside as one printable line of bounded length. */
export function printable(text: string): string {
  const line = text.slice(0, detailCharactersMax).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ");
  return text.length > detailCharactersMax ? `${line}…` : line.trim();
}

/**
 * What a failed system call says about the real server. `no-resources` says nothing about it: the
 * director itself lacks something.
 */
export function failureOfErrno(errno: number, what: string): Failure {
  const reason = reasonByErrno[errno] ?? "unreachable";
  return { reason, detail: `${what}: ${errnoName(errno)}` };
}

/** A passed check. */
export function up(tookMs: number): CheckResult {
  return { up: true, tookMs };
}

/** A failed check. */
export function down(tookMs: number, { reason, detail }: Failure): CheckResult {
  return { up: false, tookMs, reason, detail };
}
