/** Runs a job of worker.ts in several threads at once. @module */
import { Worker } from "node:worker_threads";

import type { Job, Order } from "./worker.ts";

/** What each thread gives back, in the order of their numbers; all threads have ended. */
export async function runThreads(threads: number, rounds: number, job: Job): Promise<number[][]> {
  const gate = new SharedArrayBuffer(4);
  const workers: Worker[] = [];
  try {
    const results = Array.from({ length: threads }, async (_, thread) => {
      const workerData: Order = { job, thread, rounds, gate, threads };
      const worker = new Worker(new URL("worker.ts", import.meta.url), { workerData });
      workers.push(worker);
      const { promise, resolve, reject } = Promise.withResolvers<number[]>();
      worker.once("message", resolve);
      worker.once("error", reject);
      return promise;
    });
    return await Promise.all(results);
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
