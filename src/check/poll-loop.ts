/**
 * Readiness of the checks' own sockets: one epoll descriptor, asked without blocking.
 *
 * The main thread has an event loop that cannot wait for a foreign epoll descriptor, so it is asked
 * right after sockets were added (on a LAN most handshakes have ended by the end of a batch) and
 * then at growing distances as long as sockets are watched. With nothing to watch nothing runs.
 * docs/decisions/0004-connect-check.md has the figures.
 *
 * Owns the epoll descriptor; the watched ones belong to their users. One thread.
 *
 * @module
 */

import { Poller } from "../../ffi/epoll.ts";
import { SyscallError } from "../../ffi/errno.ts";
import { errno } from "../../ffi/libc.ts";
import type { Clock, Timer } from "../clock/index.ts";

/** Watches descriptors. */
export interface PollLoop {
  /**
   * Calls `onReady` with the epoll mask whenever `fd` is ready, until it is forgotten.
   *
   * @returns 0, or a positive errno (EMFILE, ENOSPC, ENOMEM) if it cannot be watched.
   */
  watch(fd: number, mask: number, onReady: (mask: number) => void): number;
  /** Must be called before `fd` is closed. */
  forget(fd: number): void;
  /** Must be called before `fd` is given away: stops watching and leaves it open. */
  release(fd: number): void;
  /** Gives the epoll descriptor back. Nothing may be watched afterwards. */
  close(): void;
}

interface Watcher {
  readonly generation: number;
  readonly onReady: (mask: number) => void;
}

/** Events taken at once; more are taken in the next round. */
const eventsMax = 1024;
/** Rounds of one poll, so that a storm of events cannot hold the main thread. */
const roundsMax = 16;
/** Distance of polls while something is in flight: from the first to the last, doubling. */
const firstDelayMs = 1;
const lastDelayMs = 8;
const generationMask = 0x7fff_ffff;

/** Creates a poll loop; the epoll descriptor is opened with the first watched socket. */
export function createPollLoop(clock: Clock): PollLoop {
  const watchers = new Map<number, Watcher>();
  let poller: Poller | undefined;
  let generation = 0;
  let timer: Timer | undefined;
  let isPollQueued = false;
  let delayMs = firstDelayMs;

  const poll = (): void => {
    const active = poller;
    if (active === undefined) return;
    for (let round = 0; round < roundsMax; round++) {
      const count = active.wait(0);
      for (let index = 0; index < count; index++) {
        const watcher = watchers.get(active.descriptor(index));
        // An event of a descriptor that was closed and reused within this batch is stale.
        if (watcher?.generation === active.generation(index)) watcher.onReady(active.mask(index));
      }
      // A callback may have closed the loop.
      if (poller !== active) return;
      if (count < eventsMax) break;
    }
  };

  const rearm = (): void => {
    timer?.cancel();
    timer = undefined;
    if (watchers.size === 0) return;
    timer = clock.after(delayMs, () => {
      delayMs = Math.min(lastDelayMs, delayMs * 2);
      poll();
      rearm();
    });
  };

  /** Polls once after everything that the running callback adds. */
  const pollSoon = (): void => {
    delayMs = firstDelayMs;
    if (isPollQueued) return;
    isPollQueued = true;
    queueMicrotask(() => {
      isPollQueued = false;
      poll();
      rearm();
    });
  };

  return {
    watch(fd, mask, onReady) {
      try {
        poller ??= new Poller(eventsMax);
      } catch (error) {
        if (error instanceof SyscallError) return error.errno;
        throw error;
      }
      generation = (generation + 1) & generationMask;
      if (poller.add(fd, mask, generation) === -1) return errno();
      watchers.set(fd, { generation, onReady });
      pollSoon();
      return 0;
    },
    forget(fd) {
      // The kernel forgets a descriptor when it is closed.
      watchers.delete(fd);
    },
    release(fd) {
      if (watchers.delete(fd)) poller?.remove(fd);
    },
    close() {
      timer?.cancel();
      timer = undefined;
      watchers.clear();
      poller?.close();
      poller = undefined;
    },
  };
}
