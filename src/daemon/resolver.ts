/**
 * Keeps the addresses of configured names, off the main path.
 *
 * A name is looked up again when its time to live is over. An answer that fails does not take a
 * good address away: what resolved once is kept until there is another answer. Of several
 * addresses the one in use stays; a new one is the lowest in text order, so that two directors
 * choose alike.
 *
 * @module
 */

import type { Clock, Timer } from "../clock/index.ts";
import { canonicalAddress } from "../net/address.ts";
import type { Lookup, Resolution } from "./lookup.ts";

/** Shortest time between two lookups of a name, whatever its time to live says. */
export const lookupIntervalMinMs = 1000;
/** Longest time. */
export const lookupIntervalMaxMs = 3_600_000;

/** For answers that say no time to live. */
export const lookupIntervalDefaultMs = 60_000;

/** After a failed lookup. */
export const lookupRetryMs = 5000;

/** What is known of a host. `pending`: a name that has not been looked up yet. */
export type HostState =
  | { readonly state: "resolved"; readonly address: string }
  | { readonly state: "unresolved" | "pending"; readonly address: undefined };

/** Told when the address of a name is known, changed, or could not be found the first time. */
export type HostListener = (host: string, before: HostState, after: HostState) => void;

/** See the module's head. */
export interface Resolver {
  /** Makes `hosts` all that are kept; addresses among them need no lookup. */
  apply(hosts: Iterable<string>): void;
  state(host: string): HostState;
  /** Ends all timers. */
  close(): void;
}

/** What the resolver works with. */
export interface ResolverOptions {
  readonly clock: Clock;
  readonly lookup: Lookup;
  readonly onChange: HostListener;
}

interface Entry {
  state: HostState;
  timer: Timer | undefined;
}

const pending: HostState = { state: "pending", address: undefined };
const unresolved: HostState = { state: "unresolved", address: undefined };

/** Next state of a name after a lookup. Pure. */
export function nextHostState(before: HostState, answer: Resolution | undefined): HostState {
  if (answer === undefined) return before.state === "resolved" ? before : unresolved;
  if (before.state === "resolved" && answer.addresses.includes(before.address)) return before;
  return { state: "resolved", address: answer.addresses.toSorted()[0]! };
}

/** Time until the next lookup. Pure. */
export function lookupDelayMs(answer: Resolution | undefined): number {
  if (answer === undefined) return lookupRetryMs;
  const ttlMs = answer.ttlMs ?? lookupIntervalDefaultMs;
  return Math.min(lookupIntervalMaxMs, Math.max(lookupIntervalMinMs, ttlMs));
}

/** A resolver that keeps nothing yet. */
export function createResolver({ clock, lookup, onChange }: ResolverOptions): Resolver {
  const entries = new Map<string, Entry>();

  const refresh = async (host: string, entry: Entry): Promise<void> => {
    const answer = await lookup(host);
    if (entries.get(host) !== entry) return;
    const before = entry.state;
    entry.state = nextHostState(before, answer);
    entry.timer = clock.after(lookupDelayMs(answer), () => void refresh(host, entry));
    if (entry.state !== before) onChange(host, before, entry.state);
  };

  const drop = (host: string, entry: Entry): void => {
    entry.timer?.cancel();
    entries.delete(host);
  };

  return {
    apply(hosts) {
      const wanted = new Set<string>();
      for (const host of hosts) if (canonicalAddress(host) === undefined) wanted.add(host);
      for (const [host, entry] of entries) if (!wanted.has(host)) drop(host, entry);
      for (const host of wanted) {
        if (entries.has(host)) continue;
        const entry: Entry = { state: pending, timer: undefined };
        entries.set(host, entry);
        void refresh(host, entry);
      }
    },
    state(host) {
      const address = canonicalAddress(host);
      if (address !== undefined) return { state: "resolved", address };
      return entries.get(host)?.state ?? pending;
    },
    close() {
      for (const [host, entry] of entries) drop(host, entry);
    },
  };
}
