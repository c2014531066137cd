/**
 * Slots: a bound, and order for those who wait.
 *
 * @module
 */
import { expect, test } from "bun:test";

import { createSlots } from "../../../src/check/slots.ts";

test("acquire starts at most so many, the others in order when places are free", () => {
  const slots = createSlots(2);
  const started: number[] = [];
  for (let index = 0; index < 6; index++) slots.acquire(() => void started.push(index));
  expect(started).toEqual([0, 1]);
  slots.release();
  expect(started).toEqual([0, 1, 2]);
  slots.release();
  slots.release();
  expect(started).toEqual([0, 1, 2, 3, 4]);
});

test("release gives places back when nobody waits", () => {
  const slots = createSlots(1);
  const started: number[] = [];
  slots.acquire(() => void started.push(1));
  slots.release();
  slots.acquire(() => void started.push(2));
  slots.acquire(() => void started.push(3));
  expect(started).toEqual([1, 2]);
});

test("acquire keeps the order over many rounds", () => {
  const slots = createSlots(1);
  const started: number[] = [];
  for (let index = 0; index < 1000; index++) {
    slots.acquire(() => void started.push(index));
    if (index % 3 === 0) slots.release();
  }
  while (started.length < 1000) slots.release();
  expect(started).toEqual(Array.from({ length: 1000 }, (_, index) => index));
});

test("clear forgets those who wait", () => {
  const slots = createSlots(1);
  const started: number[] = [];
  slots.acquire(() => void started.push(1));
  slots.acquire(() => void started.push(2));
  slots.clear();
  slots.release();
  expect(started).toEqual([1]);
});
