import { expect, test } from "bun:test";

import { SyscallError } from "../../../ffi/errno.ts";
import { VipPaths } from "../../../src/vip-path/index.ts";
import type { VipPathsOptions } from "../../../src/vip-path/index.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { FakeBpfKernel } from "../bpf/fake-kernel.ts";

const record = { forwarding: "gate", server: "192.0.2.11", virtualAddress: "192.0.2.100" } as const;
type Links = ReturnType<NonNullable<VipPathsOptions["listLinks"]>>;

function link(index: number, more: object = {}): Links[number] {
  const plain = { index, name: `eth${index}`, isLoopback: false, hardwareType: 1 };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- no other field is looked at.
  return { ...plain, masterIndex: undefined, ...more } as Links[number];
}

function create(links: Links = [link(2)], options: VipPathsOptions = {}) {
  const kernel = new FakeBpfKernel();
  const clock = createFakeClock();
  const state = { links };
  const listLinks = (): Links => state.links;
  const paths = new VipPaths({ kernel, clock, listLinks, firstNumber: 0, ...options });
  return { kernel, clock, state, paths };
}

test("nothing is loaded before the first path, and nothing stays after the last", () => {
  const { kernel, paths } = create();
  expect(kernel.open.size).toBe(0);
  const path = paths.open(record);
  expect([path.mark, paths.devices]).toEqual([0x4150_0001, [2]]);
  path.close();
  expect(kernel.open.size).toBeGreaterThan(0);
  paths.keep(false);
  expect([kernel.open.size, paths.devices]).toEqual([0, []]);
  expect(() => paths.open(record)).toThrow("A vip check ends with its director");
  paths.keep(true);
  // It is closed after another program has been loaded: no harm.
  path.close();
  expect(paths.open(record).mark).toBe(0x4150_0002);
  paths[Symbol.dispose]();
  expect(kernel.open.size).toBe(0);
});

test("each path has a mark of its own", () => {
  const { kernel, paths } = create([link(2)], { firstNumber: 0xf_fffe });
  const marks = [paths.open(record), paths.open(record)].map(({ mark }) => mark);
  expect(marks).toEqual([0x415f_ffff, 0x4150_0000]);
  const sizes = [...kernel.entries.values()].map(({ size }) => size);
  expect(Math.max(...sizes)).toBe(2);
});

test("it is on every interface that has an IP layer, and follows them each second", () => {
  const { clock, state, paths } = create([
    link(1, { isLoopback: true, hardwareType: 772 }),
    link(2),
    link(3, { masterIndex: 2 }),
    link(4, { hardwareType: 768 }),
  ]);
  paths.open(record);
  expect(paths.devices).toEqual([2]);
  state.links = [link(5)];
  paths.open(record);
  expect(paths.devices).toEqual([2]);
  clock.advance(1000);
  paths.open(record);
  expect(paths.devices).toEqual([5]);
});

test("an interface that is gone when it gets the program is left out", () => {
  const { paths } = create([link(0), link(2)]);
  paths.open(record);
  expect(paths.devices).toEqual([2]);
});

test("what the kernel refuses is told", () => {
  const { kernel, paths } = create();
  kernel.createMap = () => {
    throw new SyscallError("bpf", 1, "create map");
  };
  expect(() => paths.open(record)).toThrow("A vip check cannot be made: bpf(2) failed with EPERM");
});
