/**
 * Interface of a health check.
 *
 * @module
 */

/** How packets of clients come to a real server. */
export interface VipTarget {
  readonly forwarding: "gate" | "ipip" | "masq";
  /** Canonical virtual addresses of the service, of both families. */
  readonly addresses: readonly string[];
}

/** Where a check goes to. */
export interface CheckTarget {
  /** Canonical address. */
  readonly address: string;
  readonly port: number;
  /** Name the configuration gave, for Host and SNI; equals `address` if it gave an address. */
  readonly host: string;
  readonly protocol: "tcp" | "udp";
  /** Virtual address and port of the service, for external checks. */
  readonly virtualAddress: string;
  readonly virtualPort: number;
  /** Set for a `vip` check. */
  readonly vip?: VipTarget | undefined;
  /** PROXY header that the service sends, so that the check sends it too. */
  readonly sendProxy: "off" | "v1" | "v2";
}

/** Why a check failed; a counter each. */
export const failureReasons = [
  "refused",
  "timeout",
  "unreachable",
  "reset",
  "closed",
  "bad-status",
  "no-match",
  "bad-answer",
  "answer-too-long",
  "tls",
  "exit-status",
  "unresolved",
  "disabled",
  "not-permitted",
  "no-resources",
] as const;
/** One of {@link failureReasons}. */
export type FailureReason = (typeof failureReasons)[number];

/** Outcome of one check. A real server that is down is an answer, not an error. */
export type CheckResult =
  | { readonly up: true; readonly tookMs: number }
  | {
      readonly up: false;
      readonly tookMs: number;
      readonly reason: FailureReason;
      /** One line for the operator, for example `status 503, expected 200-299`. */
      readonly detail: string;
    };

/**
 * One way to ask a real server whether it can serve.
 *
 * `run` settles at the latest when `timeoutMs` is over, closes what it opened, and never throws
 * or rejects, whatever the real server or the network does.
 */
export interface Check {
  /** For example `connect`, `http`. */
  readonly name: string;
  run(target: CheckTarget, timeoutMs: number): Promise<CheckResult>;
}
