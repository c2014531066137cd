/**
 * What a director and the one that replaces it say to each other.
 *
 * ```text
 * old                                      new, started by it
 *   state, with the sockets         ->       opens what is its own, knows all real servers
 *                                   <-       prepared, or failed
 *   accepts nothing new
 *   go, with clients and overrides  ->       accepts
 *                                   <-       taken, or failed
 *   gives up all names of a director
 *   yours                           ->       is the director
 * ```
 * JSON. Both may be of different versions: what one does not know it leaves alone, and what it
 * needs and does not find is an error. Pure.
 *
 * @module
 */

import type { KnownHealth } from "../../check/index.ts";
import type { BoundClient } from "../../datapath/index.ts";
import { ApplianceError } from "../../errors/index.ts";
import type { HandedFailover } from "../../failover/index.ts";

/** Version of the conversation; another one cannot be understood. */
export const conversationVersion = 1;

/** The sockets of one address and port; their descriptors come in this order. */
export interface HandedListener {
  readonly key: string;
  readonly count: number;
}

/**
 * What the new director begins with. The first descriptor is the lock; with virtual routers the
 * next is the socket to the real-time thread; then come listeners.
 */
export interface StateMessage {
  readonly type: "state";
  readonly version: number;
  /** The old director: its version, and process. */
  readonly from: { readonly version: string; readonly pid: number };
  readonly listeners: readonly HandedListener[];
  /** Text of overrides.json. */
  readonly overrides: string;
  readonly health: readonly KnownHealth[];
  /** Undefined: it has no virtual routers. */
  readonly failover?: HandedFailover | undefined;
}

/** What may have changed since {@link StateMessage}, and who is bound to which server. */
export interface GoMessage {
  readonly type: "go";
  readonly overrides: string;
  readonly clients: readonly BoundClient[];
}

/** What the old director says. */
export type OldMessage = StateMessage | GoMessage | { readonly type: "yours" };

/** What the new director says. */
export type NewMessage =
  | { readonly type: "prepared"; readonly version: string }
  | { readonly type: "taken" }
  | { readonly type: "failed"; readonly code: string; readonly message: string };

/** Any message. */
export type UpgradeMessage = OldMessage | NewMessage;

/** A message as bytes. */
export function encodeMessage(message: UpgradeMessage): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(message));
}

function unreadable(): ApplianceError {
  const text = "Cannot understand the other executable: it is of a version that is too different";
  return new ApplianceError("UPGRADE_FAILED", text);
}

/** Bytes as a message. @throws {ApplianceError} `UPGRADE_FAILED` if they are none. */
export function decodeMessage(bytes: Uint8Array): UpgradeMessage {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw unreadable();
  }
  if (typeof value !== "object" || value === null || !("type" in value)) throw unreadable();
  if (value.type === "state") {
    const isKnown = "version" in value && value.version === conversationVersion;
    if (!isKnown) throw unreadable();
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- both ends are this program.
  return value as UpgradeMessage;
}
