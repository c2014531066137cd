/**
 * `overrides.json` in the state directory: read at start, replaced as a whole at each change.
 *
 * The new file is written beside the old one, synced and renamed over it, so that a crash leaves
 * either. A damaged file is set aside and reported, never a reason not to start.
 *
 * @module
 */

import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";

import { errorText } from "../errors/index.ts";
import { formatOverrides, parseOverrides } from "./overrides.ts";
import type { Overrides } from "./overrides.ts";

/** What was found at start. */
export interface LoadedOverrides {
  readonly overrides: Overrides;
  /** How often they were changed, on either director. */
  readonly revision: number;
  /** What the operator must know, one line; undefined if all is well. */
  readonly warning: string | undefined;
}

/** Overrides on disk. The last call of `save` is what is kept, however they overlap. */
export interface OverrideStore {
  load(): Promise<LoadedOverrides>;
  /** @returns Why the overrides are not kept over a restart; undefined if they are. */
  save(overrides: Overrides, revision: number): Promise<string | undefined>;
}

/** Larger files are not ours; {@link parseOverrides} bounds the entries. */
const fileBytesMax = 64 * 1024 * 1024;

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

/** Writes and syncs a file, then the directory that holds it after the rename. */
async function replaceFile(folder: string, path: string, text: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const temporary = `${path}.new`;
  const file = await open(temporary, "w", 0o644);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const directory = await open(folder, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** The store in `folder`, which is made when something is to be kept. */
export function createOverrideStore(folder: string): OverrideStore {
  const path = join(folder, "overrides.json");
  let last: Promise<unknown> = Promise.resolve();

  const setAside = async (reason: string): Promise<string> => {
    const aside = `${path}.damaged`;
    try {
      await rename(path, aside);
      return `Cannot use ${path}: ${reason}; it is now ${aside}, no override is in force`;
    } catch (error) {
      return `Cannot use ${path}: ${reason}; nor set it aside: ${errorText(error)}`;
    }
  };

  return {
    async load() {
      let text: string;
      try {
        text = await readFile(path, "utf8");
      } catch (error) {
        const warning = isMissing(error) ? undefined : `Cannot read ${path}: ${errorText(error)}`;
        return { overrides: new Map(), revision: 0, warning };
      }
      const parsed =
        text.length > fileBytesMax
          ? ({ ok: false, reason: "it is too large" } as const)
          : parseOverrides(text);
      if (parsed.ok) {
        const { overrides, revision } = parsed;
        return { overrides, revision, warning: undefined };
      }
      return { overrides: new Map(), revision: 0, warning: await setAside(parsed.reason) };
    },
    async save(overrides, revision) {
      const text = formatOverrides(overrides, revision);
      const saved = last.then(() => replaceFile(folder, path, text));
      last = saved.catch(() => undefined);
      try {
        await saved;
        return undefined;
      } catch (error) {
        return errorText(error);
      }
    },
  };
}
