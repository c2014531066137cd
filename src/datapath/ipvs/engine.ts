/**
 * The kernel's IPVS as an engine: it is told what differs from what it has, and looked at again
 * every few seconds, because other programs may change it too.
 *
 * Services that are not configured here belong to others and are left alone. One that is
 * configured here and there already is taken over as it is, without a gap.
 *
 * @module
 */

import { ENOENT } from "../../../ffi/errno.ts";
import { systemClock } from "../../clock/index.ts";
import type { Clock, Timer } from "../../clock/index.ts";
import { errorText } from "../../errors/index.ts";
import type { ForwardingService } from "../../model/index.ts";
import { formatEndpoint } from "../../net/address.ts";
import { openIpvs } from "../../netlink/generic/index.ts";
import type { IpvsServiceKey } from "../../netlink/generic/index.ts";
import { isRefusal } from "../../netlink/index.ts";
import type {
  ApplyProblem,
  ConnectionEntry,
  Engine,
  EngineListener,
  IpvsSettings,
  IpvsView,
  ServiceCounters,
} from "../engine.ts";
import { IpvsCompanions } from "./companions.ts";
import { createOwnerOf, readConnections } from "./connection-list.ts";
import { IpvsCounters } from "./counters.ts";
import { missingSettings, readHostSetting } from "./host-settings.ts";
import type { ReadSetting } from "./host-settings.ts";
import { IpvsKernel } from "./kernel.ts";
import type { OpenIpvs } from "./kernel.ts";
import { planChanges } from "./reconcile.ts";
import type { FoundService, IpvsCommand } from "./reconcile.ts";
import { ipvsRefusal } from "./refuse.ts";
import { serviceId, wantedTable } from "./table.ts";
import type { IsLocal, WantedService } from "./table.ts";

/** How often the kernel's table is compared with what it should be. */
const lookMs = 5000;
/** Counters are read anew after this time, and after {@link restShare} times what reading took. */
const freshMs = 200;
const restShare = 20;
/** Commands without a break for other work of this thread. */
const commandsPerTurn = 128;
/** Differences told in one event; `ipvsadm` shows the rest. */
const differencesTold = 3;
/** How often a stop looks whether connections have ended. */
const drainLookMs = 200;

/** What the engine is made with. */
export interface IpvsEngineOptions {
  /** Hears what the engine tells. */
  readonly listener: EngineListener;
  /** True for an address of this host. */
  readonly isLocal: IsLocal;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Default: those of this host. */
  readonly open?: OpenIpvs;
  readonly readSetting?: ReadSetting;
}

/** The engine. Made by {@link createIpvsEngine}. */
class IpvsEngine implements Engine {
  readonly name = "ipvs";
  readonly #listener: EngineListener;
  readonly #isLocal: IsLocal;
  readonly #clock: Clock;
  readonly #readSetting: ReadSetting;
  readonly #kernel: IpvsKernel;
  readonly #counters = new IpvsCounters();
  readonly #companions = new IpvsCompanions();
  #services: readonly ForwardingService[] = [];
  #wanted: readonly WantedService[] = [];
  /** What this engine has made or taken over, by {@link serviceId}. */
  readonly #owned = new Map<string, IpvsServiceKey>();
  /** Those of them that were there before, and the weights that they had. */
  readonly #formerWeights = new Map<string, ReadonlyMap<string, number>>();
  /** Services with a problem: another try is the director's to ask for. */
  #troubled: ReadonlySet<string> = new Set();
  #counted: readonly ServiceCounters[] = [];
  #countAgainAtMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  /** True while commands are carried out, which happens in several turns. */
  #isBusy = false;
  /** Warnings that hold, by what they are about. */
  readonly #warned = new Map<"host" | "companions", ReadonlySet<string>>();
  #lookFailure = "";

  constructor({ listener, isLocal, clock, open, readSetting }: IpvsEngineOptions) {
    this.#listener = listener;
    this.#isLocal = isLocal;
    this.#clock = clock ?? systemClock;
    this.#readSetting = readSetting ?? readHostSetting;
    this.#kernel = new IpvsKernel(this.#clock, open ?? openIpvs);
  }

  ipvsObstacle(): string | undefined {
    return this.#kernel.obstacle();
  }

  refuse(service: ForwardingService): string | undefined {
    return ipvsRefusal(service) ?? this.#kernel.obstacle();
  }

  async apply(services: readonly ForwardingService[]): Promise<readonly ApplyProblem[]> {
    this.#timer?.cancel();
    this.#services = services;
    this.#wanted = this.#table();
    if (this.#wanted.length === 0 && this.#owned.size === 0) return [];
    this.#isBusy = true;
    try {
      return await this.#bring();
    } finally {
      this.#isBusy = false;
      this.#countAgainAtMs = Number.NEGATIVE_INFINITY;
      if (this.#owned.size > 0) this.#lookLater();
    }
  }

  async #bring(): Promise<readonly ApplyProblem[]> {
    const found = this.#read();
    this.#takeOver(found);
    this.#wanted = this.#table();
    this.#warn("host", missingSettings(this.#wanted, this.#readSetting));
    const commands = planChanges({ wanted: this.#wanted, found, owned: this.#owned });
    const problems: ApplyProblem[] = [];
    for (const [index, command] of commands.entries()) {
      const problem = this.#carryOut(command, problems);
      if (problem !== undefined) problems.push(problem);
      if (index % commandsPerTurn === commandsPerTurn - 1) await Bun.sleep(0);
    }
    this.#troubled = new Set(problems.map(({ service }) => service));
    this.#accompany();
    return problems;
  }

  configureIpvs(settings: IpvsSettings): void {
    const isNew = this.#companions.set(settings);
    if (isNew && this.#owned.size > 0) this.#accompany();
  }

  /** Daemons and timeouts, tried again with each look. */
  #accompany(): void {
    const isUsed = this.#owned.size > 0 && this.#kernel.obstacle() === undefined;
    const texts = isUsed ? this.#companions.bring(this.#kernel.socket) : [];
    this.#warn("companions", texts);
  }

  #table(): readonly WantedService[] {
    const facts = { isLocal: this.#isLocal, formerWeights: this.#formerWeights };
    return wantedTable(this.#services, facts);
  }

  /** What the kernel has of what concerns this engine. */
  #read(): ReadonlyMap<string, FoundService> {
    const ids = new Set([...this.#owned.keys(), ...this.#wanted.map(({ key }) => serviceId(key))]);
    return this.#kernel.read((id) => ids.has(id));
  }

  /** Counts what is there already as its own from now on, and tells. */
  #takeOver(found: ReadonlyMap<string, FoundService>): void {
    for (const { key } of this.#wanted) {
      const id = serviceId(key);
      const known = found.get(id);
      if (known === undefined || this.#owned.has(id)) continue;
      this.#owned.set(id, key);
      const weights = known.destinations.map((one) => [formatEndpoint(one), one.weight] as const);
      this.#formerWeights.set(id, new Map(weights));
      const text = `IPVS had ${id} already: it is kept up by this director from now on`;
      this.#listener({ type: "log", level: "info", text });
    }
  }

  /** Tells each text once, as long as it holds. */
  #warn(about: "host" | "companions", texts: readonly string[]): void {
    const before = this.#warned.get(about);
    for (const text of new Set(texts)) {
      if (before?.has(text) !== true) this.#listener({ type: "log", level: "warning", text });
    }
    this.#warned.set(about, new Set(texts));
  }

  /** @returns Why it cannot be done. Nothing is tried of a service that could not be made. */
  #carryOut(command: IpvsCommand, before: readonly ApplyProblem[]): ApplyProblem | undefined {
    const { type, owner, service } = command;
    const isDestination = type !== "add-service" && type !== "delete-service";
    if (isDestination && before.some((problem) => problem.service === owner)) return undefined;
    try {
      this.#kernel.carryOut(command);
    } catch (error) {
      const isScheduler = type === "add-service" || type === "set-service";
      if (!isScheduler || !isRefusal(error, ENOENT)) {
        return { service: owner, code: "IPVS_REFUSED", message: errorText(error) };
      }
      const { scheduler } = command.settings;
      const cure = `modprobe ip_vs_${scheduler}`;
      const message = `this kernel's IPVS has no scheduler ${scheduler}: ${cure}`;
      return { service: owner, code: "IPVS_SCHEDULER_MISSING", message };
    }
    if (type === "add-service") this.#owned.set(serviceId(service), service);
    if (type === "delete-service") {
      this.#owned.delete(serviceId(service));
      this.#formerWeights.delete(serviceId(service));
    }
    return undefined;
  }

  #lookLater(): void {
    this.#timer = this.#clock.after(lookMs, () => {
      try {
        this.#look();
        this.#lookFailure = "";
      } catch (error) {
        const text = `Cannot look at IPVS: ${errorText(error)}`;
        if (text !== this.#lookFailure) this.#listener({ type: "log", level: "warning", text });
        this.#lookFailure = text;
      }
      this.#lookLater();
    });
  }

  /** Puts back what others have changed, and tells whose services it was. */
  #look(): void {
    const before = this.#wanted;
    // Whether an address is this host's own may have changed meanwhile.
    this.#wanted = this.#table();
    const found = this.#read();
    const owned = this.#owned;
    const foreign = new Set(
      planChanges({ wanted: before, found, owned }).map(({ difference }) => difference),
    );
    const changed = new Map<string, string[]>();
    const problems: ApplyProblem[] = [];
    for (const command of planChanges({ wanted: this.#wanted, found, owned })) {
      const { owner, difference } = command;
      if (this.#troubled.has(owner)) continue;
      const problem = this.#carryOut(command, problems);
      if (problem !== undefined) problems.push(problem);
      if (!foreign.has(difference)) continue;
      const list = changed.get(owner);
      if (list === undefined) changed.set(owner, [difference]);
      else list.push(difference);
    }
    for (const [service, list] of changed) this.#tellChanged(service, list);
    for (const { message } of problems) {
      this.#listener({ type: "log", level: "warning", text: `IPVS stays changed: ${message}` });
    }
    this.#accompany();
  }

  #tellChanged(service: string, differences: readonly string[]): void {
    const more = differences.length - differencesTold;
    const told = differences.slice(0, differencesTold).join("; ");
    const text = `Another program changed IPVS, put back: ${told}`;
    this.#listener({
      type: "put-back",
      service,
      text: more > 0 ? `${text}; and ${more} more` : text,
    });
  }

  counters(): readonly ServiceCounters[] {
    const isStale = this.#clock.nowMs() >= this.#countAgainAtMs;
    if (this.#wanted.length === 0) return [];
    if (!isStale || this.#isBusy || this.#owned.size === 0) return this.#counted;
    const startMs = this.#clock.nowMs();
    try {
      this.#counted = this.#counters.read(this.#wanted, this.#read());
    } catch {
      // The next look tells of it; until then the last counters stand.
    }
    const endMs = this.#clock.nowMs();
    this.#countAgainAtMs = endMs + Math.max(freshMs, (endMs - startMs) * restShare);
    return this.#counted;
  }

  connections(limit: number): Promise<readonly ConnectionEntry[]> {
    if (this.#owned.size === 0) return Promise.resolve([]);
    return readConnections(createOwnerOf(this.#wanted), limit);
  }

  ipvsView(): IpvsView | undefined {
    if (this.#owned.size === 0) return undefined;
    try {
      const { socket } = this.#kernel;
      const { tcpSeconds, tcpFinSeconds, udpSeconds } = socket.readTimeouts();
      const timeouts = {
        tcpMs: tcpSeconds * 1000,
        tcpFinMs: tcpFinSeconds * 1000,
        udpMs: udpSeconds * 1000,
      };
      return { ...this.#kernel.info, timeouts, daemons: socket.listDaemons() };
    } catch {
      // The kernel's part of a listing is better missing than all of it.
      return undefined;
    }
  }

  /**
   * Ends like a drain, then removes what is its own; connections then have nowhere to go. Without
   * any time, as after a start that failed, what was there before stays.
   */
  async close(timeoutMs: number, hurry: AbortSignal): Promise<void> {
    this.#timer?.cancel();
    try {
      if (this.#owned.size > 0 && timeoutMs > 0 && !hurry.aborted) {
        this.#stopSending();
        await this.#drained(timeoutMs, hurry);
      }
      this.#wanted = [];
      if (timeoutMs === 0 && hurry.aborted) {
        for (const id of this.#formerWeights.keys()) this.#owned.delete(id);
      }
      if (this.#owned.size > 0) {
        this.#warn("companions", this.#companions.close(this.#kernel.socket));
        this.#carryOutAll(this.#read());
      }
    } catch (error) {
      const text = `Cannot remove all services from IPVS: ${errorText(error)}`;
      this.#listener({ type: "log", level: "warning", text });
    } finally {
      this.#kernel.close();
    }
  }

  /** The kernel goes on with what it has; another process looks after it. */
  leave(): void {
    this.#timer?.cancel();
    this.#wanted = [];
    this.#owned.clear();
    this.#kernel.close();
  }

  #stopSending(): void {
    this.#wanted = this.#wanted.map((service) => ({
      ...service,
      destinations: service.destinations.map((one) => ({
        ...one,
        settings: { ...one.settings, weight: 0 },
      })),
    }));
    this.#carryOutAll(this.#read());
  }

  #carryOutAll(found: ReadonlyMap<string, FoundService>): void {
    for (const command of planChanges({ wanted: this.#wanted, found, owned: this.#owned })) {
      const problem = this.#carryOut(command, []);
      if (problem === undefined) continue;
      const text = `IPVS stays as it is: ${problem.message}`;
      this.#listener({ type: "log", level: "warning", text });
    }
  }

  #drained(timeoutMs: number, hurry: AbortSignal): Promise<void> {
    const endMs = this.#clock.nowMs() + timeoutMs;
    return new Promise((resolve) => {
      const look = (): void => {
        const nowMs = this.#clock.nowMs();
        this.#countAgainAtMs = nowMs;
        const active = this.counters().reduce((sum, service) => sum + service.active, 0);
        if (active === 0 || nowMs >= endMs || hurry.aborted) resolve();
        else this.#clock.after(Math.min(drainLookMs, endMs - nowMs), look);
      };
      look();
    });
  }
}

/** Makes an engine without services. It opens nothing before it is asked for something. */
export function createIpvsEngine(options: IpvsEngineOptions): Engine {
  return new IpvsEngine(options);
}
