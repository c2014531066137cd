/**
 * Sees that a file of the configuration has changed on disk.
 *
 * A file counts as changed when it looks different (time, size or inode), looks the same a moment
 * later, and its content is another one: so a file that is being written is not read in the
 * middle. One that is gone for a while has not changed.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";

import type { Clock, Timer } from "../clock/index.ts";

/** Watches until it is closed. */
export interface FileWatch {
  close(): void;
}

/** What is watched. */
export interface FileWatchOptions {
  readonly clock: Clock;
  /** Files as they are now; asked at each look. */
  readonly files: () => readonly string[];
  /** Called for each file that has changed, one after the other. */
  readonly onChange: (file: string) => Promise<void>;
}

/** Larger ones are no configuration, and would be read whole at each change. */
const bytesMax = 64 * 1024 * 1024;

/** Between two looks, ms. */
export const lookIntervalMs = 1000;

/** What is known of a file. */
interface Sight {
  /** How it looked last. */
  look: string;
  /** Of the content that is in force; undefined: not read yet. */
  digest: string | undefined;
  /** Look that waits to be seen again. */
  pending: string | undefined;
}

/** How a file looks; undefined if there is none, or one that should not be read. */
async function lookAt(file: string): Promise<string | undefined> {
  try {
    const status = await stat(file);
    const { mtimeMs, size, ino } = status;
    // To read a FIFO would be to wait for whoever writes to it.
    return status.isFile() && size <= bytesMax ? `${mtimeMs} ${size} ${ino}` : undefined;
  } catch {
    return undefined;
  }
}

async function digestOf(file: string): Promise<string | undefined> {
  try {
    return createHash("sha256")
      .update(await readFile(file))
      .digest("hex");
  } catch {
    return undefined;
  }
}

/** True if the content is another one since the last time. */
async function hasChanged(file: string, sights: Map<string, Sight>): Promise<boolean> {
  const look = await lookAt(file);
  if (look === undefined) return false;
  const sight = sights.get(file);
  if (sight === undefined) {
    sights.set(file, { look, digest: await digestOf(file), pending: undefined });
    return false;
  }
  if (look === sight.look) {
    sight.pending = undefined;
    return false;
  }
  if (look !== sight.pending) {
    sight.pending = look;
    return false;
  }
  const digest = await digestOf(file);
  if (digest === undefined) return false;
  const isNew = digest !== sight.digest;
  Object.assign(sight, { look, digest, pending: undefined });
  return isNew;
}

/** Takes what is on disk now as known; resolves when it is. */
export async function watchFiles(options: FileWatchOptions): Promise<FileWatch> {
  const { clock, files, onChange } = options;
  const sights = new Map<string, Sight>();
  let isClosed = false;
  let timer: Timer | undefined;

  const look = async (): Promise<void> => {
    const current = files();
    for (const known of sights.keys()) if (!current.includes(known)) sights.delete(known);
    for (const file of current) {
      if ((await hasChanged(file, sights)) && !isClosed) await onChange(file);
    }
    if (!isClosed) timer = clock.after(lookIntervalMs, () => void look());
  };

  await look();
  return {
    close() {
      isClosed = true;
      timer?.cancel();
    },
  };
}
