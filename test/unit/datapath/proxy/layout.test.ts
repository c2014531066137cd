import { expect, test } from "bun:test";

import { closeCauses } from "../../../../src/datapath/engine.ts";
import {
  allParts,
  causeWord,
  createCounters,
  processRow,
  serverRow,
  serverRowWords,
  serversMax,
  serviceRow,
  serviceRowWords,
  servicesMax,
  serviceWord,
  sumWord,
} from "../../../../src/datapath/proxy/layout.ts";

test("rows of servers, services and the process do not overlap", () => {
  expect(serverRow(serversMax - 1) + serverRowWords).toBe(serviceRow(0));
  expect(serviceRow(servicesMax - 1) + serviceRowWords).toBe(processRow);
});

test("each cause has a word of its own within the service row", () => {
  const words = closeCauses.map((cause) => causeWord(cause));
  expect(new Set(words).size).toBe(closeCauses.length);
  expect(Math.min(...words)).toBe(serviceWord.closed);
  expect(Math.max(...words)).toBeLessThan(serviceRowWords);
});

test("allParts gives each worker a part that no other one sees", () => {
  const parts = allParts(createCounters(3));
  expect(parts.length).toBe(3);
  parts[1]![serverRow(7)] = 5;
  expect(parts.map((part) => part[serverRow(7)])).toEqual([0, 5, 0]);
});

test("sumWord adds one word over all workers", () => {
  const parts = allParts(createCounters(2));
  parts[0]![processRow] = 2;
  parts[1]![processRow] = 3;
  expect(sumWord(parts, processRow)).toBe(5);
});
