/**
 * A thread that works on shared memory with others, for the tests of locks and of the table.
 *
 * @module
 */
import { parentPort, workerData } from "node:worker_threads";

import {
  createPersistenceQuery,
  openPersistenceTable,
  setClientAddress,
} from "../../../../src/datapath/persistence.ts";
import { lock, patience, unlock } from "../../../../src/datapath/persistence/set-lock.ts";

/** What a thread is to do, until it has done it `rounds` times. */
export type Job =
  | { readonly type: "count"; readonly words: SharedArrayBuffer }
  | { readonly type: "agree"; readonly table: SharedArrayBuffer; readonly clients: number }
  | { readonly type: "churn"; readonly table: SharedArrayBuffer; readonly clients: number };

/** A job, and who does it: threads are numbered from 0. */
export interface Order {
  readonly job: Job;
  readonly thread: number;
  readonly rounds: number;
  /** Threads that have arrived, and are let go at once when the last one has. */
  readonly gate: SharedArrayBuffer;
  readonly threads: number;
}

/** Adds to a number under a lock, in two steps: word 0 is the lock, word 1 the number. */
function count(buffer: SharedArrayBuffer, rounds: number): number[] {
  const words = new Int32Array(buffer);
  let failures = 0;
  for (let round = 0; round < rounds; round++) {
    if (!lock(words, 0, patience.maintenance)) failures++;
    const seen = Atomics.load(words, 1);
    // Long enough for another thread to get between, if it could.
    for (let look = 0; look < 20; look++) Atomics.load(words, 1);
    Atomics.store(words, 1, seen + 1);
    unlock(words, 0);
  }
  return [failures];
}

/** Binds every client to this thread's own server; gives back who won. */
function agree(buffer: SharedArrayBuffer, clients: number, thread: number): number[] {
  const table = openPersistenceTable(buffer);
  const query = { ...createPersistenceQuery(), nowMs: 1000, timeoutMs: 60_000 };
  return Array.from({ length: clients }, (_, client) => {
    setClientAddress(query, Uint8Array.of(10, 0, client >> 8, client & 0xff), 32);
    return table.bind(query, thread);
  });
}

/** Binds and releases clients in a pseudo-random order; every bind is followed by its release. */
function churn(buffer: SharedArrayBuffer, clients: number, order: Order): number[] {
  const table = openPersistenceTable(buffer);
  const query = { ...createPersistenceQuery(), nowMs: 1000, timeoutMs: 60_000 };
  let state = order.thread + 1;
  let foreign = 0;
  for (let round = 0; round < order.rounds; round++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    const client = (state >>> 8) % clients;
    query.serviceSlot = client % 3;
    setClientAddress(query, Uint8Array.of(10, 1, client >> 8, client & 0xff), 32);
    // A client's servers are 3 * client .. 3 * client + 2: any other one is another client's.
    const known = table.find(query);
    const inForce = table.bind(query, client * 3 + (state % 3));
    for (const slot of [known, inForce]) {
      if (slot !== -1 && Math.floor(slot / 3) !== client) foreign++;
    }
    if (round % 64 === 0) table.removeServer(client * 3 + 1);
    table.release(query, inForce);
  }
  return [foreign];
}

/** Threads start one by one, some ms apart; without a gate they would hardly ever meet. */
function meetOthers({ gate, threads }: Order): void {
  const arrived = new Int32Array(gate);
  if (Atomics.add(arrived, 0, 1) + 1 === threads) Atomics.notify(arrived, 0);
  for (let seen = Atomics.load(arrived, 0); seen < threads; seen = Atomics.load(arrived, 0)) {
    Atomics.wait(arrived, 0, seen, 100);
  }
}

function run(order: Order): number[] {
  meetOthers(order);
  const { job, thread, rounds } = order;
  switch (job.type) {
    case "count":
      return count(job.words, rounds);
    case "agree":
      return agree(job.table, job.clients, thread);
    case "churn":
      return churn(job.table, job.clients, order);
  }
}

parentPort?.postMessage(run(workerData as Order));
