/** The persistence table against a plain Map, over any sequence of calls. */
import { expect, test } from "bun:test";

import * as fc from "fast-check";

import {
  createPersistenceBuffer,
  createPersistenceQuery,
  openPersistenceTable,
  setClientAddress,
} from "../../src/datapath/persistence.ts";
import { formatAddress, maskAddress } from "../../src/net/address.ts";

/** Seed of this run; a failure prints it, `FUZZ_SEED=… bun test test/fuzz` repeats it. */
const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 300);

/** Far more room than clients, so that nothing is evicted: the model evicts nothing. */
const capacity = 8192;

interface Bound {
  serverSlot: number;
  connections: number;
  expiresMs: number;
}

const client = fc.record({
  serviceSlot: fc.nat(2),
  host: fc.nat(5),
  isIpv6: fc.boolean(),
  prefixBits: fc.constantFrom(30, 32),
});
const serverSlot = fc.nat(3);
const step = fc.oneof(
  fc.record({ call: fc.constant("find" as const), client }),
  fc.record({ call: fc.constant("bind" as const), client, serverSlot, unwanted: fc.nat(4) }),
  fc.record({ call: fc.constant("release" as const), client, serverSlot }),
  fc.record({ call: fc.constant("removeServer" as const), serverSlot }),
  fc.record({ call: fc.constant("removeService" as const), serviceSlot: fc.nat(2) }),
  fc.record({ call: fc.constant("wait" as const), ms: fc.nat(150) }),
);

test("persistence does what a Map would do, while there is room", () => {
  const property = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const table = openPersistenceTable(createPersistenceBuffer(capacity, seed));
    const model = new Map<string, Bound>();
    const query = { ...createPersistenceQuery(), nowMs: 0, timeoutMs: 100 };
    const live = (bound: Bound | undefined): Bound | undefined =>
      bound !== undefined && (bound.connections > 0 || bound.expiresMs > query.nowMs)
        ? bound
        : undefined;
    const ask = (one: typeof client extends fc.Arbitrary<infer Value> ? Value : never): string => {
      const bytes = new Uint8Array(one.isIpv6 ? 16 : 4);
      bytes[3] = one.host;
      query.serviceSlot = one.serviceSlot;
      setClientAddress(query, bytes, one.prefixBits);
      return `${one.serviceSlot} ${formatAddress(maskAddress(bytes, one.prefixBits))}`;
    };

    for (const one of steps) {
      if (one.call === "wait") query.nowMs += one.ms;
      else if (one.call === "removeServer") {
        for (const [key, bound] of model) {
          if (bound.serverSlot === one.serverSlot) model.delete(key);
        }
        table.removeServer(one.serverSlot);
      } else if (one.call === "removeService") {
        for (const key of model.keys()) {
          if (key.startsWith(`${one.serviceSlot} `)) model.delete(key);
        }
        table.removeService(one.serviceSlot);
      } else {
        const key = ask(one.client);
        const bound = live(model.get(key));
        if (one.call === "find") expect(table.find(query)).toBe(bound?.serverSlot ?? -1);
        else if (one.call === "bind") {
          const keeps = bound !== undefined && bound.serverSlot !== one.unwanted;
          const next = keeps ? bound : { serverSlot: one.serverSlot, connections: 0, expiresMs: 0 };
          next.connections++;
          next.expiresMs = query.nowMs + query.timeoutMs;
          model.set(key, next);
          expect(table.bind(query, one.serverSlot, one.unwanted)).toBe(next.serverSlot);
        } else {
          const entry = model.get(key);
          if (entry?.serverSlot === one.serverSlot) {
            entry.connections = Math.max(0, entry.connections - 1);
            entry.expiresMs = query.nowMs + query.timeoutMs;
          }
          table.release(query, one.serverSlot);
        }
      }
    }

    const listed = new Map(
      [...table.entries(query.nowMs, capacity)].map((entry) => [
        `${entry.serviceSlot} ${formatAddress(entry.address)}`,
        { serverSlot: entry.serverSlot, connections: entry.connections },
      ]),
    );
    const expected = new Map(
      [...model]
        .filter(([, bound]) => live(bound) !== undefined)
        .map(([key, bound]) => [
          key,
          { serverSlot: bound.serverSlot, connections: bound.connections },
        ]),
    );
    expect(listed).toEqual(expected);
    expect(table.counters()).toMatchObject({ evictions: 0, contended: 0 });
  });
  fc.assert(property, { seed, numRuns });
});
