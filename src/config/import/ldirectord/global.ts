/**
 * Directives outside of virtual services.
 *
 * @module
 */

import type { GlobalSettings } from "./model.ts";
import { emptyShared, sharedReaders } from "./shared.ts";
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
    // The program keeps the quotes here, and then finds no such file.
    fallbackcommand(settings, directive, reading) {
      settings.fallbackcommand = readPlain(reading, directive)?.replaceAll('"', "");
    },
    autoreload(settings, directive, reading) {
      settings.autoreload = readFlag(reading, directive);
    },
    callback(settings, directive, reading) {
      settings.callback = readQuoted(reading, directive);
    },
    logfile(settings, directive, reading) {
      settings.logfile = readQuoted(reading, directive);
    },
    execute(settings, directive, reading) {
      const name = readPlain(reading, directive);
      if (name !== undefined && !settings.execute.includes(name)) {
        settings.execute = [...settings.execute, name];
      }
    },
    fork(settings, directive, reading) {
      settings.fork = readFlag(reading, directive);
    },
    supervised(settings, directive, reading) {
      if (directive.value === undefined) {
        settings.supervised = true;
        warn(reading, directive, "supervised without a value means yes; write supervised=yes");
      } else settings.supervised = readFlag(reading, directive);
    },
    readdquiescent(settings, directive, reading) {
      settings.readdquiescent = readFlag(reading, directive);
    },
    emailalertfrom(settings, directive, reading) {
      settings.emailalertfrom = readPlain(reading, directive);
    },
    maintenancedir(settings, directive, reading) {
      settings.maintenancedir = readPlain(reading, directive);
    },
    timeout: removed,
    connecttimeout: removed,
  }),
);
