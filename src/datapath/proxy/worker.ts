/**
 * Entry point of a proxy worker thread: one message in, then the loop until it is told to exit.
 *
 * @module
 */

import type { WorkerMessage, WorkerStart } from "./protocol.ts";
import { WorkerLoop } from "./worker-loop.ts";

declare const self: Worker & {
  onmessage: ((event: MessageEvent<WorkerStart>) => void) | null;
};

self.onmessage = (event) => {
  self.onmessage = null;
  const loop = new WorkerLoop(event.data, (message: WorkerMessage) => self.postMessage(message));
  loop.run();
  process.exit(0);
};
