/**
 * Directives outside of virtual services.
 *
 * @module
 */

import type { GlobalSettings } from "./model.ts";
import { emptyShared, settingReaders, sharedReaders } from "./shared.ts";
import type { DirectiveReader } from "./shared.ts";
import { readFlag, readPlain, readQuoted, refuse, warn } from "./value.ts";

/** Nothing set. */
export function emptyGlobals(): GlobalSettings {
  return {
    ...emptyShared(),
    autoreload: undefined,
    callback: undefined,
    logfile: undefined,
    execute: [],
    fork: undefined,
    supervised: undefined,
    readdquiescent: undefined,
    emailalertfrom: undefined,
    maintenancedir: undefined,
  };
}

const removed: DirectiveReader<GlobalSettings> = (_settings, directive, reading) => {
  const expected = "another directive: this one does not exist any more";
  const note = "checktimeout and negotiatetimeout took its place";
  refuse(reading, directive, { expected, note });
};

/** Readers by directive. */
export const globalReaders: ReadonlyMap<string, DirectiveReader<GlobalSettings>> = new Map(
  Object.entries<DirectiveReader<GlobalSettings>>({
    ...sharedReaders,
    ...settingReaders<GlobalSettings>({
      // The program keeps the quotes here, and then finds no such file.
      fallbackcommand: (reading, directive) => readPlain(reading, directive)?.replaceAll('"', ""),
      autoreload: readFlag,
      callback: readQuoted,
      logfile: readQuoted,
      fork: readFlag,
      supervised(reading, directive) {
        if (directive.value !== undefined) return readFlag(reading, directive);
        warn(reading, directive, "supervised without a value means yes; write supervised=yes");
        return true;
      },
      readdquiescent: readFlag,
      emailalertfrom: readPlain,
      maintenancedir: readPlain,
    }),
    execute(settings, directive, reading) {
      const name = readPlain(reading, directive);
      if (name !== undefined && !settings.execute.includes(name)) {
        settings.execute = [...settings.execute, name];
      }
    },
    timeout: removed,
    connecttimeout: removed,
  }),
);
