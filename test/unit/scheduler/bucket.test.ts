import { expect, test } from "bun:test";

import { apportion, bucketOf, buildBucketTable } from "../../../src/scheduler/bucket.ts";
import { manyServers, servers } from "./fixture.ts";

test.each([
  { title: "equal weights", weights: [1, 1], count: 256, shares: [128, 128] },
  { title: "equal large weights", weights: [65_535, 65_535], count: 256, shares: [128, 128] },
  { title: "a rest by largest remainder", weights: [2, 1], count: 256, shares: [171, 85] },
  { title: "a rest by position in a tie", weights: [1, 1, 1], count: 256, shares: [86, 85, 85] },
  { title: "one bucket at least", weights: [65_535, 1, 1], count: 256, shares: [254, 1, 1] },
  { title: "as many buckets as weights", weights: [9, 1, 5], count: 3, shares: [1, 1, 1] },
  { title: "one weight", weights: [7], count: 256, shares: [256] },
])("apportion: $title", ({ weights, count, shares }) => {
  expect(apportion(weights, count)).toEqual([...shares]);
});

test.each([
  { word: 0, bucket: 0 },
  // 2654435761 / 2^32 is 0.618034, the golden ratio: bucket 158.2 of 256.
  { word: 1, bucket: 158 },
  { word: 2, bucket: 60 },
  { word: 3, bucket: 218 },
  { word: 0xffffffff, bucket: 97 },
])("bucketOf($word) is $bucket of 256", ({ word, bucket }) => {
  expect(bucketOf(word, 8)).toBe(bucket);
});

test("bucketOf takes a signed word for the same address", () => {
  expect(bucketOf(0xc0000201 | 0, 8)).toBe(bucketOf(0xc0000201, 8));
});

test.each([
  { count: 1, buckets: 256 },
  { count: 64, buckets: 256 },
  { count: 65, buckets: 512 },
  { count: 1000, buckets: 4096 },
])("buildBucketTable has $buckets buckets for $count servers", ({ count, buckets }) => {
  const table = buildBucketTable(
    manyServers(count, () => 1),
    () => 1,
  );
  expect(table.buckets.length).toBe(buckets);
  expect(2 ** table.bits).toBe(buckets);
  expect(new Set(table.buckets).size).toBe(count);
});

test("buildBucketTable leaves quiescent servers out and sorts the others", () => {
  const table = buildBucketTable(servers({ c: 1, b: 0, a: 1 }), ({ weight }) => weight);
  expect(table.servers.map(({ key }) => key)).toEqual(["a", "c"]);
});

test("buildBucketTable spreads each server over the table", () => {
  const table = buildBucketTable(servers({ a: 2, b: 1, c: 1 }), ({ weight }) => weight);
  expect(table.buckets.slice(0, 12).join("")).toBe("012001200120");
});

test("buildBucketTable of nobody is empty", () => {
  expect(buildBucketTable(servers({ a: 0 }), () => 1).buckets.length).toBe(0);
});
