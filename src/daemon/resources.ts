/**
 * The resources of all virtual routers: what runs where the addresses are.
 *
 * The addresses never wait for them at a takeover: they are started once the addresses are there.
 * A handover that an operator asks for, and an end of the director, stop them first, but wait only
 * so long. docs/decisions/0031 says why.
 *
 * @module
 */

import type { Clock } from "../clock/index.ts";
import type { VirtualRouter } from "../model/index.ts";
import type { ProgramRequest, ProgramResult } from "../process/index.ts";
import { ResourceGroup } from "./resource-group.ts";
import type { ResourceNews, ResourceView } from "./resource-group.ts";

/** What {@link Resources} works with. */
export interface ResourcesOptions {
  readonly clock: Clock;
  readonly run: (request: ProgramRequest) => Promise<ProgramResult>;
  readonly tell: (news: ResourceNews) => void;
}

/** The addresses wait so long for programs that stop: less than a command waits for its answer. */
export const handoverWaitMs = 20_000;

/** An end of the director waits so long for those that still stop, then kills them. */
export const closeWaitMs = 20_000;

/** See the module's head. */
export class Resources {
  readonly #options: ResourcesOptions;
  readonly #groups = new Map<string, ResourceGroup>();
  #isClosing = false;

  constructor(options: ResourcesOptions) {
    this.#options = options;
  }

  /** Takes the resources of these virtual routers for the wanted ones. */
  apply(routers: readonly Pick<VirtualRouter, "name" | "resources">[]): void {
    const wanted = new Map(routers.map(({ name, resources }) => [name, resources]));
    for (const [name, group] of this.#groups) {
      if (wanted.has(name)) continue;
      // What it has still to stop is stopped; nobody asks for it any more.
      group.want(false);
      group.apply([]);
      this.#groups.delete(name);
    }
    for (const [name, commands] of wanted) {
      if (commands.length > 0 || this.#groups.has(name)) this.#groupOf(name).apply(commands);
    }
  }

  /** A virtual router has the addresses here now, or has them no more. */
  follow(name: string, isActive: boolean): void {
    if (!this.#isClosing) this.#groups.get(name)?.want(isActive);
  }

  /** Stops those of some virtual routers. Settles when that is done, or when time is up. */
  async release(names: readonly string[]): Promise<void> {
    const groups = names.flatMap((name) => this.#groups.get(name) ?? []);
    for (const group of groups) group.want(false);
    await this.#wait(groups, handoverWaitMs);
  }

  /** Of one virtual router. */
  views(name: string): readonly ResourceView[] {
    return this.#groups.get(name)?.views() ?? [];
  }

  /** Stops all of them for good, before the addresses go; they are followed no more. */
  async leave(hurry: AbortSignal): Promise<void> {
    this.#isClosing = true;
    const kill = (): void => this.#abandon();
    hurry.addEventListener("abort", kill, { once: true });
    if (hurry.aborted) kill();
    await this.release([...this.#groups.keys()]);
  }

  /** Waits for what still stops, then kills it. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#wait([...this.#groups.values()], closeWaitMs);
    this.#abandon();
  }

  #groupOf(name: string): ResourceGroup {
    const known = this.#groups.get(name);
    if (known !== undefined) return known;
    const group = new ResourceGroup({ router: name, ...this.#options });
    this.#groups.set(name, group);
    return group;
  }

  async #wait(groups: readonly ResourceGroup[], waitMs: number): Promise<void> {
    const { promise: isOver, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.clock.after(waitMs, resolve);
    await Promise.race([Promise.all(groups.map((group) => group.settled())), isOver]);
    timer.cancel();
  }

  #abandon(): void {
    for (const group of this.#groups.values()) group.abandon();
  }
}
