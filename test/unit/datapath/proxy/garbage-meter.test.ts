import { expect, test } from "bun:test";

import { GarbageMeter } from "../../../../src/datapath/proxy/garbage-meter.ts";

test("GarbageMeter collects once 32 MiB have come together, and counts anew then", () => {
  let collections = 0;
  const meter = new GarbageMeter(() => void (collections += 1));
  for (let turn = 0; turn < 31; turn++) meter.add(1 << 20);
  meter.collectIfDue();
  expect(collections).toBe(0);
  meter.add(1 << 20);
  meter.collectIfDue();
  meter.collectIfDue();
  expect(collections).toBe(1);
});
