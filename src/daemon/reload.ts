/**
 * Takes a changed configuration: load, compare, say what will change, apply.
 *
 * A configuration that cannot be used changes nothing. Reloads run one after the other.
 *
 * @module
 */

import type { LoadedConfig } from "../config/index.ts";
import { ApplianceError, errorText } from "../errors/index.ts";
import type { ReloadResult } from "../status/index.ts";
import type { Reporter } from "./report.ts";
import { createSerial } from "./serial.ts";

/** What a reload works with. */
export interface ReloaderOptions {
  /** Reads the files again. @throws {ApplianceError} if they cannot be used. */
  readonly load: () => Promise<LoadedConfig>;
  readonly current: () => LoadedConfig;
  /** One line for each difference, in the operator's words. */
  readonly plan: (before: LoadedConfig, after: LoadedConfig) => readonly string[];
  /** @throws {ApplianceError} if this host cannot carry it. */
  readonly admit: (loaded: LoadedConfig) => void;
  /** Puts it in force; settles when it is. */
  readonly apply: (loaded: LoadedConfig) => Promise<void>;
  readonly report: Reporter;
  /** Told of the outcome of each reload that was no dry run; undefined: it went well. */
  readonly onOutcome: (error: string | undefined) => void;
}

/** Reloads; see `StatusSource.reload`. Never rejects for a configuration that is wrong. */
export type Reloader = (dryRun: boolean, by: string) => Promise<ReloadResult>;

/** Reloads that may wait. Each one reads the files as they are then, so few are enough. */
const waitingMax = 8;

/** Differences told in one line of the log and one event; a reload may have thousands. */
const toldMax = 20;

function planText(lines: readonly string[]): string {
  if (lines.length === 0) return "no change";
  const more = lines.length - toldMax;
  const told = lines.slice(0, toldMax).join("; ");
  return more > 0 ? `${told}; and ${more} more` : told;
}

/** A reloader of one director. */
export function createReloader(options: ReloaderOptions): Reloader {
  const { load, current, plan, admit, apply, report, onOutcome } = options;
  const serial = createSerial(waitingMax);

  const fail = (error: unknown, dryRun: boolean, by: string): ReloadResult => {
    const message = errorText(error);
    if (!dryRun) {
      onOutcome(message);
      const text = "Reload failed, nothing changed; it was asked for";
      report({ level: "error", name: "reload", kind: "reload", text, reason: message, by });
    }
    const code = error instanceof ApplianceError ? error.code : "RELOAD_FAILED";
    return { ok: false, code, message };
  };

  const reload = async (dryRun: boolean, by: string): Promise<ReloadResult> => {
    let loaded: LoadedConfig;
    let lines: readonly string[];
    try {
      loaded = await load();
      admit(loaded);
      lines = plan(current(), loaded);
    } catch (error) {
      return fail(error, dryRun, by);
    }
    if (dryRun) return { ok: true, plan: lines };
    await apply(loaded);
    onOutcome(undefined);
    const text = "Reloaded";
    const reason = planText(lines);
    report({ level: "info", name: "reload", kind: "reload", text, reason, by });
    return { ok: true, plan: lines };
  };

  return async (dryRun, by) =>
    (await serial.run(() => reload(dryRun, by))) ?? {
      ok: false,
      code: "RELOADS_WAIT",
      message: `Cannot reload: ${waitingMax} reloads wait already`,
    };
}
