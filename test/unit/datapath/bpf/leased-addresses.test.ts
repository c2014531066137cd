import { expect, test } from "bun:test";

import { indexKey } from "../../../../src/datapath/bpf/layout.ts";
import { reserveAddresses } from "../../../../src/datapath/bpf/leased-addresses.ts";
import { FakeBpfKernel } from "../../bpf/fake-kernel.ts";

const none = "ffffffff";

/** Both maps of a fence, with the instances that it has given to addresses. */
function createFence(instances: Readonly<Record<string, number>> = {}) {
  const kernel = new FakeBpfKernel();
  const maps = ["addresses4", "addresses6"].map((name) => {
    const map = kernel.createMap();
    kernel.pin(map, `/fence/${name}`);
    return map;
  });
  for (const [key, instance] of Object.entries(instances)) {
    kernel.update(maps[key.length === 8 ? 0 : 1]!, Uint8Array.fromHex(key), indexKey(instance));
  }
  const entries = (): Record<string, string> =>
    Object.fromEntries(
      maps.flatMap((map) =>
        [...kernel.entries.get(map)!].map(([key, value]) => [key, value.toHex()]),
      ),
    );
  const reserve = (...addresses: string[]): void =>
    reserveAddresses({ kernel, fencePins: "/fence" }, addresses);
  return { kernel, entries, reserve };
}

test("reserveAddresses() closes addresses of both families", () => {
  const { entries, reserve } = createFence();
  reserve("192.0.2.1", "2001:db8::1");
  expect(entries()).toEqual({
    c0000201: none,
    "20010db8000000000000000000000001": none,
  });
});

test("reserveAddresses() leaves what the fence has, and forgets what it has closed itself", () => {
  const { entries, reserve } = createFence({ c0000201: 3, c0000209: 0 });
  reserve("192.0.2.1", "192.0.2.2");
  expect(entries()).toEqual({ c0000201: "03000000", c0000209: "00000000", c0000202: none });
  reserve("192.0.2.3");
  expect(entries()).toEqual({ c0000201: "03000000", c0000209: "00000000", c0000203: none });
  reserve();
  expect(entries()).toEqual({ c0000201: "03000000", c0000209: "00000000" });
});

test("reserveAddresses() closes its descriptors", () => {
  const { kernel, reserve } = createFence();
  const before = kernel.open.size;
  reserve("192.0.2.1");
  expect(kernel.open.size).toBe(before);
});
