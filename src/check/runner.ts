/**
 * Runs the checks of all real servers: each in its turn, side by side with a bound, spread over
 * the interval, identical ones once.
 *
 * Owns the groups, their timers and everything the checks open. One thread.
 *
 * @module
 */

import type { Clock } from "../clock/index.ts";
import { errorText } from "../errors/index.ts";
import type { Logger } from "../log/index.ts";
import type { CheckSpec } from "../model/index.ts";
import { checkKey } from "./check-key.ts";
import type { Check, CheckResult, CheckTarget } from "./check.ts";
import { createCheckFactory } from "./create-check.ts";
import { createGroup, describeResult, inheritHealth, uncheckedState } from "./group.ts";
import type { Group, HealthState, HealthTarget, KnownHealth } from "./group.ts";
import { createMetricsRecorder } from "./metrics.ts";
import type { CheckMetrics } from "./metrics.ts";
import { stepMonitor } from "./monitor.ts";
import type { MonitorEvent } from "./monitor.ts";
import { firstStartDelayMs, nextStartMs } from "./schedule.ts";
import { createSlots } from "./slots.ts";
import { createTimerQueue } from "./timer-queue.ts";
import type { ClientPaths } from "./vip.ts";

/** Knows which real servers are healthy. */
export interface HealthRunner {
  /** Makes `targets` the whole set. Unchanged ones keep state and phase; new ones start soon. */
  apply(targets: readonly HealthTarget[]): void;
  /** The engine failed to connect to this server: it is checked now, unless it just was. */
  suspect(id: string): void;
  /** Undefined: `id` is not in the set. */
  state(id: string): HealthState | undefined;
  /** What all checks that have ended once have found out. */
  known(): readonly KnownHealth[];
  metrics(): CheckMetrics;
  /** True once every check of the first set has ended once; stays true. */
  firstPassDone(): boolean;
  /** Stops checking; when it resolves, nothing the checks opened is left. */
  close(): Promise<void>;
}

/**
 * Called when the health of a server is another one than before; a server that was not in the set
 * counts as unchecked. Never called within `apply`.
 */
export type HealthListener = (id: string, state: HealthState, previous: HealthState) => void;

/** What a runner needs. */
export interface HealthRunnerOptions {
  readonly clock: Clock;
  readonly onChange: HealthListener;
  /** Called with every result, for each server it is about. */
  readonly onResult?: (id: string, result: CheckResult) => void;
  readonly log?: Logger;
  /** What an earlier process knew: the same checks begin with it, and are repeated as usual. */
  readonly known?: readonly KnownHealth[] | undefined;
  /** Checks at once; each holds a descriptor. */
  readonly concurrencyMax: number;
  /** Login name that runs external checks when this process is root. */
  readonly scriptUser: string;
  /** For `vip` checks; without it they fail. */
  readonly clientPaths?: ClientPaths | undefined;
  /** For tests: makes the checks instead of {@link createCheckFactory}. */
  readonly checks?: (spec: CheckSpec, protocol: CheckTarget["protocol"]) => Check;
}

/** External checks at once: each is a process, and a host has other work to do. */
const externalMax = 16;

/** Creates a runner with nothing to check. */
export function createHealthRunner(options: HealthRunnerOptions): HealthRunner {
  return new Runner(options);
}

class Runner implements HealthRunner {
  readonly #options: HealthRunnerOptions;
  readonly #clock;
  readonly #factory;
  readonly #createCheck: NonNullable<HealthRunnerOptions["checks"]>;
  readonly #metrics = createMetricsRecorder();
  readonly #slots;
  readonly #externalSlots;
  /** By key. */
  #groups = new Map<string, Group>();
  #groupById = new Map<string, Group>();
  /** By key; what was used is gone. */
  readonly #known: Map<string, KnownHealth>;
  /** Groups that have not had their first result. */
  readonly #firstPending = new Set<Group>();
  #isFirstPassDone = false;
  #runningCount = 0;
  #isClosed = false;
  readonly #idle = Promise.withResolvers<void>();

  constructor(options: HealthRunnerOptions) {
    this.#options = options;
    this.#clock = createTimerQueue(options.clock);
    this.#known = new Map(options.known?.map((one) => [one.key, one]));
    this.#factory = createCheckFactory(this.#clock, options.scriptUser, options.clientPaths);
    this.#createCheck = options.checks ?? ((...from) => this.#factory.create(...from));
    this.#slots = createSlots(options.concurrencyMax);
    this.#externalSlots = createSlots(Math.min(externalMax, options.concurrencyMax));
  }

  apply(targets: readonly HealthTarget[]): void {
    if (this.#isClosed) return;
    this.#options.clientPaths?.keep(targets.some(({ spec }) => spec.type === "vip"));
    const before = this.#groupById;
    const previous = this.#groups;
    this.#groups = new Map();
    this.#groupById = new Map();
    const idsByGroup = new Map<Group, string[]>();
    for (const { id, spec, target } of targets) {
      const group = this.#groupFor(spec, target, previous);
      this.#groupById.set(id, group);
      const ids = idsByGroup.get(group);
      if (ids === undefined) idsByGroup.set(group, [id]);
      else ids.push(id);
    }
    for (const group of previous.values()) {
      if (!this.#groups.has(group.key)) this.#dispose(group);
    }
    const statesBefore = new Map([...before].map(([id, group]) => [id, group.state]));
    let newCount = 0;
    for (const [group, ids] of idsByGroup) {
      group.ids = ids;
      if (previous.has(group.key)) continue;
      inheritHealth(group, groupsOf(ids, before));
      this.#remember(group);
      if (group.check !== undefined) this.#startFirst(group, newCount++);
    }
    this.#noteFirstPass();
    queueMicrotask(() => this.#announce(statesBefore));
  }

  suspect(id: string): void {
    const group = this.#groupById.get(id);
    if (group?.check === undefined || group.isBusy || this.#isClosed) return;
    this.#step(group, {
      type: "suspicion",
      sinceStartMs: this.#clock.nowMs() - group.startedAtMs,
    });
  }

  state(id: string): HealthState | undefined {
    return this.#groupById.get(id)?.state;
  }

  known(): readonly KnownHealth[] {
    const groups = [...this.#groups.values()];
    const asked = groups.filter(({ check, state }) => check !== undefined && state.lastResult);
    return asked.map(({ key, monitor, state }) => ({ key, monitor, state }));
  }

  metrics(): CheckMetrics {
    return this.#metrics.read();
  }

  firstPassDone(): boolean {
    return this.#isFirstPassDone;
  }

  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      for (const group of this.#groups.values()) this.#dispose(group);
      this.#slots.clear();
      this.#externalSlots.clear();
      if (this.#runningCount === 0) this.#idle.resolve();
      // All deadlines at once: what is in flight settles and closes what it has opened.
      this.#clock.expireAll();
    }
    await this.#idle.promise;
    this.#factory.close();
    this.#options.clientPaths?.keep(false);
  }

  /** Lets a new group begin with what an earlier process knew. */
  #remember(group: Group): void {
    const known = this.#known.get(group.key);
    if (known === undefined || group.check === undefined) return;
    this.#known.delete(group.key);
    group.monitor = known.monitor;
    group.state = known.state;
  }

  #groupFor(
    spec: CheckSpec,
    target: CheckTarget | undefined,
    previous: ReadonlyMap<string, Group>,
  ): Group {
    const key = checkKey(spec, target);
    const group =
      this.#groups.get(key) ??
      previous.get(key) ??
      createGroup(spec, target, {
        wallMs: this.#clock.wallMs(),
        createCheck: this.#createCheck,
      });
    this.#groups.set(key, group);
    return group;
  }

  #dispose(group: Group): void {
    group.isClosed = true;
    group.timer?.cancel();
    this.#firstPending.delete(group);
  }

  /** Tells of the servers whose health `apply` has changed. */
  #announce(statesBefore: ReadonlyMap<string, HealthState>): void {
    for (const [id, { state }] of this.#groupById) {
      const previous = statesBefore.get(id) ?? uncheckedState;
      if (state.health !== previous.health) this.#options.onChange(id, state, previous);
    }
  }

  #startFirst(group: Group, place: number): void {
    this.#firstPending.add(group);
    this.#checkIn(group, firstStartDelayMs(place));
  }

  #noteFirstPass(): void {
    if (this.#firstPending.size === 0) this.#isFirstPassDone = true;
  }

  #checkIn(group: Group, delayMs: number): void {
    group.timer?.cancel();
    group.dueAtMs = this.#clock.nowMs() + delayMs;
    group.timer = this.#clock.after(delayMs, () => {
      group.isBusy = true;
      this.#slotsOf(group).acquire(() => this.#run(group));
    });
  }

  #slotsOf({ spec }: Group) {
    const isProgram = spec.type === "external" || spec.type === "external-perl";
    return isProgram ? this.#externalSlots : this.#slots;
  }

  #run(group: Group): void {
    const { check, target, spec } = group;
    if (group.isClosed) return this.#slotsOf(group).release();
    group.startedAtMs = this.#clock.nowMs();
    this.#runningCount += 1;
    check!.run(target!, spec.timeoutMs).then(
      (result) => this.#onResult(group, result),
      (error: unknown) => this.#onBug(group, error),
    );
  }

  /** A check must not reject. One that does must not take the director down with it. */
  #onBug(group: Group, error: unknown): void {
    const detail = `internal: ${errorText(error)}`;
    this.#options.log?.log("error", "check-bug", { check: group.check!.name, error: detail });
    const tookMs = this.#clock.nowMs() - group.startedAtMs;
    this.#onResult(group, { up: false, tookMs, reason: "bad-answer", detail });
  }

  #onResult(group: Group, result: CheckResult): void {
    this.#runningCount -= 1;
    group.isBusy = false;
    if (this.#isClosed && this.#runningCount === 0) this.#idle.resolve();
    this.#slotsOf(group).release();
    if (group.isClosed) return;
    this.#metrics.record(result, Math.max(0, group.startedAtMs - group.dueAtMs));
    if (!result.up && result.reason === "no-resources") this.#logShortage(group, result.detail);
    const { ids } = group;
    this.#step(group, { type: "result", result });
    if (this.#firstPending.delete(group)) this.#noteFirstPass();
    for (const id of ids) this.#options.onResult?.(id, result);
  }

  #logShortage(group: Group, detail: string): void {
    const { name } = group.check!;
    const server = `${group.target!.address}:${group.target!.port}`;
    this.#options.log?.log("warning", "check-no-resources", { check: name, server, detail });
  }

  /** Feeds the monitor, stores the new state, schedules the next check, tells of a change. */
  #step(group: Group, event: MonitorEvent): void {
    const [monitor, effects] = stepMonitor(group.monitor, event, group.spec);
    const before = group.state;
    const isResult = event.type === "result";
    group.monitor = monitor;
    if (isResult) group.state = this.#stateAfter(before, group, event.result);
    const early = effects.find((effect) => effect.type === "check-in");
    const nowMs = this.#clock.nowMs();
    if (isResult || early !== undefined) {
      const turnMs = isResult ? nextStartMs({ ...timesOf(group), nowMs }) : group.dueAtMs;
      const earlyMs = early === undefined ? turnMs : nowMs + early.delayMs;
      if (isResult || earlyMs < turnMs) this.#checkIn(group, Math.min(earlyMs, turnMs) - nowMs);
    }
    if (!effects.some((effect) => effect.type === "changed")) return;
    for (const id of group.ids) this.#options.onChange(id, group.state, before);
  }

  #stateAfter(before: HealthState, { monitor }: Group, result: CheckResult): HealthState {
    const wallMs = this.#clock.wallMs();
    const hasChanged = monitor.health !== before.health;
    // While a server stays up, the reason is why it came up; while it is not, what fails now.
    const keepsReason = monitor.health === "up" && !hasChanged;
    return {
      health: monitor.health,
      changedAtMs: hasChanged ? wallMs : before.changedAtMs,
      lastResult: result,
      lastAtMs: wallMs,
      failures: monitor.failures,
      reason: keepsReason ? before.reason : describeResult(result),
    };
  }
}

function timesOf({ startedAtMs, spec, phaseMs }: Group) {
  return { startedAtMs, intervalMs: spec.intervalMs, phaseMs };
}

/** The groups these servers belonged to. */
function groupsOf(ids: readonly string[], before: ReadonlyMap<string, Group>): readonly Group[] {
  return ids.map((id) => before.get(id)).filter((group) => group !== undefined);
}
