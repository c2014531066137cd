import { expect, test } from "bun:test";

import { EPERM, SyscallError } from "../../../ffi/errno.ts";
import { bpfLoadFault, missingCapabilities } from "../../../src/bpf/load-fault.ts";

function statusText(effective: string): string {
  return `Name:\tbun\nCapPrm:\t0000000000000000\nCapEff:\t${effective}\nCapBnd:\t0000000000000000\n`;
}

test.each([
  ["000001ffffffffff", []],
  ["0000000000000000", ["CAP_NET_ADMIN", "CAP_PERFMON", "CAP_BPF"]],
  ["000000c000000000", ["CAP_NET_ADMIN"]],
  ["0000008000001000", ["CAP_PERFMON"]],
  // CAP_SYS_ADMIN stands for what was taken out of it.
  ["0000000000201000", []],
  ["nonsense", ["CAP_NET_ADMIN", "CAP_PERFMON", "CAP_BPF"]],
])("missingCapabilities() of %p", (effective, expected) => {
  expect(missingCapabilities(statusText(effective))).toEqual(expected);
});

test.each([
  ["0000000000000000", "bpf may not be used: CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF missing"],
  [
    "000001ffffffffff",
    "bpf may not be used: this host forbids it to this process, " +
      "as in a container without the capabilities of its host",
  ],
])("bpfLoadFault() of EPERM with the capabilities %s", (effective, expected) => {
  const error = new SyscallError("bpf", EPERM, "load");
  expect(bpfLoadFault(error, () => statusText(effective))).toBe(expected);
});

test("bpfLoadFault() of a long log tells its end", () => {
  const error = new Error("Cannot load\n1\n2\n3\n4\n");
  expect(bpfLoadFault(error, () => statusText("000001ffffffffff"))).toBe(
    "this kernel refuses the bpf program: Cannot load; 2; 3; 4",
  );
});
