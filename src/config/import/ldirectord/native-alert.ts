/**
 * What ldirectord tells others: mails, programs and files, as native keys. What the native file
 * could not have (a relative path, an address that is none) is left out with a warning, so that a
 * file that ldirectord accepts is accepted. Pure.
 *
 * @module
 */

import * as v from "valibot";

import { durationMsMax, formatDuration } from "../../duration.ts";
import type { NativeTable, NativeValue } from "../../native.ts";
import { directorTable, mailTable, serviceTable } from "../../schema/index.ts";
import type { AlertStatus, GlobalSettings, LdirectordVirtual, SharedSettings } from "./model.ts";

/** Warns of a directive. */
export type WarnDirective = (key: string, message: string) => void;

/** Characters that mean something to a shell. */
const shellPattern = /[$`;&|<>()*?"'\\~#[\]{}]/;

/** Directives by the native key that they become. */
export const directiveByKey: Readonly<Record<string, string>> = {
  to: "emailalert",
  from: "emailalertfrom",
  smtp: "smtp",
  repeat: "emailalertfreq",
  when: "emailalertstatus",
  maintenance_dir: "maintenancedir",
  on_config_change: "callback",
  monitor_file: "monitorfile",
  fallback_command: "fallbackcommand",
};

/** `table` without the keys that its schema refuses; of each of them a warning. */
function admitted(
  table: NativeTable,
  schema: v.GenericSchema,
  { warn, base }: { readonly warn: WarnDirective; readonly base?: NativeTable },
): NativeTable {
  const kept: Record<string, NativeValue> = {};
  for (const [key, value] of Object.entries(table)) {
    if (value === undefined) continue;
    const { success, issues } = v.safeParse(schema, { ...base, [key]: value });
    if (success) kept[key] = value;
    else warn(directiveByKey[key] ?? key, `Left out: it must be ${issues[0].message}`);
  }
  return kept;
}

/** Addresses of a list; one that is none costs only itself. */
function readersOf(
  emailalert: string | undefined,
  warn: WarnDirective,
): readonly string[] | undefined {
  if (emailalert === undefined) return undefined;
  const words = emailalert.split(/[\s,]+/).filter((word) => word !== "");
  const isAddress = (word: string): boolean => v.safeParse(mailTable, { to: [word] }).success;
  for (const word of words) {
    if (!isAddress(word)) warn("emailalert", `Left out: ${JSON.stringify(word)} is no address`);
  }
  return words.filter(isAddress);
}

function repeatOf(seconds: number | undefined): string | undefined {
  if (seconds === undefined) return undefined;
  return seconds === 0 ? "off" : formatDuration(Math.min(seconds * 1000, durationMsMax));
}

function mailOf(
  shared: SharedSettings,
  emailalertfrom: string | undefined,
  warn: WarnDirective,
): NativeTable | undefined {
  const when: readonly AlertStatus[] | undefined = shared.emailalertstatus;
  const table = admitted(
    {
      to: readersOf(shared.emailalert, warn),
      from: emailalertfrom,
      smtp: shared.smtp,
      repeat: repeatOf(shared.emailalertfreq),
      when,
    },
    mailTable,
    { warn },
  );
  return Object.keys(table).length === 0 ? undefined : table;
}

/** `[mail]`; undefined if the file says nothing of mails. */
export function globalMailOf(
  globals: GlobalSettings,
  warn: WarnDirective,
): NativeTable | undefined {
  return mailOf(globals, globals.emailalertfrom, warn);
}

/** Keys of `[director]` for the maintenance directory and the callback. */
export function directorAlertsOf(globals: GlobalSettings, warn: WarnDirective): NativeTable {
  const { maintenancedir, callback } = globals;
  const table = { maintenance_dir: maintenancedir, on_config_change: callback };
  return admitted(table, directorTable, { warn });
}

/** Words of a command, which ldirectord has a shell read. */
function wordsOf(command: string | undefined, warn: WarnDirective): readonly string[] | undefined {
  if (command === undefined) return undefined;
  if (shellPattern.test(command)) {
    warn("fallbackcommand", "No shell reads it: it is split at blanks and nothing else");
  }
  return command.split(/\s+/).filter((word) => word !== "");
}

/** Keys of a virtual service. */
export function serviceAlertsOf(
  virtual: LdirectordVirtual,
  fallbackcommand: string | undefined,
  warn: WarnDirective,
): NativeTable {
  const words = wordsOf(fallbackcommand, warn);
  const table = { fallback_command: words, monitor_file: virtual.monitorfile };
  return {
    ...admitted(table, serviceTable, { warn, base: { name: "x" } }),
    mail: mailOf(virtual, undefined, warn),
  };
}
