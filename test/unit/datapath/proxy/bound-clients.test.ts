import { describe, expect, test } from "bun:test";

import {
  createPersistenceBuffer,
  createPersistenceQuery,
  openPersistenceTable,
  setClientAddress,
} from "../../../../src/datapath/persistence.ts";
import type { PersistenceTable } from "../../../../src/datapath/persistence.ts";
import {
  listBoundClients,
  takeBoundClients,
} from "../../../../src/datapath/proxy/bound-clients.ts";
import type { BindingService } from "../../../../src/datapath/proxy/bound-clients.ts";
import { parseAddress } from "../../../../src/net/address.ts";

const persistence = { timeoutMs: 10_000, ipv4PrefixBits: 24, ipv6PrefixBits: 64 };

function serviceOf(name: string, slot: number, firstServer: number): BindingService {
  const servers = new Map([
    ["192.0.2.11:80", firstServer],
    ["192.0.2.12:80", firstServer + 1],
  ]);
  return { name, slot, persistence, servers };
}

/** Two directors that have the same services under other numbers. */
const here = [serviceOf("web", 3, 10), serviceOf("mail", 4, 20)];
const there = [serviceOf("mail", 0, 0), serviceOf("web", 1, 5)];

function createTable(): PersistenceTable {
  return openPersistenceTable(createPersistenceBuffer(1024, 1));
}

/** A client comes at a time; its connection ends at once, or stays. */
function come(
  table: PersistenceTable,
  { client, server, atMs, stays = false }: Coming,
  service = here[0]!,
): void {
  const query = createPersistenceQuery();
  Object.assign(query, { serviceSlot: service.slot, nowMs: atMs, timeoutMs: 10_000 });
  setClientAddress(query, parseAddress(client)!, client.includes(":") ? 64 : 24);
  table.bind(query, service.servers.get(server)!);
  if (!stays) table.release(query, service.servers.get(server)!);
}

interface Coming {
  readonly client: string;
  readonly server: string;
  readonly atMs: number;
  readonly stays?: boolean;
}

const first = "192.0.2.11:80";
const second = "192.0.2.12:80";

describe("listBoundClients()", () => {
  const table = createTable();
  come(table, { client: "10.0.1.7", server: first, atMs: 1000 });
  come(table, { client: "10.0.2.7", server: second, atMs: 5000 });
  come(table, { client: "2001:db8::7", server: second, atMs: 2000, stays: true });

  test("lists all, with the time that is left", () => {
    const all = listBoundClients(table, here, { nowMs: 6000, withinMs: Infinity, limit: 9 });
    const byClient = all.toSorted((one, other) => (one.client < other.client ? -1 : 1));
    expect(byClient).toEqual([
      { service: "web", client: "10.0.1.0", server: first, remainingMs: 5000 },
      { service: "web", client: "10.0.2.0", server: second, remainingMs: 9000 },
      // Who is here has the whole time from now on.
      { service: "web", client: "2001:db8::", server: second, remainingMs: 10_000 },
    ]);
  });

  test("lists who came lately, and not more than asked for", () => {
    const late = listBoundClients(table, here, { nowMs: 6000, withinMs: 1500, limit: 9 });
    expect(late.map(({ client }) => client)).toEqual(["10.0.2.0"]);
    expect(listBoundClients(table, here, { nowMs: 6000, withinMs: 9000, limit: 2 })).toHaveLength(
      2,
    );
    expect(listBoundClients(table, [], { nowMs: 6000, withinMs: Infinity, limit: 9 })).toEqual([]);
  });
});

describe("takeBoundClients()", () => {
  const client = { service: "web", client: "10.0.1.0", server: second, remainingMs: 4000 };

  test("what one director lists the other one knows, by names", () => {
    const [one, two] = [createTable(), createTable()];
    come(one, { client: "10.0.1.7", server: second, atMs: 1000 });
    const clients = listBoundClients(one, here, { nowMs: 2000, withinMs: Infinity, limit: 9 });
    expect(takeBoundClients(two, there, { clients, nowMs: 50_000 })).toBe(1);
    const again = listBoundClients(two, there, { nowMs: 50_000, withinMs: Infinity, limit: 9 });
    expect(again).toEqual(clients);
    // Told once more, it is no news.
    expect(takeBoundClients(two, there, { clients, nowMs: 50_000 })).toBe(0);
  });

  test.each([
    ["of an unknown service", { service: "none" }],
    ["with an unknown server", { server: "192.0.2.13:80" }],
    ["without an address", { client: "example.com" }],
    ["with no time left", { remainingMs: 0 }],
    ["with a time that is none", { remainingMs: Number.NaN }],
  ])("a client %s is left out", (_name, changes) => {
    const table = createTable();
    const clients = [{ ...client, ...changes }];
    expect(takeBoundClients(table, here, { clients, nowMs: 1000 })).toBe(0);
    expect(table.counters().occupied).toBe(0);
  });

  test("nobody stays longer than the service says", () => {
    const table = createTable();
    const clients = [{ ...client, remainingMs: 1e12 }];
    takeBoundClients(table, here, { clients, nowMs: 1000 });
    const [found] = listBoundClients(table, here, { nowMs: 1000, withinMs: Infinity, limit: 1 });
    expect(found!.remainingMs).toBe(10_000);
  });

  test("who is here, or was here later, stays with its server", () => {
    const table = createTable();
    come(table, { client: "10.0.1.7", server: first, atMs: 1000, stays: true });
    come(table, { client: "10.0.2.7", server: first, atMs: 5000 });
    const clients = [client, { ...client, client: "10.0.2.0", remainingMs: 8000 }];
    expect(takeBoundClients(table, here, { clients, nowMs: 6000 })).toBe(0);
    const later = [{ ...client, client: "10.0.2.0", remainingMs: 9500 }];
    expect(takeBoundClients(table, here, { clients: later, nowMs: 6000 })).toBe(1);
  });
});
