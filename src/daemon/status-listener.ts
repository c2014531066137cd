/**
 * The status endpoint over TCP, through reloads: another address or other tokens take effect
 * without a restart. (The control socket stays as it is for the director's whole life.)
 *
 * @module
 */

import type { Clock, Timer } from "../clock/index.ts";
import { errorText } from "../errors/index.ts";
import type { StatusConfig } from "../model/index.ts";
import type { Endpoint } from "../net/address.ts";
import { readTokenFile } from "../status/index.ts";
import type { StatusServer } from "../status/index.ts";

/** What the endpoint needs to listen, tokens read. */
export interface StatusSettings {
  readonly listen: Endpoint | undefined;
  readonly readTokens: readonly string[];
  readonly writeTokens: readonly string[];
}

/** See the module's head. */
export interface StatusListener {
  /**
   * Listens as `settings` say.
   *
   * @throws {ApplianceError} `STATUS_LISTEN` or `STATUS_TOKEN_REQUIRED`; what was, stays.
   */
  apply(settings: StatusSettings): Promise<void>;
  /** Where it listens. */
  endpoint(): Endpoint | undefined;
  close(): Promise<void>;
}

/** What the listener works with. */
export interface StatusListenerOptions {
  readonly clock: Clock;
  readonly start: (settings: StatusSettings) => Promise<StatusServer>;
  /** Told when new tokens could not be taken. */
  readonly onProblem: (message: string) => void;
}

/** An open request, perhaps the very reload, gets its answer before its listener goes. */
const graceMs = 500;

/**
 * Reads the token files.
 *
 * @throws {ApplianceError} `STATUS_TOKEN_FILE` if one cannot be used.
 */
export function readStatusSettings(config: StatusConfig): StatusSettings {
  const { listen, readTokenFile: readPath, writeTokenFile: writePath } = config;
  return {
    listen,
    readTokens: readPath === undefined ? [] : readTokenFile(readPath),
    writeTokens: writePath === undefined ? [] : readTokenFile(writePath),
  };
}

/** A listener that listens nowhere yet. Calls of `apply` must not overlap. */
export function createStatusListener(options: StatusListenerOptions): StatusListener {
  const { clock, start, onProblem } = options;
  let settings: StatusSettings | undefined;
  let server: StatusServer | undefined;
  let pending: Timer | undefined;
  let isClosed = false;
  const leaving = new Map<StatusServer, Timer>();

  const stop = async (old: StatusServer): Promise<void> => {
    leaving.get(old)?.cancel();
    leaving.delete(old);
    await old.stop();
  };

  /** The same address cannot be bound twice: the old listener goes first. */
  const replace = async (next: StatusSettings): Promise<void> => {
    const old = server;
    server = undefined;
    if (old !== undefined) await stop(old);
    if (isClosed) return;
    try {
      server = await start(next);
    } catch (error) {
      onProblem(errorText(error));
    }
  };

  return {
    async apply(next) {
      if (JSON.stringify(next) === JSON.stringify(settings)) return;
      pending?.cancel();
      const isSameAddress =
        server !== undefined && JSON.stringify(next.listen) === JSON.stringify(settings?.listen);
      if (isSameAddress && next.listen !== undefined) {
        pending = clock.after(graceMs, () => void replace(next));
      } else {
        const old = server;
        server = next.listen === undefined ? undefined : await start(next);
        if (old !== undefined)
          leaving.set(
            old,
            clock.after(graceMs, () => void stop(old)),
          );
      }
      settings = next;
    },
    endpoint: () => server?.endpoint,
    async close() {
      isClosed = true;
      pending?.cancel();
      const all = [...leaving.keys(), ...(server === undefined ? [] : [server])];
      await Promise.all(all.map(stop));
    },
  };
}
