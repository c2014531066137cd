/**
 * Cost of choosing a real server: every scheduler by the number of servers, and the persistence
 * table. Counters are live getters over the rows of two workers, as in the proxy.
 *
 * Run: `bun bench/scheduler.bench.ts [FILTER]`, for example with `wlc`. Goals, on a core of today:
 * at most 200 ns for 32 servers and any scheduler, at most 30 ns for rr, sh, mh, dh whatever the
 * number; persistence (find, bind, release) at most 300 ns; nothing allocated for a pick.
 * 50,000 new connections a second then spend 1 % of a core here.
 */
import { bench, do_not_optimize, group, run } from "mitata";

import {
  createPersistenceBuffer,
  createPersistenceQuery,
  openPersistenceTable,
} from "../src/datapath/persistence.ts";
import { schedulerNames } from "../src/model/index.ts";
import { createScheduler } from "../src/scheduler/index.ts";
import type { Candidate, Flow } from "../src/scheduler/index.ts";

const workerRows = [new Float64Array(4096), new Float64Array(4096)] as const;

/** A real server whose counters are sums over the workers, as the proxy's are. */
class BenchServer implements Candidate {
  readonly key: string;
  readonly addressWord = 0x0a000001;
  readonly weight: number;
  readonly #row: number;
  readonly isOverloaded = false;

  constructor(index: number) {
    this.key = `10.0.${index >> 8}.${index & 0xff}:80`;
    this.weight = 1 + (index % 5);
    this.#row = index * 2;
    workerRows[0][this.#row] = index % 7;
  }

  get activeConnections(): number {
    return workerRows[0][this.#row]! + workerRows[1][this.#row]!;
  }

  get inactiveConnections(): number {
    return workerRows[0][this.#row + 1]! + workerRows[1][this.#row + 1]!;
  }
}

const flow: Flow = {
  sourceWord: 0x0a000001,
  sourcePort: 40_000,
  destinationWord: 0xc0000201,
  destinationPort: 80,
};
const tried: readonly Candidate[] = [];

for (const name of schedulerNames) {
  group(name, () => {
    bench(`${name} $servers`, function* (state: { get(key: string): number }) {
      const scheduler = createScheduler(name, { nowMs: () => 0 });
      const count = state.get("servers");
      scheduler.update(Array.from({ length: count }, (_, index) => new BenchServer(index)));
      yield () => {
        flow.sourceWord = (flow.sourceWord + 0x10001) >>> 0;
        return do_not_optimize(scheduler.pick(flow, tried));
      };
    })
      .args("servers", [2, 32, 1000])
      .gc("inner");
  });
}

group("persistence", () => {
  bench("persistence $clients", function* (state: { get(key: string): number }) {
    const table = openPersistenceTable(createPersistenceBuffer(65_536));
    const query = { ...createPersistenceQuery(), nowMs: 1000, timeoutMs: 60_000 };
    const clients = state.get("clients");
    const visit = (): number => {
      query.words[0] = (query.words[0]! + 1) % clients;
      const known = table.find(query);
      const inForce = table.bind(query, known === -1 ? 1 : known);
      table.release(query, inForce);
      return inForce;
    };
    // Every client known, and the code compiled: else the first samples decide on the method.
    for (let warm = 0; warm < 200_000; warm++) visit();
    yield () => do_not_optimize(visit());
  }).args("clients", [100, 30_000]);
});

const [filter] = process.argv.slice(2);
await run(filter === undefined ? {} : { filter: new RegExp(filter) });
