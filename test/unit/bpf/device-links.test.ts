import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { BPF_TCX_INGRESS } from "../../../ffi/constants/bpf.ts";
import { SyscallError } from "../../../ffi/errno.ts";
import { DeviceLinks, hasDeviceLinks, hasTcx } from "../../../src/bpf/index.ts";
import type { DeviceLinkOptions } from "../../../src/bpf/index.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";
import { FakeBpfKernel } from "./fake-kernel.ts";

const foreign = 1;

function createLinks(kernel: FakeBpfKernel, pins: string, rest: Partial<DeviceLinkOptions> = {}) {
  const load = (): number => kernel.loadProgram({ name: "tc", instructions: new Uint8Array(0) });
  const program = load();
  const base = { kernel, pins, directions: ["in"], place: "tail" } as const;
  return new DeviceLinks({ ...base, program: () => program, copy: load, ...rest });
}

const ingress = `5/${BPF_TCX_INGRESS}`;

describe("DeviceLinks", () => {
  test("attaches once, and knows its devices", () => {
    using folder = createTempFolder();
    const kernel = new FakeBpfKernel();
    const links = createLinks(kernel, folder.path);
    links.attach(5);
    links.attach(5);
    links.attach(6);
    expect(kernel.chains.get(ingress)).toHaveLength(1);
    expect([...links.devices]).toEqual([5, 6]);
    links.detach(6);
    expect([...links.devices]).toEqual([5]);
  });

  test("at the tail it does not mind who stands before", () => {
    using folder = createTempFolder();
    const kernel = new FakeBpfKernel();
    const links = createLinks(kernel, folder.path);
    links.attach(5);
    kernel.chains.get(ingress)!.unshift(foreign);
    expect(links.mend()).toEqual([]);
    kernel.chains.set(ingress, [foreign]);
    expect(links.mend()).toEqual([{ device: 5, direction: "in", fault: "missing" }]);
    expect(links.mend()).toEqual([]);
  });

  test("at the head it goes before whoever came", () => {
    using folder = createTempFolder();
    const kernel = new FakeBpfKernel();
    const links = createLinks(kernel, folder.path, { place: "head" });
    links.attach(5);
    kernel.chains.get(ingress)!.unshift(foreign);
    expect(links.mend()).toEqual([{ device: 5, direction: "in", fault: "not-first" }]);
    expect(kernel.chains.get(ingress)![1]).toBe(foreign);
  });

  test("a pin whose device is gone is dropped when it is taken over", () => {
    using folder = createTempFolder();
    const kernel = new FakeBpfKernel();
    const path = join(folder.path, "link-5-in");
    writeFileSync(path, "");
    kernel.pinned.set(path, kernel.createLink(foreign, { device: 5, hook: BPF_TCX_INGRESS }));
    expect(hasDeviceLinks(folder.path)).toBe(true);
    const links = createLinks(kernel, folder.path);
    // The fake kernel refuses every update.
    links.takeOver();
    expect(hasDeviceLinks(folder.path)).toBe(false);
    expect(links.devices.size).toBe(0);
  });

  test("closes the copies that it made", () => {
    using folder = createTempFolder();
    const kernel = new FakeBpfKernel();
    const links = createLinks(kernel, folder.path);
    links.attach(5);
    kernel.chains.set(ingress, []);
    links.mend();
    links.close();
    // What is left is the first program, which belongs to its giver.
    expect(kernel.open.size).toBe(1);
  });
});

test("hasTcx() tells a kernel that knows the hooks, and hides no other refusal", () => {
  const kernel = new FakeBpfKernel();
  expect(hasTcx(kernel)).toBeTrue();
  kernel.hasTcx = false;
  expect(hasTcx(kernel)).toBeFalse();
  const refusing = {
    programs: () => {
      throw new SyscallError("bpf", 1, "list programs");
    },
  };
  expect(() => hasTcx(refusing)).toThrow("EPERM");
});
