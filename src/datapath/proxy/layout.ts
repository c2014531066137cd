/**
 * Counters that the proxy's threads share: who writes what, where.
 *
 * ```text
 * one SharedArrayBuffer, float64 words
 * worker 0: server rows   [serversMax][8]    active inactive connections connectFailures
 *                                            bytesIn bytesOut packetsIn packetsOut
 *           service rows  [servicesMax][24]  active connections closed[cause]...
 *           process row   [8]                connections open, accept pauses
 * worker 1: the same …
 * main row   [8]: connections that fit the descriptor limit        (the main thread writes)
 * ```
 * A worker writes only its own rows; everyone reads all. A row is a whole number of cache lines,
 * and an aligned 64-bit store is never torn on x86-64 and arm64, so nothing is locked. A row is
 * given out by the main thread (a *slot*) and cleared by its worker when it is.
 *
 * Nothing is resident before it is touched, so the sizes cost address space only.
 *
 * @module
 */

import { closeCauses } from "../engine.ts";
import type { CloseCause } from "../engine.ts";

/** Services at once. */
export const servicesMax = 20_000;
/** Real servers and fallbacks of all services at once; 5,000 services with 20 each fit. */
export const serversMax = 131_072;

const wordBytes = 8;
const causeIndex = new Map(closeCauses.map((cause, index) => [cause, index]));

/** Words of a server row. */
export const serverWord = {
  active: 0,
  inactive: 1,
  connections: 2,
  connectFailures: 3,
  bytesIn: 4,
  bytesOut: 5,
  packetsIn: 6,
  packetsOut: 7,
} as const;
/** Words of a whole server row: one cache line. */
export const serverRowWords = 8;

/** Words of a service row; the closed causes follow in the order of `closeCauses`. */
export const serviceWord = { active: 0, connections: 1, closed: 2 } as const;
/** Words of a whole service row: three cache lines, room for 22 causes. */
export const serviceRowWords = 24;

/** Words of the process row. */
export const processWord = { open: 0 } as const;
const processRowWords = 8;
const mainRowWords = 8;

const serviceRowsStart = serversMax * serverRowWords;
const processRowStart = serviceRowsStart + servicesMax * serviceRowWords;
const workerWords = processRowStart + processRowWords;

/** Position of each cause within a service row. */
export function causeWord(cause: CloseCause): number {
  return serviceWord.closed + causeIndex.get(cause)!;
}

/** Makes the counters of `workers` threads, all zero. */
export function createCounters(workers: number): SharedArrayBuffer {
  return new SharedArrayBuffer((workers * workerWords + mainRowWords) * wordBytes);
}

function mainRow(counters: SharedArrayBuffer): Float64Array {
  return new Float64Array(counters, counters.byteLength - mainRowWords * wordBytes, mainRowWords);
}

/** Tells the workers how many connections they may have open together. */
export function writeConnectionsMax(counters: SharedArrayBuffer, connectionsMax: number): void {
  mainRow(counters)[0] = connectionsMax;
}

/** Reads what {@link writeConnectionsMax} wrote, anew at each call. */
export function connectionsMaxReader(counters: SharedArrayBuffer): () => number {
  const row = mainRow(counters);
  return () => row[0]!;
}

/** First word of a server row within one worker's part. */
export function serverRow(slot: number): number {
  return slot * serverRowWords;
}

/** First word of a service row within one worker's part. */
export function serviceRow(slot: number): number {
  return serviceRowsStart + slot * serviceRowWords;
}

/** First word of the process row within one worker's part. */
export const processRow = processRowStart;

/** One worker's part of the counters. */
export function workerPart(counters: SharedArrayBuffer, worker: number): Float64Array {
  return new Float64Array(counters, worker * workerWords * wordBytes, workerWords);
}

/** Every worker's part, in order. */
export function allParts(counters: SharedArrayBuffer): readonly Float64Array[] {
  const workers = Math.floor(counters.byteLength / (workerWords * wordBytes));
  return Array.from({ length: workers }, (_, worker) => workerPart(counters, worker));
}

/** Sum of one word over all workers. */
export function sumWord(parts: readonly Float64Array[], word: number): number {
  let sum = 0;
  for (let index = 0; index < parts.length; index++) sum += parts[index]![word]!;
  return sum;
}
