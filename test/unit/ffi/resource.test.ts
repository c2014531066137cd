import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";

import { raiseDescriptorLimit } from "../../../ffi/resource.ts";

test("raiseDescriptorLimit() raises the soft limit to the hard one and tells it", () => {
  const limit = raiseDescriptorLimit();
  const [, soft, hard] = readFileSync("/proc/self/limits", "utf8").match(
    /^Max open files\s+(\S+)\s+(\S+)/m,
  )!;
  expect(soft).toBe(hard);
  expect(limit).toBe(Math.min(Number(hard), 1_048_576));
});
