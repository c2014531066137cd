/**
 * What is in force for a virtual service: its own settings, else those of the file, else
 * ldirectord's defaults. Where the program and its manual page differ, the program counts. Pure.
 *
 * @module
 */

import type {
  GlobalSettings,
  LdirectordFallback,
  LdirectordReal,
  LdirectordVirtual,
} from "./model.ts";
import { servicePort } from "./service.ts";

/** Settings in force; times in seconds. */
export interface EffectiveSettings {
  readonly checktimeout: number;
  readonly negotiatetimeout: number;
  readonly checkinterval: number;
  readonly checkcount: number;
  readonly failurecount: number;
  readonly quiescent: boolean;
  readonly cleanstop: boolean;
  /** With its port; undefined: there is none. */
  readonly fallback: (LdirectordFallback & { readonly port: number }) | undefined;
  readonly fallbackcommand: string | undefined;
}

/** Settings in force for one virtual service. */
export function effectiveSettings(
  virtual: LdirectordVirtual,
  globals: GlobalSettings,
): EffectiveSettings {
  const timeouts = [virtual.checktimeout, virtual.negotiatetimeout] as const;
  const globalTimeouts = [globals.checktimeout, globals.negotiatetimeout] as const;
  return {
    checktimeout: firstOf([...timeouts, ...globalTimeouts], 5),
    negotiatetimeout: firstOf([...timeouts.toReversed(), ...globalTimeouts.toReversed()], 30),
    checkinterval: firstOf([virtual.checkinterval, globals.checkinterval], 10),
    checkcount: firstOf([virtual.checkcount, globals.checkcount], 1),
    failurecount: firstOf([virtual.failurecount, globals.failurecount], 1),
    quiescent: firstOf([virtual.quiescent, globals.quiescent], false),
    cleanstop: firstOf([virtual.cleanstop, globals.cleanstop], true),
    fallback: effectiveFallback(virtual, globals),
    fallbackcommand: virtual.fallbackcommand ?? globals.fallbackcommand,
  };
}

function firstOf<T>(values: readonly (T | undefined)[], byDefault: T): T {
  return values.find((value) => value !== undefined) ?? byDefault;
}

function effectiveFallback(virtual: LdirectordVirtual, globals: GlobalSettings) {
  const key = virtual.family === 6 ? "fallback6" : "fallback";
  // That of the file is looked up by protocol, and a mark has none.
  const global = virtual.fwmark === undefined ? globals[key] : undefined;
  const fallback = virtual[key] ?? global;
  return fallback && { ...fallback, port: fallback.port ?? virtual.port };
}

/** Port that is checked; 0: none is knvirtual. */
export function effectiveCheckPort(virtual: LdirectordVirtual, { port }: LdirectordReal): number {
  return virtual.checkport ?? (port > 0 ? port : (servicePort(virtual.service) ?? 0));
}
