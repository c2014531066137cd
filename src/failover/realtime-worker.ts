/**
 * Entry point of the real-time thread: one message in, then the loop until it is told to exit.
 *
 * @module
 */

import type { RealtimeEvent, RealtimeStart } from "./protocol.ts";
import { RealtimeLoop } from "./realtime-loop.ts";

declare const self: Worker & {
  onmessage: ((event: MessageEvent<RealtimeStart>) => void) | null;
};

self.onmessage = (event) => {
  self.onmessage = null;
  const loop = new RealtimeLoop(event.data, (message: RealtimeEvent) => self.postMessage(message));
  loop.run();
  process.exit(0);
};
