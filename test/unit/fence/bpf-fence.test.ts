import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";

import { BPF_TCX_EGRESS, BPF_TCX_INGRESS } from "../../../ffi/constants/bpf.ts";
import { hostBpfKernel } from "../../../src/bpf/index.ts";
import type { BpfKernel } from "../../../src/bpf/index.ts";
import { BpfFence } from "../../../src/fence/index.ts";
import { parseAddress } from "../../../src/net/address.ts";
import { createBpfFolder, requireBpf } from "../../helpers/require-bpf.ts";
import { FakeBpfKernel } from "../bpf/fake-kernel.ts";
import { FakeTrafficControl, programIdOffset } from "./fake-traffic-control.ts";

const bpf = requireBpf();
const lan = { index: 5, name: "eth0", isLoopback: false, masterIndex: 0 };

/** Maps of the real kernel, links of a fake one: nothing is attached to a device. */
function linklessKernel(): { kernel: BpfKernel; chains: FakeBpfKernel["chains"] } {
  const fake = new FakeBpfKernel();
  const kernel: BpfKernel = {
    ...hostBpfKernel,
    createLink: (program, attachment) => fake.createLink(program, attachment),
    programs: (device, hook) => fake.programs(device, hook),
    programId: (program) => program,
    pin: (fd, path) => (path.includes("link-") ? undefined : hostBpfKernel.pin(fd, path)),
    close: (fd) => (fake.open.has(fd) ? fake.close(fd) : hostBpfKernel.close(fd)),
  };
  return { kernel, chains: fake.chains };
}

/** Programs and maps of the real kernel, which knows no TCX hooks. */
function kernelWithoutTcx(): { kernel: BpfKernel; isOpen: () => boolean } {
  const open = new Set<number>();
  const fake = new FakeBpfKernel();
  fake.hasTcx = false;
  const owned = (fd: number): number => {
    open.add(fd);
    return fd;
  };
  const kernel: BpfKernel = {
    ...hostBpfKernel,
    createMap: (spec) => owned(hostBpfKernel.createMap(spec)),
    openPin: (path) => owned(hostBpfKernel.openPin(path)),
    loadProgram: (spec) => owned(hostBpfKernel.loadProgram(spec)),
    programs: (device, hook) => fake.programs(device, hook),
    programId: (program) => program + programIdOffset,
    close: (fd) => {
      open.delete(fd);
      hostBpfKernel.close(fd);
    },
  };
  return { kernel, isOpen: () => open.size > 0 };
}

describe.skipIf(bpf.skip)(`BpfFence ${bpf.reason}`.trim(), () => {
  test("attaches outward first, once, and mends what was pushed back", () => {
    using folder = createBpfFolder();
    const { kernel, chains } = linklessKernel();
    const fence = new BpfFence({ kernel, pins: folder.path, processors: 1 });
    fence.attach(lan);
    fence.attach(lan);
    expect([...chains.keys()]).toEqual([`5/${BPF_TCX_EGRESS}`, `5/${BPF_TCX_INGRESS}`]);
    expect(fence.mend()).toEqual([]);
    const chain = chains.get(`5/${BPF_TCX_INGRESS}`)!;
    expect(chain).toHaveLength(1);
    chain.unshift(1);
    expect(fence.mend()).toEqual([{ device: 5, direction: "in", fault: "not-first" }]);
    expect(fence.mend()).toEqual([]);
    chains.set(`5/${BPF_TCX_EGRESS}`, []);
    expect(fence.mend()).toEqual([{ device: 5, direction: "out", fault: "missing" }]);
    fence.remove();
  });

  test("setAddresses() fences what is named and nothing else", () => {
    using folder = createBpfFolder();
    const options = { ...linklessKernel(), pins: folder.path, processors: 1 };
    const instanceOf = (map: string, address: string): number | undefined => {
      const fd = hostBpfKernel.openPin(join(folder.path, map));
      const value = new Uint8Array(4);
      const isThere = hostBpfKernel.lookup(fd, parseAddress(address)!, value);
      hostBpfKernel.close(fd);
      return isThere ? value[0] : undefined;
    };
    const fence = new BpfFence(options);
    fence.setAddresses(
      new Map([
        ["192.0.2.1", 1],
        ["2001:db8::1", 1],
      ]),
    );
    fence.close();
    expect(instanceOf("addresses4", "192.0.2.1")).toBe(1);
    expect(instanceOf("addresses6", "2001:db8::1")).toBe(1);
    expect(instanceOf("addresses4", "192.0.2.2")).toBeUndefined();
    // The next process knows what is fenced, and lets go of what it does not name.
    const next = new BpfFence(options);
    next.setAddresses(new Map([["192.0.2.1", 2]]));
    expect(instanceOf("addresses4", "192.0.2.1")).toBe(2);
    expect(instanceOf("addresses6", "2001:db8::1")).toBeUndefined();
    next.close();
    const third = new BpfFence(options);
    third.setAddresses(new Map());
    expect(instanceOf("addresses4", "192.0.2.1")).toBeUndefined();
    third.remove();
    expect(() => instanceOf("addresses4", "192.0.2.1")).toThrow("ENOENT");
  });

  test("taken later, it leaves the leases of a process that is at work alone", () => {
    using folder = createBpfFolder();
    const options = { ...linklessKernel(), pins: folder.path, processors: 1 };
    const fence = new BpfFence(options);
    const leases = fence.openLeases();
    leases.open(3, leases.closings(3));
    leases.renew(3, 77n);
    const next = new BpfFence({ ...options, isTakenLater: true });
    const seen = next.openLeases();
    expect([seen.isClosed(3), seen.endOf(3)]).toEqual([false, 77n]);
    next.adopt();
    expect([seen.isClosed(3), seen.endOf(3)]).toEqual([false, 77n]);
    // Without that it is closed at once.
    const third = new BpfFence(options);
    expect([leases.isClosed(3), leases.endOf(3)]).toEqual([true, 0n]);
    for (const table of [leases, seen]) table.unmap();
    for (const one of [fence, next]) one.close();
    third.remove();
  });

  test("on a kernel without TCX it uses filters of clsact", () => {
    using folder = createBpfFolder();
    const control = new FakeTrafficControl();
    const { kernel, isOpen } = kernelWithoutTcx();
    const options = { kernel, pins: folder.path, processors: 1, openControl: () => control };
    const fence = new BpfFence(options);
    fence.attach(lan);
    expect(control.names(lan.index, "out")).toHaveLength(1);
    expect(control.names(lan.index, "in")).toHaveLength(1);
    expect(fence.mend()).toEqual([]);
    fence.remove();
    expect(control.listClsact()).toEqual([]);
    expect(control.isClosed).toBeTrue();
    expect(isOpen()).toBeFalse();
  });

  test("without TCX and clsact it does not come up, and leaves nothing behind", () => {
    using folder = createBpfFolder();
    const control = new FakeTrafficControl();
    control.addRefusal = 2;
    const { kernel, isOpen } = kernelWithoutTcx();
    const options = { kernel, pins: folder.path, processors: 1, openControl: () => control };
    expect(() => new BpfFence(options)).toThrow(
      expect.objectContaining({
        code: "FENCE_NOT_SUPPORTED",
        message: "The fence needs TCX (Linux 6.6) or clsact with cls_bpf: errno 2",
      }),
    );
    expect(existsSync(join(folder.path, "leases"))).toBeFalse();
    expect(control.isClosed).toBeTrue();
    expect(isOpen()).toBeFalse();
  });
});
