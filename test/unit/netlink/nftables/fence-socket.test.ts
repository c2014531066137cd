import { describe, expect, test } from "bun:test";

import { ENOENT, EOPNOTSUPP, EPERM } from "../../../../ffi/errno.ts";
import {
  attribute,
  AttributeReader,
  encodeAttributes,
  NetlinkSocket,
} from "../../../../src/netlink/index.ts";
import type { NetlinkMessage } from "../../../../src/netlink/index.ts";
import { NftFence } from "../../../../src/netlink/nftables/index.ts";
import { createFakeKernel, kernelAnswer } from "../../../helpers/fake-kernel.ts";
import type { Answer, FakeKernel } from "../../../helpers/fake-kernel.ts";

const { ack, part, refusal } = kernelAnswer;
const wantsAck = ({ flags }: NetlinkMessage): boolean => (flags & 4) !== 0;

function open(
  answer: (request: NetlinkMessage, count: number) => readonly Answer[],
): [NftFence, FakeKernel] {
  const kernel = createFakeKernel(answer);
  return [new NftFence(new NetlinkSocket(kernel), "t"), kernel];
}

test("NftFence sends whole transactions", () => {
  const [fence, kernel] = open((request) => (wantsAck(request) ? [ack(request)] : []));
  fence.replace({ devices: [], instances: [] });
  fence.addDevice({ index: 4, name: "eth0" });
  fence.renew(1, 300);
  fence.shut(1);
  expect(fence.removeDevice(4)).toBe(true);
  const marks = kernel.requests.filter(({ type }) => type === 16 || type === 17);
  expect(marks.map(({ type }) => type)).toEqual([16, 17, 16, 17, 16, 17, 16, 17, 16, 17]);
});

test("NftFence.renew() tries again when the element ended meanwhile", () => {
  const isDelete = ({ type }: NetlinkMessage): boolean => type === 0x0a0e;
  const [fence, kernel] = open((request, count) => {
    if (isDelete(request) && count < 5) return [refusal(request, ENOENT)];
    return wantsAck(request) ? [ack(request)] : [];
  });
  fence.renew(1, 300);
  expect(kernel.requests.filter(isDelete)).toHaveLength(2);
});

test("NftFence.renew() throws when the table is gone", () => {
  const [fence] = open((request) => (wantsAck(request) ? [refusal(request, ENOENT)] : []));
  expect(() => fence.renew(1, 300)).toThrow("Cannot renew the lease of instance 1: ENOENT");
});

test("NftFence.removeDevice() answers for a device that was not in", () => {
  const [gone] = open((request) => (wantsAck(request) ? [refusal(request, ENOENT)] : []));
  expect(gone.removeDevice(4)).toBe(false);
  const [refused] = open((request) => (wantsAck(request) ? [refusal(request, EPERM)] : []));
  expect(() => refused.removeDevice(4)).toThrow("Cannot take 4 out of the fence: EPERM");
});

describe("NftFence.isInPlace()", () => {
  const table = (owner: readonly number[]) => (request: NetlinkMessage) => {
    const name = attribute.text(1, "t");
    const attributes = owner.map((port) => attribute.be32(7, port));
    const payload = [5, 0, 0, 0, ...encodeAttributes([name, ...attributes])];
    return [part(request, 0x0a00, Uint8Array.from(payload), 0), ack(request)];
  };

  test.each([
    ["is this socket's", [4711], true],
    ["is another's", [4712], false],
    ["is nobody's", [], false],
  ])("knows a table that %s", (_name, owner, isInPlace) => {
    expect(open(table(owner))[0].isInPlace()).toBe(isInPlace);
  });

  test("knows that there is none", () => {
    expect(open((request) => [refusal(request, ENOENT)])[0].isInPlace()).toBe(false);
    expect(() => open((request) => [refusal(request, EPERM)])[0].isInPlace()).toThrow("EPERM");
  });

  test("an answer that cannot be read is an error", () => {
    const [fence] = open((request) => [part(request, 0x0a00, Uint8Array.of(5), 0)]);
    expect(() => fence.isInPlace()).toThrow("unreadable (truncated)");
  });
});

test("NftFence makes a table without an owner where the kernel refuses one that stays", () => {
  let refused = 0;
  const [fence, kernel] = open((request) => {
    if (!wantsAck(request)) return [];
    return refused++ === 0 ? [refusal(request, EOPNOTSUPP)] : [ack(request)];
  });
  fence.replace({ devices: [], instances: [] });
  const flags = kernel.requests
    .filter(({ type }) => type === 0x0a00)
    .map(({ payload }) => new AttributeReader(payload.subarray(4)).be32(2));
  expect(flags).toEqual([6, 6, undefined, undefined]);
});

test("NftFence.replace() throws what is no matter of owners", () => {
  const [fence] = open((request) => (wantsAck(request) ? [refusal(request, EOPNOTSUPP)] : []));
  expect(() => fence.replace({ devices: [], instances: [] })).toThrow(
    "Cannot make the fence t: EOPNOTSUPP",
  );
});

test("NftFence.remove() tells whether there was one", () => {
  const [gone] = open((request) => (wantsAck(request) ? [refusal(request, ENOENT)] : []));
  expect(gone.remove()).toBe(false);
  const [there] = open((request) => (wantsAck(request) ? [ack(request)] : []));
  expect(there.remove()).toBe(true);
  const [refused] = open((request) => (wantsAck(request) ? [refusal(request, EPERM)] : []));
  expect(() => refused.remove()).toThrow("Cannot remove the fence t: EPERM");
});

test("NftFence closes its socket", () => {
  const [fence, kernel] = open(() => []);
  fence[Symbol.dispose]();
  expect(kernel.isClosed).toBe(true);
});
