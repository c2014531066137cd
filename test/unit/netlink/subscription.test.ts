import { expect, test } from "bun:test";

import { drainDatagramsMax, Subscription } from "../../../src/netlink/index.ts";
import { createFakeKernel, kernelAnswer, messageOf } from "../../helpers/fake-kernel.ts";

const notice = (value: number): Uint8Array =>
  kernelAnswer.part(messageOf(16, []), 16, Uint8Array.of(value, 0, 0, 0), 0);

test("Subscription.drain() takes all that is there, in order", () => {
  const kernel = createFakeKernel();
  const subscription = new Subscription(kernel);
  kernel.push(Uint8Array.from([...notice(1), ...notice(2)]));
  kernel.push(notice(3));
  const seen: (number | undefined)[] = [];
  const result = subscription.drain(({ payload }) => seen.push(payload[0]));
  expect(seen).toEqual([1, 2, 3]);
  expect(result).toEqual({ isStale: false, hasMore: false });
  expect(subscription.drain(() => seen.push(0))).toEqual({ isStale: false, hasMore: false });
});

test.each([
  ["lost notices", "overrun"],
  ["a notice that is too long", "truncated"],
  ["bytes that are no message", Uint8Array.of(1, 2, 3)],
] as const)("Subscription.drain() asks for a new reading after %s, and goes on", (_name, bad) => {
  const kernel = createFakeKernel();
  kernel.push(notice(1));
  kernel.push(bad);
  kernel.push(notice(2));
  const seen: (number | undefined)[] = [];
  const result = new Subscription(kernel).drain(({ payload }) => seen.push(payload[0]));
  expect(seen).toEqual([1, 2]);
  expect(result).toEqual({ isStale: true, hasMore: false });
});

test("Subscription.drain() leaves the rest for the next time", () => {
  const kernel = createFakeKernel();
  for (let count = 0; count <= drainDatagramsMax; count++) kernel.push(notice(1));
  const subscription = new Subscription(kernel);
  let seen = 0;
  const count = (): void => {
    seen++;
  };
  expect(subscription.drain(count)).toEqual({ isStale: false, hasMore: true });
  expect(seen).toBe(drainDatagramsMax);
  expect(subscription.drain(count)).toEqual({ isStale: false, hasMore: false });
  expect(seen).toBe(drainDatagramsMax + 1);
});

test("Subscription closes its transport", () => {
  const kernel = createFakeKernel();
  {
    using subscription = new Subscription(kernel);
    expect(subscription.fd).toBe(-1);
  }
  expect(kernel.isClosed).toBe(true);
});
