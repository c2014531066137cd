import { expect, test } from "bun:test";

import { BPF_TCX_EGRESS, BPF_TCX_INGRESS } from "../../../ffi/constants/bpf.ts";
import { ENODEV, EPERM, SyscallError } from "../../../ffi/errno.ts";
import { FenceWatch } from "../../../src/failover/fence-watch.ts";

function setUp() {
  const chains = new Map<string, readonly number[]>();
  const refused = { errno: 0 };
  let mended = Promise.withResolvers<void>();
  const world = { mends: 0 };
  const watch = new FenceWatch({
    programs(device, hook) {
      if (refused.errno !== 0) throw new SyscallError("bpf", refused.errno, "list programs");
      return chains.get(`${device} ${hook}`) ?? [];
    },
    mend() {
      world.mends += 1;
      return mended.promise;
    },
  });
  // Looks are made by hand here.
  watch.close();
  watch.follow([
    { device: 5, direction: "out", program: 11 },
    { device: 5, direction: "in", program: 12 },
  ]);
  chains.set(`5 ${BPF_TCX_EGRESS}`, [11, 99]);
  chains.set(`5 ${BPF_TCX_INGRESS}`, [12]);
  const endMend = async (): Promise<void> => {
    mended.resolve();
    await Bun.sleep(0);
    mended = Promise.withResolvers<void>();
  };
  return { watch, chains, refused, world, endMend };
}

test("FenceWatch is content while the fence is first everywhere", () => {
  const { watch, world } = setUp();
  watch.look();
  expect(world.mends).toBe(0);
});

test.each([
  ["not first", [99, 12]],
  ["gone", []],
])("FenceWatch has it mended where it is %s, one at a time", async (_name, chain) => {
  const { watch, chains, world, endMend } = setUp();
  chains.set(`5 ${BPF_TCX_INGRESS}`, chain);
  watch.look();
  watch.look();
  expect(world.mends).toBe(1);
  await endMend();
  watch.look();
  expect(world.mends).toBe(2);
  watch.follow([{ device: 5, direction: "in", program: 99 }]);
  await endMend();
  chains.set(`5 ${BPF_TCX_INGRESS}`, [99]);
  watch.look();
  expect(world.mends).toBe(2);
});

test("FenceWatch minds no interface that is gone, and any other refusal", () => {
  const { watch, refused, world } = setUp();
  refused.errno = ENODEV;
  watch.look();
  expect(world.mends).toBe(0);
  refused.errno = EPERM;
  watch.look();
  expect(world.mends).toBe(1);
});
