import { expect, test } from "bun:test";

import { EPERM, SyscallError } from "../../../ffi/errno.ts";
import { findVipPathObstacle } from "../../../src/vip-path/index.ts";
import { FakeBpfKernel } from "../bpf/fake-kernel.ts";

test("a kernel that takes the program stands against nothing, and keeps nothing", () => {
  const kernel = new FakeBpfKernel();
  expect(findVipPathObstacle(kernel)).toBeUndefined();
  expect(kernel.open.size).toBe(0);
});

test("a kernel without TCX", () => {
  const kernel = new FakeBpfKernel();
  kernel.hasTcx = false;
  expect(findVipPathObstacle(kernel)).toBe(
    "this kernel has no TCX links for bpf programs: Linux 6.6 has",
  );
});

test("missing capabilities are named", () => {
  const kernel = new FakeBpfKernel();
  kernel.programs = () => {
    throw new SyscallError("bpf", EPERM, "query");
  };
  expect(findVipPathObstacle(kernel, () => "CapEff:\t0000000000000000\n")).toBe(
    "bpf may not be used: CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF missing",
  );
});
