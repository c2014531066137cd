/**
 * A busy machine: two programs a core that compute and allocate all the time.
 *
 * @module
 */
import { cpus } from "node:os";

import { startProcess } from "../process.ts";

const programsPerCore = 2;
const program = `
  let kept = [];
  for (;;) {
    kept.push(new Array(1000).fill(Math.random()));
    if (kept.length > 10000) kept = [];
  }`;

/** Starts it; ends with its owner. */
export function startBusyMachine(): AsyncDisposable {
  const count = cpus().length * programsPerCore;
  const children = Array.from({ length: count }, () =>
    startProcess([process.execPath, "-e", program]),
  );
  return {
    async [Symbol.asyncDispose]() {
      for (const child of children) child.kill("SIGKILL");
      await Promise.all(children.map((child) => child.exited));
    },
  };
}
