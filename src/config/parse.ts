/**
 * Texts to a checked configuration. Pure.
 *
 * @module
 */

import type { Config } from "../model/index.ts";
import { parseDocument } from "./document.ts";
import type { Document } from "./document.ts";
import type { LdirectordRun } from "./import/index.ts";
import type { Warning } from "./problem.ts";
import { createReport } from "./report.ts";
import type { OpenReport } from "./report.ts";
import { resolveConfig } from "./resolve/index.ts";
import type { Environment } from "./resolve/index.ts";
import { readSections } from "./section.ts";

/** A configuration that can be used. */
export interface LoadedConfig {
  readonly config: Config;
  /** Every file read, in the order read, as named on the command line or by an `include`. */
  readonly files: readonly string[];
  readonly warnings: readonly Warning[];
  /** Set if one of the files is an ldirectord.cf: what only a director that runs from it has. */
  readonly ldirectord?: LoadedLdirectord;
}

/** The first ldirectord.cf of a configuration, and those behind it. */
export interface LoadedLdirectord extends LdirectordRun {
  readonly others: readonly LdirectordRun[];
}

/**
 * Checks one text; `include` is checked for its shape but not followed.
 *
 * @param file Its name in messages.
 * @throws {ConfigError} `CONFIG_INVALID` with every problem. Nothing else, whatever the text.
 */
export function parseConfig(
  text: string,
  file: string,
  environment: Environment = { cores: 1 },
): LoadedConfig {
  return validate([parseDocument(text, file)], environment, createReport());
}

/**
 * Checks the files of one configuration together; the first is the one to add to if something is
 * missing. `report` may already hold what was wrong with reading them.
 *
 * @throws {ConfigError} `CONFIG_INVALID` with every problem.
 */
export function validate(
  documents: readonly Document[],
  environment: Environment,
  report: OpenReport,
): LoadedConfig {
  const sections = readSections(documents, report);
  const config = resolveConfig({ sections, documents, environment, report });
  const warnings = report.finish(documents);
  return { config, files: documents.map(({ file }) => file), warnings };
}
