/**
 * The poll loop: readiness, stale events, rest when nothing is watched.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";

import { EPOLLIN } from "../../../ffi/constants/epoll.ts";
import { drainEventfd, openEventfd, signalEventfd } from "../../../ffi/epoll.ts";
import { libc } from "../../../ffi/libc.ts";
import { createPollLoop } from "../../../src/check/poll-loop.ts";
import { openDescriptors } from "../../helpers/check-fixture.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";

/** Lets queued microtasks run. */
const settle = () => Promise.resolve();

describe("watch", () => {
  test("reports what is ready at once, after the running code", async () => {
    const loop = createPollLoop(createFakeClock());
    const fd = openEventfd();
    signalEventfd(fd);
    const masks: number[] = [];
    expect(loop.watch(fd, EPOLLIN, (mask) => void masks.push(mask))).toBe(0);
    expect(masks).toEqual([]);
    await settle();
    expect(masks).toEqual([EPOLLIN]);
    loop.forget(fd);
    libc.close(fd);
    loop.close();
  });

  test("asks at growing distances, and more often again when something is added", async () => {
    const clock = createFakeClock();
    const loop = createPollLoop(clock);
    const fd = openEventfd();
    const times: number[] = [];
    loop.watch(fd, EPOLLIN, () => void times.push(clock.nowMs()));
    await settle();
    signalEventfd(fd);
    for (let ms = 0; ms < 32; ms++) clock.advance(1);
    expect(times).toEqual([1, 3, 7, 15, 23, 31]);
    const second = openEventfd();
    loop.watch(second, EPOLLIN, () => undefined);
    await settle();
    clock.advance(1);
    expect(times.slice(6)).toEqual([32, 33]);
    for (const descriptor of [fd, second]) {
      loop.forget(descriptor);
      libc.close(descriptor);
    }
    loop.close();
  });

  test("rests when nothing is watched any more", async () => {
    const clock = createFakeClock();
    const loop = createPollLoop(clock);
    const fd = openEventfd();
    loop.watch(fd, EPOLLIN, () => undefined);
    await settle();
    expect(clock.pendingCount()).toBe(1);
    loop.forget(fd);
    libc.close(fd);
    clock.advance(100);
    expect(clock.pendingCount()).toBe(0);
    loop.close();
  });

  test("drops an event of a descriptor that was reused within the batch", async () => {
    const clock = createFakeClock();
    const loop = createPollLoop(clock);
    const [first, second] = [openEventfd(), openEventfd()];
    const seen: string[] = [];
    const replace = (name: string, victim: number) => () => {
      seen.push(name);
      loop.forget(victim);
      libc.close(victim);
      // The kernel gives the lowest free number: the victim's.
      const successor = openEventfd();
      expect(successor).toBe(victim);
      loop.watch(successor, EPOLLIN, () => void seen.push("successor"));
      loop.forget(victim === second ? first : second);
    };
    signalEventfd(first);
    signalEventfd(second);
    loop.watch(first, EPOLLIN, replace("first", second));
    loop.watch(second, EPOLLIN, replace("second", first));
    await settle();
    expect(seen).toHaveLength(1);
    for (const descriptor of [first, second]) libc.close(descriptor);
    loop.close();
  });

  test("gives an errno for a descriptor that cannot be watched", () => {
    const loop = createPollLoop(createFakeClock());
    const ebadf = 9;
    expect(loop.watch(1_000_000, EPOLLIN, () => undefined)).toBe(ebadf);
    loop.close();
  });
});

test("release stops watching and leaves the descriptor open", async () => {
  const clock = createFakeClock();
  const loop = createPollLoop(clock);
  const fd = openEventfd();
  let events = 0;
  loop.watch(fd, EPOLLIN, () => void events++);
  loop.release(fd);
  signalEventfd(fd);
  await settle();
  clock.advance(50);
  expect(events).toBe(0);
  drainEventfd(fd);
  expect(libc.close(fd)).toBe(0);
  loop.close();
});

test("close gives the epoll descriptor back, also from within a callback", async () => {
  const before = openDescriptors();
  const clock = createFakeClock();
  const loop = createPollLoop(clock);
  const fd = openEventfd();
  signalEventfd(fd);
  loop.watch(fd, EPOLLIN, () => {
    libc.close(fd);
    loop.close();
  });
  await settle();
  clock.advance(100);
  expect(openDescriptors()).toBe(before);
  expect(clock.pendingCount()).toBe(0);
});
