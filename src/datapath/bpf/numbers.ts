/**
 * The numbers under which the program knows services and real servers. Connections name them, so
 * they stay as long as what they stand for, also over a restart: what an earlier process gave is
 * adopted, a service by one of its endpoints, a server by its service and address. Pure.
 *
 * @module
 */

import type { ForwardingServer, ForwardingService } from "../../model/index.ts";
import { serverFlag, serversMax, servicesMax } from "./layout.ts";
import type { ServerRecord } from "./layout.ts";
import { listenKeys } from "./listens.ts";

/** What a server of an earlier process is known by. */
type LeftServer = Pick<ServerRecord, "address" | "port" | "service" | "generation" | "flags">;

/** A server with its number. */
export interface NumberedServer {
  readonly server: ForwardingServer;
  readonly index: number;
  /** Greater by one for each server that the number has stood for. */
  readonly generation: number;
  /** It had no number before: its counters start at 0. */
  readonly isNew: boolean;
}

/** A service with its number. */
export interface NumberedService {
  readonly service: ForwardingService;
  readonly id: number;
  readonly isNew: boolean;
  readonly servers: readonly NumberedServer[];
}

function identityOf({
  role,
  address,
  port,
}: Pick<ForwardingServer, "role" | "address" | "port">): string {
  return `${role} ${address} ${port}`;
}

/** Smallest number below `max` that is not taken; undefined if all are. */
function firstFree(taken: ReadonlySet<number>, max: number): number | undefined {
  for (let number = 0; number < max; number++) if (!taken.has(number)) return number;
  return undefined;
}

/** Who has which number. */
export class Numbers {
  /** By name. */
  readonly #services = new Map<string, number>();
  /** Of an earlier process: by key of what it listened on, hex. */
  readonly #adopted = new Map<string, number>();
  /** By number of the service, and identity within it. */
  readonly #servers = new Map<number, Map<string, number>>();
  readonly #generations = new Uint32Array(serversMax);

  /** A service of an earlier process; `key` is one of those by which it is found, hex. */
  adoptService(key: string, id: number): void {
    this.#adopted.set(key, id);
  }

  /** A server of an earlier process; one that is not present leaves its generation only. */
  adoptServer(index: number, record: LeftServer): void {
    this.#generations[index] = record.generation;
    if ((record.flags & serverFlag.present) === 0) return;
    const role = (record.flags & serverFlag.fallback) === 0 ? "real" : "fallback";
    this.#serversOf(record.service).set(identityOf({ ...record, role }), index);
  }

  /** Generation of a number. */
  generation(index: number): number {
    return this.#generations[index]!;
  }

  /**
   * Numbers for everything of `services`; others are given back.
   *
   * @param full Is told of a service for which no number is left, or a server.
   */
  assign(
    services: readonly ForwardingService[],
    full: (service: ForwardingService, what: "service" | "server") => void,
  ): NumberedService[] {
    this.#forgetServices(services);
    const numbered: NumberedService[] = [];
    for (const service of services) {
      const before = this.#services.get(service.name) ?? this.#adoptedNumber(service);
      const id = before ?? this.#freeService();
      if (id === undefined) {
        full(service, "service");
        continue;
      }
      // The same real servers of another service are others.
      if (before === undefined) this.#servers.delete(id);
      this.#services.set(service.name, id);
      numbered.push({ service, id, isNew: before === undefined, servers: [] });
    }
    this.#adopted.clear();
    this.#forgetServers(numbered);
    const free = this.#freeServers();
    return numbered.map((one) => ({
      ...one,
      servers: one.service.servers.flatMap((server) => {
        const given = this.#numberServer(one.id, server, free);
        if (given === undefined) full(one.service, "server");
        return given ?? [];
      }),
    }));
  }

  #forgetServices(services: readonly ForwardingService[]): void {
    const names = new Set(services.map(({ name }) => name));
    for (const name of this.#services.keys()) if (!names.has(name)) this.#services.delete(name);
  }

  #forgetServers(services: readonly NumberedService[]): void {
    const kept = new Map(
      services.map(({ id, service }) => [id, new Set(service.servers.map(identityOf))]),
    );
    for (const [id, servers] of this.#servers) {
      for (const identity of servers.keys()) {
        if (kept.get(id)?.has(identity) !== true) servers.delete(identity);
      }
      if (!kept.has(id)) this.#servers.delete(id);
    }
  }

  /** Gives a free number at each call, undefined when there is none left. */
  #freeServers(): () => number | undefined {
    const taken = new Set(this.#servers.values().flatMap((servers) => servers.values()));
    let next = 0;
    return () => {
      while (taken.has(next)) next += 1;
      return next < serversMax ? next++ : undefined;
    };
  }

  #serversOf(id: number): Map<string, number> {
    const servers = this.#servers.get(id) ?? new Map<string, number>();
    this.#servers.set(id, servers);
    return servers;
  }

  #adoptedNumber(service: ForwardingService): number | undefined {
    const taken = new Set(this.#services.values());
    const { services, ranges } = listenKeys(service);
    return [...services, ...ranges]
      .map((key) => this.#adopted.get(key.toHex()))
      .find((id) => id !== undefined && !taken.has(id));
  }

  #freeService(): number | undefined {
    const taken = new Set([...this.#services.values(), ...this.#adopted.values()]);
    return firstFree(taken, servicesMax);
  }

  #numberServer(
    id: number,
    server: ForwardingServer,
    free: () => number | undefined,
  ): NumberedServer | undefined {
    const servers = this.#serversOf(id);
    const identity = identityOf(server);
    const before = servers.get(identity);
    const index = before ?? free();
    if (index === undefined) return undefined;
    if (before === undefined) this.#generations[index]! += 1;
    servers.set(identity, index);
    return { server, index, generation: this.generation(index), isNew: before === undefined };
  }
}
