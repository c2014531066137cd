/**
 * `global_defs` to `[director]` and `[defaults]`, and to what instances take from it. Pure.
 *
 * @module
 */

import { formatDuration } from "../../duration.ts";
import type { NativeTable, NativeValue } from "../../native.ts";
import { quoted } from "../notes.ts";
import type { Notes } from "../notes.ts";
import { expectNoMore, readBlock } from "./block.ts";
import type { Directive } from "./tree.ts";
import { readInteger } from "./value.ts";

/** What `global_defs` says; several of them are taken together. */
export interface Globals {
  readonly director: Record<string, NativeValue>;
  readonly timeouts: Record<string, NativeValue>;
  version: 2 | 3 | undefined;
  interface: string | undefined;
}

/** Words of `lvs_timeouts` and the native keys. */
const timeoutKeys: ReadonlyMap<string, string> = new Map([
  ["tcp", "idle"],
  ["tcpfin", "half_closed"],
  ["udp", "udp_idle"],
]);

/** Longest of `lvs_timeouts`, in s: 24 days, the longest native duration. */
const timeoutSecondsMax = 2_073_600;

/** Creates globals that say nothing. */
export function createGlobals(): Globals {
  return { director: {}, timeouts: {}, version: undefined, interface: undefined };
}

/** Reads one `global_defs` into `globals`. */
export function readGlobals(directive: Directive, globals: Globals, notes: Notes): void {
  const handlers = {
    script_user(one: Directive): void {
      const user = one.words[1] ?? "";
      if (/^[a-z_][a-z0-9_.-]{0,31}\$?$/i.test(user)) globals.director["script_user"] = user;
      else notes.warn(one, `script_user is left out: ${quoted(user)} is no user`);
      expectNoMore(one, 2, notes);
    },
    vrrp_version(one: Directive): void {
      const version = readInteger(one, { min: 2, max: 3 }, notes);
      if (version !== undefined) globals.version = version === 2 ? 2 : 3;
    },
    default_interface(one: Directive): void {
      const name = one.words[1] ?? "";
      if (/^[^\s/:\p{C}]{1,15}$/u.test(name)) globals.interface = name;
      else notes.warn(one, `default_interface is left out: ${quoted(name)} cannot be one`);
    },
    lvs_timeouts(one: Directive): void {
      readTimeouts(one, globals, notes);
    },
  };
  readBlock(directive, handlers, notes);
}

/** `lvs_timeouts tcp 900 tcpfin 120 udp 300`. */
function readTimeouts(directive: Directive, { timeouts }: Globals, notes: Notes): void {
  const { words } = directive;
  for (let index = 1; index < words.length; index += 2) {
    const key = timeoutKeys.get(words[index]!);
    const text = words[index + 1] ?? "";
    const seconds = /^\d{1,7}$/.test(text) ? Number(text) : 0;
    if (key !== undefined && seconds >= 1 && seconds <= timeoutSecondsMax) {
      timeouts[key] = formatDuration(seconds * 1000);
    } else {
      const found = quoted(`${words[index]!} ${text}`);
      notes.warn(directive, `lvs_timeouts ${found} is left out: expected tcp, tcpfin or udp`);
    }
  }
}

/** The tables `[director]` and `[defaults]`; empty ones where nothing is said. */
export function globalTables({ director, timeouts }: Globals): {
  readonly director: NativeTable;
  readonly defaults: NativeTable;
} {
  return { director, defaults: Object.keys(timeouts).length === 0 ? {} : { timeouts } };
}
