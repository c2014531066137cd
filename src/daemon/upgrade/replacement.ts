/**
 * A director that can be replaced while it runs: what it gives up then, and how it ends after it.
 *
 * @module
 */

import { rmSync } from "node:fs";

import { errorText } from "../../errors/index.ts";
import type { StatusServer, UpgradeResult } from "../../status/index.ts";
import type { Assembly } from "../assembly.ts";
import type { StatusListener } from "../status-listener.ts";
import { upgrade } from "./hand-over.ts";

/** What an ending director waits for its hooks. */
const hooksMs = 10_000;

/** What a started director has besides its assembly. */
export interface RunningParts {
  readonly control: StatusServer;
  readonly endpoint: StatusListener;
  /** Ends samples and timers. */
  readonly close: () => void;
}

/**
 * Path where a successor listens until the control socket is its own. Another one for each process:
 * the runtime removes the path that a listener began with when that ends.
 */
export function successorSocketPath(controlPath: string, pid: number): string {
  return `${controlPath}.${pid}`;
}

/** See the module's head. */
export class Replacement {
  readonly #assembly: Assembly;
  readonly #controlPath: string;
  readonly #isOrphaned = new AbortController();
  readonly #replaced = Promise.withResolvers<void>();
  #running: RunningParts | undefined;

  constructor(assembly: Assembly, controlPath: string) {
    this.#assembly = assembly;
    this.#controlPath = controlPath;
  }

  /** Settles when another process is the director. */
  get replaced(): Promise<void> {
    return this.#replaced.promise;
  }

  /** The director is complete. */
  begin(running: RunningParts): void {
    this.#running = running;
  }

  /** See `StatusSource.upgrade`. */
  async run(by: string): Promise<UpgradeResult> {
    const assembly = this.#assembly;
    const giveUp = (pid: number): Promise<void> => this.#giveUp(pid);
    const discard = (pid: number): void => {
      rmSync(successorSocketPath(this.#controlPath, pid), { force: true });
    };
    const onSuccessorEnd = (): void => this.#isOrphaned.abort();
    const result = await upgrade({ assembly, giveUp, discard, onSuccessorEnd }, by);
    if (result.ok) this.#replaced.resolve();
    return result;
  }

  /**
   * Lets connections end as long as `stop_timeout` says; then nothing of this director is left. At
   * once if its successor ends: a service manager starts no other one while this process is there.
   */
  async leave(hurry: AbortSignal): Promise<void> {
    const { parts, state, engine } = this.#assembly;
    const { stopTimeoutMs } = state.loaded.config.director;
    const now = AbortSignal.any([hurry, this.#isOrphaned.signal]);
    await Promise.all([engine.retire?.(stopTimeoutMs, now), this.#hooksEnd(now)]);
    this.#running?.close();
    await this.#running?.control.stop();
    parts.logger.log("info", "stopped", { reason: "replaced" });
  }

  async #giveUp(pid: number): Promise<void> {
    const { parts, state, resolver, maintenance, table, health, peerCopy } = this.#assembly;
    state.isStopping = true;
    resolver.close();
    maintenance.close();
    peerCopy.close();
    void health.close();
    await table.close();
    await this.#running?.endpoint.close();
    parts.notifier.replacedBy(pid);
    parts.notifier.close();
    try {
      this.#running?.control.giveWay?.(successorSocketPath(this.#controlPath, pid));
    } catch (error) {
      // The successor takes the path itself.
      parts.logger.log("warning", "upgrade", { reason: errorText(error) });
    }
  }

  async #hooksEnd(hurry: AbortSignal): Promise<void> {
    const { parts } = this.#assembly;
    const { promise: isOver, resolve } = Promise.withResolvers<void>();
    const timer = parts.clock.after(hooksMs, resolve);
    hurry.addEventListener("abort", () => resolve(), { once: true });
    if (hurry.aborted) resolve();
    await Promise.race([parts.hooks.idle(), isOver]);
    timer.cancel();
    parts.hooks.abandon();
  }
}
