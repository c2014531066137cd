/**
 * What two directors compare of their mh tables: a client whose state was not copied keeps its real
 * server over a takeover if the table of its service is the same on both.
 *
 * A table is made of the addresses, ports and weights of a service's real servers, weights as
 * health and operators have it now. It is built for the hash as the engines build theirs. Pure.
 *
 * @module
 */

import type { TableDigest } from "../failover/index.ts";
import { buildMaglevTable, hashMaglevTable } from "../scheduler/index.ts";
import type { ServiceAssessment } from "./assessment.ts";
import { forwardingService } from "./desired-state.ts";

/** Hash of a table, and what it was made of. */
interface HashedTable {
  readonly inputs: string;
  readonly hash: number;
}

/** Keeps the hash of each service: a table is built anew only when its real servers change. */
export class TableDigester {
  /** By name of the service. */
  #tables: ReadonlyMap<string, HashedTable> = new Map();

  /** Of the services with scheduler mh; their order does not matter. */
  digest(assessments: Iterable<ServiceAssessment>): TableDigest {
    const tables = new Map<string, HashedTable>();
    for (const assessment of assessments) {
      const { name, scheduler } = assessment.service;
      if (scheduler === "mh") tables.set(name, this.#hash(name, assessment));
    }
    this.#tables = tables;
    const hashes = Array.from(tables, ([name, { hash }]) => [name, hash] as const);
    const text = JSON.stringify(hashes.toSorted(([one], [other]) => (one < other ? -1 : 1)));
    const hash = new Bun.CryptoHasher("sha256").update(text).digest("hex").slice(0, 16);
    return { hash, count: tables.size };
  }

  #hash(name: string, assessment: ServiceAssessment): HashedTable {
    const servers = forwardingService(assessment).servers.map(({ key, weight }) => {
      return { key, weight };
    });
    const inputs = JSON.stringify(servers);
    const before = this.#tables.get(name);
    if (before?.inputs === inputs) return before;
    return { inputs, hash: hashMaglevTable(buildMaglevTable(servers)) };
  }
}
