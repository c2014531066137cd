/**
 * Watches the maintenance directory: its files take real servers out of service as long as they
 * are there.
 *
 * The directory is read twice a second. It may come, go, be replaced or lie on another host, where
 * nobody tells of changes; and a server must get nothing new within a second. A directory that is
 * not there has no files. One that cannot be read for another reason leaves everything as it was,
 * so that a fault of a disk brings no server back.
 *
 * @module
 */

import { opendir } from "node:fs/promises";

import type { Clock, Timer } from "../clock/index.ts";
import { errorText } from "../errors/index.ts";
import type { Lookup } from "./lookup.ts";
import { indexMaintenance, maintenanceFileOf, namesToResolve } from "./maintenance-name.ts";
import type { MaintainedServer, MaintenanceIndex } from "./maintenance-name.ts";
import type { Reporter } from "./report.ts";
import { createResolver } from "./resolver.ts";

/** Pause between two looks at the directory. */
export const maintenanceIntervalMs = 500;

/** Files beyond this are not looked at: a directory with so many is another one. */
export const maintenanceFilesMax = 4096;

/** A start or a reload waits no longer for the directory: a file server may hang. */
const firstReadMs = 1000;

/** Names in a directory, at most one more than {@link maintenanceFilesMax}. */
export type ListNames = (directory: string) => Promise<readonly string[]>;

/** See the module's head. */
export interface Maintenance {
  /** Watches this directory from now on, or none; settles when it has been read. */
  apply(directory: string | undefined): Promise<void>;
  /** Name of the file that takes a server out of service. */
  fileOf(server: MaintainedServer): string | undefined;
  close(): void;
}

/** What it works with. */
export interface MaintenanceOptions {
  readonly clock: Clock;
  readonly list: ListNames;
  readonly lookup: Lookup;
  readonly report: Reporter;
  /** Called when another server may be meant. Never called within `apply`. */
  readonly onChange: () => void;
}

/** Names in a directory of this host. */
export async function listNames(directory: string): Promise<readonly string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of await opendir(directory)) {
      names.push(name);
      if (names.length > maintenanceFilesMax) break;
    }
  } catch (error) {
    const isAbsent = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (!isAbsent) throw error;
  }
  return names.toSorted();
}

/** A watch of no directory. */
export function createMaintenance(options: MaintenanceOptions): Maintenance {
  return new Watch(options);
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name, at) => name === other[at]);
}

class Watch implements Maintenance {
  readonly #options: MaintenanceOptions;
  readonly #resolver;
  #directory: string | undefined;
  #files: readonly string[] = [];
  #index: MaintenanceIndex = new Map();
  /** What was told of the directory last. */
  #fault: string | undefined;
  #timer: Timer | undefined;
  /** Number of the last `apply`; a reading that it overtook is thrown away. */
  #turn = 0;

  constructor(options: MaintenanceOptions) {
    this.#options = options;
    const { clock, lookup } = options;
    this.#resolver = createResolver({
      clock,
      lookup,
      onChange: () => {
        this.#reindex();
        options.onChange();
      },
    });
  }

  async apply(next: string | undefined): Promise<void> {
    if (next === this.#directory) return;
    this.#directory = next;
    this.#forget();
    if (next === undefined) this.#take([]);
    else await this.#readFirst(next, this.#turn);
  }

  fileOf(server: MaintainedServer): string | undefined {
    return maintenanceFileOf(server, this.#index);
  }

  close(): void {
    this.#forget();
    this.#resolver.close();
  }

  /** Ends the watch of a directory. */
  #forget(): void {
    this.#turn += 1;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #take(files: readonly string[]): void {
    this.#files = files;
    this.#resolver.apply(namesToResolve(files));
    this.#reindex();
  }

  #reindex(): void {
    const addressOf = (host: string): string | undefined => this.#resolver.state(host).address;
    this.#index = indexMaintenance(this.#files, addressOf);
  }

  #tell(reason: string | undefined): void {
    if (reason !== undefined && reason !== this.#fault) {
      const text = "Maintenance directory";
      const told = { level: "warning", name: "maintenance", kind: "override" } as const;
      this.#options.report({ ...told, text, reason });
    }
    this.#fault = reason;
  }

  /** @returns True if the files are others than before. */
  async #read(directory: string, turn: number): Promise<boolean> {
    let found: readonly string[];
    try {
      found = await this.#options.list(directory);
    } catch (error) {
      if (turn === this.#turn)
        this.#tell(`cannot be read, what it said holds: ${errorText(error)}`);
      return false;
    }
    if (turn !== this.#turn) return false;
    const isTooMuch = found.length > maintenanceFilesMax;
    this.#tell(isTooMuch ? `only its first ${maintenanceFilesMax} files count` : undefined);
    const files = found.slice(0, maintenanceFilesMax);
    if (isSame(files, this.#files)) return false;
    this.#take(files);
    return true;
  }

  #watch(directory: string, turn: number): void {
    const look = async (): Promise<void> => {
      const hasChanged = await this.#read(directory, turn);
      if (turn !== this.#turn) return;
      this.#watch(directory, turn);
      if (hasChanged) this.#options.onChange();
    };
    this.#timer = this.#options.clock.after(maintenanceIntervalMs, () => void look());
  }

  async #readFirst(directory: string, turn: number): Promise<void> {
    let isLate = false;
    const reading = this.#read(directory, turn).then((hasChanged) => {
      if (turn !== this.#turn) return;
      this.#watch(directory, turn);
      if (isLate && hasChanged) this.#options.onChange();
    });
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const deadline = this.#options.clock.after(firstReadMs, () => {
      isLate = true;
      this.#tell(`is not read after ${firstReadMs / 1000} s, nobody waits for it`);
      resolve();
    });
    await Promise.race([reading, late]);
    deadline.cancel();
  }
}
