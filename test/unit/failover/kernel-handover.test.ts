import { expect, test } from "bun:test";

import { SyscallError } from "../../../ffi/errno.ts";
import { KernelHandover } from "../../../src/failover/kernel-handover.ts";
import { leaseFlagRealServer } from "../../../src/fence/index.ts";
import { formatAddress, parseAddress } from "../../../src/net/address.ts";

const places = [
  { device: 4, address: parseAddress("192.0.2.2")! },
  { device: 5, address: parseAddress("192.0.2.66")! },
];

function setUp(
  refusal?: Error,
  isRealServer = false,
): { handover: KernelHandover; done: string[] } {
  const done: string[] = [];
  const handover = new KernelHandover({
    fence: {
      setHandover(slot, { device, address }, endNs) {
        if (refusal !== undefined) throw refusal;
        done.push(`${slot}: ${device} ${formatAddress(address)} until ${endNs}`);
      },
    },
    leases: {
      drain: (slot, endNs, nowNs) => void done.push(`${slot}: drain ${endNs} at ${nowNs}`),
      hasFlag: (slot, flag) => isRealServer && slot === 7 && flag === leaseFlagRealServer,
      setFlag: (slot, flag, isSet) => void done.push(`${slot}: ${flag} ${isSet}`),
    },
    complain: (text) => void done.push(text),
  });
  return { handover, done };
}

test("drain() is the lease's", () => {
  const { handover, done } = setUp();
  expect(handover.canDrain(7)).toBe(true);
  handover.drain(7, 900n, 100n);
  expect(done).toEqual(["7: drain 900 at 100"]);
});

test("forward() names the places before the flag says that there are some", () => {
  const { handover, done } = setUp();
  handover.forward(7, places, 900n);
  handover.forward(7, [], 0n);
  expect(done).toEqual([
    "7: 4 192.0.2.2 until 900",
    "7: 5 192.0.2.66 until 900",
    "7: 2 true",
    "7: 2 false",
  ]);
});

test("forward() says what the kernel refuses, and the thread goes on", () => {
  const { handover, done } = setUp(new SyscallError("bpf", 12, "update map"));
  handover.forward(7, places, 900n);
  expect(done).toEqual([expect.stringContaining("Cannot send on"), "7: 2 true"]);
});

test("of a real server of the same addresses nothing drains, and nothing is sent on", () => {
  const { handover, done } = setUp(undefined, true);
  expect([handover.canDrain(7), handover.canDrain(6)]).toEqual([false, true]);
  handover.forward(7, places, 900n);
  expect(done).toEqual(["7: 2 false"]);
});

test("without a fence of bpf nothing drains, and nothing is sent on", () => {
  const handover = new KernelHandover(undefined);
  expect(handover.canDrain(0)).toBe(false);
  handover.drain(0, 1n, 0n);
  expect(() => handover.forward(0, places, 1n)).not.toThrow();
});
