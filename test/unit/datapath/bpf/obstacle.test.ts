import { describe, expect, test } from "bun:test";

import { EACCES, EPERM, SyscallError } from "../../../../ffi/errno.ts";
import { closeBpfFileSystem } from "../../../../src/bpf/index.ts";
import type { BpfKernel } from "../../../../src/bpf/index.ts";
import { findBpfObstacle } from "../../../../src/datapath/bpf/obstacle.ts";
import { createTempFolder } from "../../../helpers/temp-folder.ts";
import { FakeBpfKernel } from "../../bpf/fake-kernel.ts";

function statusText(effective: string): string {
  return `Name:\tbun\nCapPrm:\t0000000000000000\nCapEff:\t${effective}\nCapBnd:\t0000000000000000\n`;
}

describe("findBpfObstacle()", () => {
  const all = statusText("000001ffffffffff");
  const none = statusText("0000000000000000");

  function find(kernel: BpfKernel, status = all): string | undefined {
    using folder = createTempFolder();
    const runtimeDirectory = `${folder.path}/missing`;
    try {
      return findBpfObstacle({ kernel, runtimeDirectory, readStatus: () => status });
    } finally {
      closeBpfFileSystem("appliance", runtimeDirectory);
    }
  }

  function failing(name: "programs" | "createMap", error: Error): FakeBpfKernel {
    const kernel = new FakeBpfKernel();
    kernel[name] = () => {
      throw error;
    };
    return kernel;
  }

  test("an old kernel", () => {
    const kernel = new FakeBpfKernel();
    kernel.hasTcx = false;
    expect(find(kernel)).toBe("this kernel has no TCX links for bpf programs: Linux 6.6 has");
  });

  test("missing capabilities are named", () => {
    const kernel = failing("programs", new SyscallError("bpf", EPERM, "query"));
    expect(find(kernel, none)).toBe(
      "bpf may not be used: CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF missing",
    );
  });

  test("a host that forbids it to who has all capabilities of its own", () => {
    const kernel = failing("createMap", new SyscallError("bpf", EPERM, "create map"));
    expect(find(kernel)).toStartWith("bpf may not be used: this host forbids it to this process");
  });

  test("a refusal of the verifier is one line, with its verdict", () => {
    const log = Array.from({ length: 500 }, (_, line) => `${line}: (bf) r1 = r10`);
    const text = ["load program: EACCES", ...log, "R1 invalid mem access", "processed 7 insns"];
    const kernel = failing("createMap", new SyscallError("bpf", EACCES, text.join("\n")));
    expect(find(kernel)).toBe(
      "this kernel refuses the bpf program: bpf(2) failed with EACCES: load program: EACCES; " +
        "499: (bf) r1 = r10; R1 invalid mem access; processed 7 insns",
    );
  });

  test("nothing stays open", () => {
    const kernel = new FakeBpfKernel();
    find(kernel);
    expect(kernel.open.size).toBe(0);
  });
});
