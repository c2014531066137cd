/**
 * Maglev hashing (`mh`): the same client gets the same real server, on every director alike, and a
 * change of the set of servers moves few clients. Weighted, with the behaviour of the kernel's flag
 * `mh-fallback`: a client whose server cannot take it goes to that of a following slot.
 *
 * @module
 */
import { canTake } from "./candidate.ts";
import { buildMaglevTable, slotOf } from "./maglev.ts";
import type { Candidate, Scheduler } from "./scheduler.ts";

/**
 * Slots looked at before the servers are asked one by one. Neighbouring slots belong to random
 * servers, so with one eligible server in ten all of these miss once in a thousand times.
 */
const probesMax = 64;

/** Creates a Maglev-hashing scheduler; `update` builds the table: some ms for 1,000 servers. */
export function createMaglevHashing(): Scheduler {
  let servers: readonly Candidate[] = [];
  let slots: Uint16Array = new Uint16Array(0);

  return {
    name: "mh",

    update(next) {
      ({ servers, slots } = buildMaglevTable(next));
    },

    pick(flow, tried) {
      const size = slots.length;
      if (size === 0) return undefined;
      let slot = slotOf(flow.sourceWord, size);
      for (let probe = 0; probe < probesMax; probe++) {
        const candidate = servers[slots[slot]!]!;
        if (canTake(candidate, tried)) return candidate;
        slot = slot + 1 < size ? slot + 1 : 0;
      }
      const first = slots[slot]!;
      for (let step = 0; step < servers.length; step++) {
        const candidate = servers[(first + step) % servers.length]!;
        if (canTake(candidate, tried)) return candidate;
      }
      return undefined;
    },
  };
}
