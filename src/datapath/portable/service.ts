/**
 * One virtual service of the portable engine: who may connect, which server is next, counters.
 *
 * @module
 */

import type { ForwardingServer, ForwardingService } from "../../model/index.ts";
import { familyOf, foldAddress, parseAddress } from "../../net/address.ts";
import type { AddressBytes, Endpoint } from "../../net/address.ts";
import { compileNetworks } from "../../net/network-list.ts";
import type { NetworkMatcher } from "../../net/network-list.ts";
import { createScheduler } from "../../scheduler/index.ts";
import type { Scheduler } from "../../scheduler/index.ts";
import { closeCauses } from "../engine.ts";
import type { CloseCause, ServiceCounters } from "../engine.ts";
import { PersistenceMap } from "./persistence-map.ts";
import { PortableServer } from "./server.ts";

/** A client, as the lists, the scheduler and persistence see it. */
export interface Client {
  readonly address: AddressBytes;
  readonly port: number;
}

function idOf({ role, key }: { readonly role: string; readonly key: string }): string {
  return `${role} ${key}`;
}

function matcherOf(list: ForwardingService["allow"]): NetworkMatcher | undefined {
  return list.length === 0 ? undefined : compileNetworks(list);
}

function isIn(matcher: NetworkMatcher, { address }: Client): boolean {
  return matcher.matches(address, 0, address.length === 4 ? 4 : 6);
}

/** Totals of servers the service no longer has. */
const totals = ["bytesIn", "bytesOut", "packetsIn", "packetsOut"] as const;
type Totals = Record<(typeof totals)[number], number>;

function countersOfCauses(): Record<CloseCause, number> {
  const counters = Object.fromEntries(closeCauses.map((cause) => [cause, 0]));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made from every cause just now
  return counters as Record<CloseCause, number>;
}

/** A service as this engine forwards it. */
export class PortableService {
  readonly name: string;
  definition: ForwardingService;
  servers: readonly PortableServer[] = [];
  active = 0;
  connections = 0;
  readonly #closed = countersOfCauses();
  readonly #retired: Totals = { bytesIn: 0, bytesOut: 0, packetsIn: 0, packetsOut: 0 };
  #scheduler: Scheduler;
  #persistence: PersistenceMap<PortableServer> | undefined;
  #allow: NetworkMatcher | undefined;
  #deny: NetworkMatcher | undefined;
  #acceptProxyFrom: NetworkMatcher | undefined;
  #sourceTurn = 0;

  constructor(definition: ForwardingService) {
    this.name = definition.name;
    this.definition = definition;
    this.#scheduler = createScheduler(definition.scheduler);
    this.update(definition);
  }

  /**
   * Takes a newer definition.
   *
   * @returns Servers it no longer has; their flows are the caller's to end.
   */
  update(definition: ForwardingService): readonly PortableServer[] {
    this.definition = definition;
    if (definition.scheduler !== this.#scheduler.name) {
      this.#scheduler = createScheduler(definition.scheduler);
    }
    this.#allow = matcherOf(definition.allow);
    this.#deny = matcherOf(definition.deny);
    this.#acceptProxyFrom = matcherOf(definition.acceptProxyFrom);
    this.#updatePersistence();
    const gone = this.#updateServers(definition.servers);
    this.#scheduler.update(this.servers);
    return gone;
  }

  #updatePersistence(): void {
    const { persistence } = this.definition;
    if (persistence === undefined) this.#persistence = undefined;
    else if (this.#persistence === undefined) this.#persistence = new PersistenceMap(persistence);
    else this.#persistence.update(persistence);
  }

  #updateServers(definitions: readonly ForwardingServer[]): readonly PortableServer[] {
    const known = new Map(this.servers.map((server) => [idOf(server), server]));
    this.servers = definitions.map((definition) => {
      const server = known.get(idOf(definition));
      if (server === undefined) return new PortableServer(definition);
      known.delete(idOf(definition));
      server.update(definition);
      return server;
    });
    const gone = [...known.values()];
    for (const server of gone) this.#retire(server);
    for (const server of this.servers) {
      if (server.weight === 0) this.#persistence?.forgetServer(server);
    }
    return gone;
  }

  #retire(server: PortableServer): void {
    server.retire();
    this.#persistence?.forgetServer(server);
    for (const word of totals) this.#retired[word] += server[word];
  }

  /** True if this peer speaks for others: it must send a PROXY header first. */
  sendsProxyHeader(peer: Client): boolean {
    return this.#acceptProxyFrom !== undefined && isIn(this.#acceptProxyFrom, peer);
  }

  /** Why a client gets no service; undefined: it does. */
  judge(client: Client): "denied" | undefined {
    if (this.#deny !== undefined && isIn(this.#deny, client)) return "denied";
    if (this.#allow !== undefined && !isIn(this.#allow, client)) return "denied";
    return undefined;
  }

  /** True if the connection just counted in `active` is one too many. */
  get isOverLimit(): boolean {
    const { connectionLimit } = this.definition;
    return connectionLimit > 0 && this.active > connectionLimit;
  }

  /** The server for a new connection; undefined: none may get it. */
  choose(client: Client, { destination, tried, nowMs }: ChooseOptions): PortableServer | undefined {
    const bound = this.#persistence?.find(client.address, nowMs);
    if (bound?.canTake === true && !tried.includes(bound)) return bound;
    const destinationBytes = parseAddress(destination.address);
    const flow = {
      sourceWord: foldAddress(client.address),
      sourcePort: client.port,
      destinationWord: destinationBytes === undefined ? 0 : foldAddress(destinationBytes),
      destinationPort: destination.port,
    };
    const picked = this.#scheduler.pick(flow, tried);
    return this.servers.find((server) => server === picked);
  }

  /** A connection to `server` is begun: binds the client. */
  begin(client: Client, server: PortableServer, nowMs: number): void {
    this.#persistence?.begin(client.address, server, nowMs);
  }

  /** A connection to `server` is over, or could not be made. */
  end(client: Client, server: PortableServer, nowMs: number): void {
    this.#persistence?.end(client.address, server, nowMs);
  }

  /** The next source address of the server's family; undefined: the kernel chooses. */
  nextSource(server: PortableServer): string | undefined {
    const { source } = this.definition;
    if (source.length === 0) return undefined;
    const family = familyOf(server.address);
    const fitting = source.filter((address) => familyOf(address) === family);
    this.#sourceTurn += 1;
    return fitting[this.#sourceTurn % fitting.length];
  }

  /** Counts the end of a connection, or its refusal. */
  countClosed(cause: CloseCause): void {
    this.#closed[cause] += 1;
  }

  counters(nowMs: number): ServiceCounters {
    const sum = (word: keyof Totals): number =>
      this.servers.reduce((total, server) => total + server[word], this.#retired[word]);
    return {
      name: this.name,
      active: this.active,
      connections: this.connections,
      bytesIn: sum("bytesIn"),
      bytesOut: sum("bytesOut"),
      packetsIn: sum("packetsIn"),
      packetsOut: sum("packetsOut"),
      closed: { ...this.#closed },
      servers: this.servers.map((server) =>
        server.counters(this.#persistence?.count(server, nowMs) ?? 0),
      ),
    };
  }
}

/** What a choice depends on beside the client. */
export interface ChooseOptions {
  /** What the client asked for. */
  readonly destination: Endpoint;
  /** Servers that failed for this connection. */
  readonly tried: readonly PortableServer[];
  readonly nowMs: number;
}
