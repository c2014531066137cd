/**
 * `engines.json` in the state directory: which engine carried each service at the last run, so that
 * another one is noticed. Losing it costs nothing but that notice.
 *
 * @module
 */

import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { errorText } from "../errors/index.ts";

/** Larger files are not ours. */
const fileBytesMax = 16 * 1024 * 1024;

/** Engines by the name of their service. */
export type Engines = ReadonlyMap<string, string>;

/** What is remembered over a restart. */
export interface EngineRecord {
  /** Empty if nothing is known. */
  load(): Engines;
  /** @returns Why it is not kept; undefined if it is. */
  save(engines: Engines): string | undefined;
}

/** Reads the text of the file; empty if it is not one of ours. Pure. */
export function parseEngines(text: string): Engines {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return new Map();
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return new Map();
  const entries = Object.entries(value).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  return new Map(entries);
}

/** The record in `folder`, which is made when something is to be kept. */
export function createEngineRecord(folder: string): EngineRecord {
  const path = join(folder, "engines.json");
  return {
    load() {
      try {
        const text = readFileSync(path, "utf8");
        return text.length > fileBytesMax ? new Map() : parseEngines(text);
      } catch {
        return new Map();
      }
    },
    save(engines) {
      try {
        mkdirSync(folder, { recursive: true, mode: 0o755 });
        writeFileSync(`${path}.new`, `${JSON.stringify(Object.fromEntries(engines))}\n`);
        renameSync(`${path}.new`, path);
        return undefined;
      } catch (error) {
        return errorText(error);
      }
    },
  };
}
