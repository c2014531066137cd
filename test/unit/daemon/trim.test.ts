import { expect, test } from "bun:test";

import { codeMappings, keepTrimmed, trimCode } from "../../../src/daemon/trim.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";

const maps = `00200000-01a39000 r--p 00000000 fe:00 5313359    /usr/sbin/appliance
01a40000-0684a000 r-xp 01838000 fe:00 5313359    /usr/sbin/appliance
06867000-06f34000 rw-p 0665e000 fe:00 5313359    /usr/sbin/appliance
7fc700000000-7fc700001000 r-xp 00000000 00:00 0
7fc8c0057000-7fc8c01ad000 r-xp 00026000 fe:00 339380    /usr/lib/libc.so.6
7ffd1b9f2000-7ffd1b9f4000 r-xp 00000000 00:00 0    [vdso]
`;

test("codeMappings takes code of files only, nothing that can be written to", () => {
  expect(codeMappings(maps)).toEqual([
    { start: 0x01a4_0000n, bytes: 0x04e0_a000n },
    { start: 0x7fc8_c005_7000n, bytes: 0x15_6000n },
  ]);
});

test("codeMappings finds nothing in an empty text", () => {
  expect(codeMappings("")).toEqual([]);
});

test("trimCode leaves the program running", () => {
  trimCode();
  expect(["b", "a"].toReversed()).toEqual(["a", "b"]);
});

test("keepTrimmed trims after the start, each 15 s, and not once it is stopped", () => {
  const clock = createFakeClock();
  let trims = 0;
  const stop = keepTrimmed(clock, () => void (trims += 1));
  clock.advance(1999);
  expect(trims).toBe(0);
  clock.advance(1);
  expect(trims).toBe(1);
  clock.advance(30_000);
  expect(trims).toBe(3);
  stop();
  clock.advance(120_000);
  expect(trims).toBe(3);
  expect(clock.pendingCount()).toBe(0);
});
