/**
 * What goes wrong between this program and the kernel's netlink interfaces.
 *
 * @module
 */

import { errnoName } from "../../ffi/errno.ts";
import { ApplianceError } from "../errors/index.ts";
import type { Acknowledgement } from "./message.ts";

/** Codes of {@link NetlinkError}; docs/errors.md explains them. */
export type NetlinkErrorCode =
  | "NETLINK_INTERRUPTED"
  | "NETLINK_MALFORMED"
  | "NETLINK_NOT_SUPPORTED"
  | "NETLINK_REFUSED"
  | "NETLINK_SOCKET"
  | "NETLINK_TIMEOUT";

/** What is known of a failure beside its text. */
export interface NetlinkErrorOptions extends ErrorOptions {
  /** Positive errno value. */
  readonly errno?: number;
  /** The kernel's own words. */
  readonly kernelText?: string | undefined;
}

/** A request to the kernel could not be done. */
export class NetlinkError extends ApplianceError {
  override readonly name = "NetlinkError";
  /** Positive errno of the kernel's refusal; 0 where there was none. */
  readonly errno: number;
  /** Symbolic errno, for example `ENODEV`; empty where there was none. */
  readonly errnoName: string;
  /** The kernel's own words (extended acknowledgement); undefined where it said nothing. */
  readonly kernelText: string | undefined;

  constructor(code: NetlinkErrorCode, message: string, options: NetlinkErrorOptions = {}) {
    super(code, message, options);
    this.errno = options.errno ?? 0;
    this.errnoName = this.errno === 0 ? "" : errnoName(this.errno);
    this.kernelText = options.kernelText;
  }
}

/** The kernel's refusal as an error. `operation` reads on from "Cannot". */
export function refused(operation: string, { errno, text }: Acknowledgement): NetlinkError {
  const words = text === undefined ? "" : ` (${text})`;
  const message = `Cannot ${operation}: ${errnoName(errno)}${words}`;
  return new NetlinkError("NETLINK_REFUSED", message, { errno, kernelText: text });
}

/** True if `error` is the kernel's refusal with one of these errno values. */
export function isRefusal(error: unknown, ...errnos: readonly number[]): error is NetlinkError {
  return (
    error instanceof NetlinkError &&
    error.code === "NETLINK_REFUSED" &&
    errnos.includes(error.errno)
  );
}
