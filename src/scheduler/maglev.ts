/**
 * Maglev lookup table (Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load
 * Balancer", NSDI 2016, section 3.4; the kernel has it in net/netfilter/ipvs/ip_vs_mh.c).
 *
 * Every server has its own permutation of all slots, made from its key. In rounds, each takes the
 * first slot of its permutation that is still free. Taking one of n servers away moves its own
 * flows and few others. Weights: a server sits out rounds so that it takes turns in proportion to
 * the heaviest one; in the first round all take one.
 *
 * The table depends on keys and weights only, never on the order of the configuration, so that two
 * directors (and the proxy and the bpf engine) choose alike. Pure.
 *
 * @module
 */
import { invariant } from "../errors/index.ts";
import { sortedByKey } from "./candidate.ts";

/** Slots of a table for up to {@link smallServersMax} servers: the kernel's default, a prime. */
const smallSize = 4093;

/** Below 100 slots a server, shares would be off by more than one in a hundred. */
const smallServersMax = 40;

/** Slots of a table for more servers: the largest prime below 2^16, so that numbers fit 16 bits. */
const largeSize = 65_521;

/** Seeds of the two hashes of a key; part of the table's definition, any two numbers would do. */
const offsetSeed = 0x9e3779b1;
const skipSeed = 0x85ebca77;

const fnvOffset = 0x811c9dc5;
const fnvPrime = 0x01000193;

/** What the table needs to know of a server. */
export interface MaglevServer {
  readonly key: string;
  readonly weight: number;
}

/** A built table. */
export interface MaglevTable<Server extends MaglevServer> {
  /** Servers with a weight above 0, sorted by key. */
  readonly servers: readonly Server[];
  /** Index into `servers`, for each slot; the length is a prime, or 0 without servers. */
  readonly slots: Uint16Array;
}

/** Mixes 32 bits so that each depends on all (finalizer of MurmurHash3); unsigned. */
function mixWord(word: number): number {
  let mixed = word ^ (word >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** FNV-1a over the code units of a text. */
function hashText(text: string, seed: number): number {
  let hash = seed;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), fnvPrime);
  }
  return mixWord(hash);
}

/** Slot of a client's address; `size` is the table's length, above 0. */
export function slotOf(sourceWord: number, size: number): number {
  // 31 bits: the remainder is then one integer instruction, here and in bpf.
  return (mixWord(sourceWord) >>> 1) % size;
}

/** Gives every slot a server; see the head of this file. */
function fillSlots(servers: readonly MaglevServer[], size: number): Uint16Array {
  const slots = new Uint16Array(size);
  const taken = new Uint8Array(size);
  const next = servers.map(({ key }) => hashText(key, offsetSeed) % size);
  const skip = servers.map(({ key }) => (hashText(key, skipSeed) % (size - 1)) + 1);
  const weightMax = servers.reduce((max, { weight }) => Math.max(max, weight), 0);
  const due = new Float64Array(servers.length);

  let filled = 0;
  // The heaviest server takes a slot in each round, so there are at most `size` rounds.
  for (let round = 1; filled < size; round++) {
    for (let index = 0; index < servers.length && filled < size; index++) {
      if (round * servers[index]!.weight < due[index]!) continue;
      due[index]! += weightMax;
      let slot = next[index]!;
      while (taken[slot] === 1) slot = (slot + skip[index]!) % size;
      taken[slot] = 1;
      slots[slot] = index;
      next[index] = (slot + skip[index]!) % size;
      filled++;
    }
  }
  return slots;
}

/**
 * Builds the table of a service. `servers` should be *all* of its servers, quiescent ones with
 * weight 0: their number decides on the size, and a change of size moves every flow.
 */
export function buildMaglevTable<Server extends MaglevServer>(
  servers: readonly Server[],
): MaglevTable<Server> {
  const usable = sortedByKey(servers.filter(({ weight }) => weight > 0));
  if (usable.length === 0) return { servers: usable, slots: new Uint16Array(0) };
  const size = servers.length <= smallServersMax ? smallSize : largeSize;
  invariant(usable.length <= size, "more real servers than a Maglev table has slots");
  return { servers: usable, slots: fillSlots(usable, size) };
}

/**
 * Hash of a table, 32 bits unsigned: equal on two directors if they send every client to the same
 * server. For comparison only; it proves nothing against somebody who wants it to be equal.
 */
export function hashMaglevTable({ servers, slots }: MaglevTable<MaglevServer>): number {
  let hash = fnvOffset;
  for (const { key } of servers) hash = hashText(`${key}\n`, hash);
  for (const slot of slots) hash = Math.imul(hash ^ slot, fnvPrime);
  return mixWord(hash);
}
