/**
 * The engine that forwards by our own bpf program: gate, ipip and masq, at TC ingress (TCX, Linux
 * 6.6).
 *
 * It belongs to the thread that opened it. What it writes goes on working when the process dies;
 * {@link BpfEngine.leave} is the same without dying, {@link BpfEngine.close} takes everything away.
 *
 * @module
 */

import { hostBpfKernel, openBpfFileSystem, possibleProcessors } from "../../bpf/index.ts";
import type { BpfKernel } from "../../bpf/index.ts";
import { systemClock } from "../../clock/index.ts";
import type { Clock, Timer } from "../../clock/index.ts";
import { errorText } from "../../errors/index.ts";
import { fencePinsName } from "../../fence/index.ts";
import type { ForwardingService } from "../../model/index.ts";
import { formatAddress } from "../../net/address.ts";
import { openRouteSocket } from "../../netlink/route/index.ts";
import type { Link, Neighbour, RouteSocket } from "../../netlink/route/index.ts";
import type {
  ApplyProblem,
  BoundClient,
  ConnectionEntry,
  Engine,
  EngineListener,
  ServiceCounters,
} from "../engine.ts";
import { listBoundClients, takeBoundClients } from "./bound-clients.ts";
import { ConnectionCopier } from "./connection-copy.ts";
import { dropReasons, indexKey } from "./layout.ts";
import type { DropReason } from "./layout.ts";
import { Numbers } from "./numbers.ts";
import { OwnServers } from "./own-servers.ts";
import { balancerPinsName, BalancerProgram } from "./program.ts";
import { bpfRefusal } from "./refuse.ts";
import type { PlannedService } from "./server-records.ts";
import { ForwardingTables } from "./tables.ts";
import { Traffic } from "./traffic.ts";
import { findWay, needsBalancer } from "./ways.ts";
import type { Way } from "./ways.ts";

/** Connections of the table unless told otherwise: 26 MB. */
const connectionsMaxDefault = 262_144;
/** How often interfaces and routes are looked at, ms. */
const refreshIntervalMs = 1000;
/** How often a stop looks whether the last connection has ended, ms. */
const drainIntervalMs = 100;

/** Where the engine lives. */
export interface BpfEngineOptions {
  /** For a bpf file system where the host has none. */
  readonly runtimeDirectory: string;
  readonly listener: EngineListener;
  /** Connections in the table; at most a million is sensible. @default 262144 */
  readonly connectionsMax?: number | undefined;
  /** Virtual addresses that need a lease, for the time before the first {@link BpfEngine.apply}. */
  readonly leased?: readonly string[] | undefined;
  readonly kernel?: BpfKernel | undefined;
  readonly clock?: Clock | undefined;
}

interface BpfEngineParts {
  readonly program: BalancerProgram;
  readonly routes: RouteSocket;
  readonly listener: EngineListener;
  readonly clock: Clock;
}

/** The bpf engine of one network namespace. */
export class BpfEngine implements Engine {
  readonly name = "bpf";
  readonly #program: BalancerProgram;
  readonly #routes: RouteSocket;
  readonly #listener: EngineListener;
  readonly #clock: Clock;
  readonly #numbers = new Numbers();
  readonly #tables: ForwardingTables;
  readonly #traffic: Traffic;
  readonly #ownServers: OwnServers;
  /** For the other director. */
  readonly copies: ConnectionCopier;
  #wanted: readonly ForwardingService[] = [];
  #planned: readonly PlannedService[] = [];
  #drains = false;
  #lastWarning = "";
  #timer: Timer | undefined;
  #isOver = false;
  /** Another process is about to have the programs, and would be put out of its place. */
  #isResting = false;

  constructor({ program, routes, listener, clock }: BpfEngineParts) {
    this.#program = program;
    this.#routes = routes;
    this.#listener = listener;
    this.#clock = clock;
    this.#tables = new ForwardingTables(program, this.#numbers);
    this.#traffic = new Traffic(program);
    const { kernel, fencePins } = program;
    const neighbours = (): readonly Neighbour[] => routes.listNeighbours();
    this.#ownServers = new OwnServers({ kernel, fencePins, neighbours });
    this.copies = new ConnectionCopier({
      program,
      deviceTo: (client) => this.#deviceTo(client),
      onWatch: () => this.#traffic.keepCopies(),
    });
  }

  refuse(service: ForwardingService): string | undefined {
    return bpfRefusal(service);
  }

  async apply(services: readonly ForwardingService[]): Promise<readonly ApplyProblem[]> {
    await Promise.resolve();
    this.#wanted = services;
    this.#program.followFence(leasedAddresses(services));
    this.#attach();
    const problems = this.#write();
    if (this.#timer === undefined && !this.#isOver) this.#schedule();
    return problems;
  }

  counters(): readonly ServiceCounters[] {
    return this.#traffic.counters();
  }

  /** Packets that were dropped since the maps were made, by reason. */
  drops(): Readonly<Record<DropReason, number>> {
    const map = this.#program.map("drops");
    const copies = new BigUint64Array(this.#program.processors);
    const counts: Partial<Record<DropReason, number>> = {};
    for (const [index, reason] of dropReasons.entries()) {
      this.#program.kernel.lookup(map, indexKey(index), new Uint8Array(copies.buffer));
      counts[reason] = Number(copies.reduce((sum, count) => sum + count, 0n));
    }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the loop has filled it.
    return counts as Record<DropReason, number>;
  }

  /** Counts connections anew; {@link counters} does so itself, but tells what it knew before. */
  async recount(): Promise<void> {
    await this.#traffic.recount();
  }

  async connections(limit: number): Promise<readonly ConnectionEntry[]> {
    return this.#traffic.list(limit);
  }

  boundClients(withinMs: number, limit: number): readonly BoundClient[] {
    return listBoundClients(this.#program, this.#planned, { withinMs, limit });
  }

  bindClients(clients: readonly BoundClient[]): number {
    return takeBoundClients(this.#program, this.#planned, clients);
  }

  async close(timeoutMs: number, hurry: AbortSignal): Promise<void> {
    this.#timer?.cancel();
    this.#isOver = true;
    this.#drains = true;
    this.#write();
    const endMs = this.#clock.nowMs() + timeoutMs;
    while (!hurry.aborted && this.#clock.nowMs() < endMs) {
      await this.#traffic.recount();
      if (this.#traffic.endingConnections === 0) break;
      await this.#sleep(Math.min(drainIntervalMs, endMs - this.#clock.nowMs()), hurry);
    }
    this.copies.close();
    await this.#traffic.settle();
    this.#tables.close();
    this.#program.remove();
    this.#routes.close();
  }

  /** Ends without taking anything away: services go on, the next process takes them over. */
  leave(): void {
    this.#timer?.cancel();
    this.#isOver = true;
    this.copies.close();
    // A count that is under way reads the maps.
    void this.#traffic.settle().then(() => {
      this.#tables.close();
      this.#program.close();
      this.#routes.close();
    });
  }

  async #sleep(ms: number, hurry: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#clock.after(Math.max(0, ms), resolve);
    const wake = (): void => resolve();
    hurry.addEventListener("abort", wake, { once: true });
    await promise;
    hurry.removeEventListener("abort", wake);
    timer.cancel();
  }

  /** Leaves interfaces and loads alone, or looks after them again; packets are not concerned. */
  rest(isResting: boolean): void {
    this.#isResting = isResting;
  }

  #schedule(): void {
    this.#timer = this.#clock.after(refreshIntervalMs, () => {
      if (!this.#isResting) {
        this.#refresh();
        this.#traffic.keepLoads();
      }
      if (!this.#isOver) this.#schedule();
    });
  }

  /** Interfaces come and go, and with them the ways to real servers. */
  #refresh(): void {
    try {
      this.#program.followFence(leasedAddresses(this.#wanted));
      this.#attach();
      for (const { device, fault } of this.#program.links.mend()) {
        this.#warn(`the bpf program was ${fault} on interface ${device}: put back`);
      }
      this.#write();
    } catch (error) {
      this.#warn(`Cannot look after the interfaces: ${errorText(error)}`);
    }
  }

  #attach(): void {
    const { links } = this.#program;
    const wanted = this.#routes.listLinks().filter(needsBalancer);
    const indexes = new Set(wanted.map(({ index }) => index));
    for (const device of links.devices) if (!indexes.has(device)) links.detach(device);
    for (const { index, name } of wanted) {
      try {
        links.attach(index);
      } catch (error) {
        // Gone again, most likely; the next look tells.
        this.#warn(`Cannot attach to ${name}: ${errorText(error)}`);
      }
    }
  }

  #write(): ApplyProblem[] {
    const problems: ApplyProblem[] = [];
    const carried = this.#wanted.filter((service) => {
      const message = bpfRefusal(service);
      if (message === undefined) return true;
      problems.push({ service: service.name, code: "BPF_SERVICE_REFUSED", message });
      return false;
    });
    const numbered = this.#numbers.assign(carried, ({ name }, what) => {
      const message = `no number is left for this ${what}`;
      problems.push({ service: name, code: "BPF_NUMBERS_FULL", message });
    });
    const links = this.#routes.listLinks();
    this.#planned = numbered.map((one) => {
      const servers = one.servers.map((server) => this.#tables.asLeft(server));
      return { ...one, servers, ways: this.#waysOf(one, links, problems) };
    });
    this.#traffic.follow(this.#planned);
    problems.push(...this.#tables.write(this.#planned, this.#drains));
    this.#ownServers.follow(this.#planned);
    this.copies.follow(this.#planned);
    return problems;
  }

  #deviceTo(client: Uint8Array): number {
    return findWay(this.#routes, [], formatAddress(client))?.device ?? 0;
  }

  #waysOf(
    { service, servers }: Pick<PlannedService, "service" | "servers">,
    links: readonly Link[],
    problems: ApplyProblem[],
  ): Map<number, Way> {
    const ways = new Map<number, Way>();
    for (const { server, index } of servers) {
      const way = findWay(this.#routes, links, server.address);
      const fault = faultOf(way, service.forwarding);
      if (way !== undefined && fault === undefined) ways.set(index, way);
      else {
        const message = `${server.key}: ${fault ?? ""}`;
        problems.push({ service: service.name, code: "BPF_SERVER_UNREACHABLE", message });
      }
    }
    return ways;
  }

  /** The same once, not each second. */
  #warn(text: string): void {
    if (text === this.#lastWarning) return;
    this.#lastWarning = text;
    this.#listener({ type: "log", level: "warning", text });
  }
}

/** Virtual addresses of services that need a lease. */
export function leasedAddresses(services: readonly ForwardingService[]): string[] {
  return services.flatMap(({ leased }) => leased ?? []);
}

/** What stands against a way; undefined: nothing. */
function faultOf(
  way: Way | undefined,
  forwarding: ForwardingService["forwarding"],
): string | undefined {
  if (way === undefined) return "this host has no route to it";
  if (forwarding === "gate") {
    return way.isDirect ? undefined : "it is behind a router, gate needs it on this network";
  }
  if (forwarding === "ipip") {
    return way.source === undefined ? "this host has no address for packets to it" : undefined;
  }
  return way.isLocal ? "masq cannot lead to this host itself" : undefined;
}

/**
 * Opens the engine, and takes over what an earlier process left in force.
 *
 * @throws {SyscallError} `EPERM` without CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON; `EINVAL` where the
 *   kernel has no TCX; with the verifier's log if it refused.
 */
export function openBpfEngine(options: BpfEngineOptions): BpfEngine {
  const { runtimeDirectory, listener, kernel = hostBpfKernel, clock = systemClock } = options;
  const program = new BalancerProgram({
    kernel,
    pins: openBpfFileSystem(balancerPinsName, runtimeDirectory),
    fencePins: openBpfFileSystem(fencePinsName, runtimeDirectory),
    connectionsMax: options.connectionsMax ?? connectionsMaxDefault,
    processors: possibleProcessors(),
    leased: options.leased,
  });
  return new BpfEngine({ program, routes: openRouteSocket(), listener, clock });
}
