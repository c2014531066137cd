import { describe, expect, test } from "bun:test";

import { ENOENT, EPERM } from "../../../../ffi/errno.ts";
import { decoded } from "../../../../src/netlink/decoded.ts";
import {
  decodeFamily,
  decodeGeneric,
  encodeGeneric,
  GenericSocket,
  openGenericSocket,
} from "../../../../src/netlink/generic/family.ts";
import { attribute, NetlinkSocket } from "../../../../src/netlink/index.ts";
import { createFakeKernel, hex, kernelAnswer, messageOf } from "../../../helpers/fake-kernel.ts";

const { ack, done, part, refusal } = kernelAnswer;

/** CTRL_CMD_NEWFAMILY: name IPVS, number 0x22, version 1. */
const ipvs = hex(`
  01 02 0000
  0900 0200 4950565300 000000
  0600 0100 2200 0000
  0800 0300 01000000
`);

test("encodeGeneric() writes command, version and attributes", () => {
  const attributes = [attribute.text(2, "IPVS")];
  expect(encodeGeneric({ command: 3, version: 2, attributes })).toEqual(
    hex("03 02 0000  0900 0200 4950565300 000000"),
  );
});

test("decodeGeneric() reads command and attributes", () => {
  const answer = decodeGeneric(messageOf(34, ipvs));
  expect(answer.ok && [answer.value.command, answer.value.attributes.text(2)]).toEqual([1, "IPVS"]);
  expect(decodeGeneric(messageOf(34, [1, 2]))).toEqual({ ok: false, fault: "truncated" });
});

test.each([
  ["truncated", "01 02"],
  ["missing", "01 02 0000"],
  ["bad-length", "01 02 0000 0500 0100 22 000000"],
] as const)("decodeFamily() says that an answer is %s", (fault, bytes) => {
  expect(decodeFamily(messageOf(16, hex(bytes)))).toEqual({ ok: false, fault });
});

describe("GenericSocket", () => {
  test("asks for a family once, and uses its number and version", () => {
    const kernel = createFakeKernel((request) =>
      request.type === 16 ? [part(request, 16, ipvs, 0), ack(request)] : [ack(request)],
    );
    using socket = new GenericSocket(new NetlinkSocket(kernel));
    const family = { isSupported: true, family: { id: 0x22, version: 1 } } as const;
    expect(socket.findFamily("IPVS")).toEqual(family);
    socket.request("IPVS", { operation: "flush", command: 17 });
    expect(kernel.requests.map(({ type }) => type)).toEqual([16, 0x22]);
    expect(kernel.requests[0]!.payload).toEqual(hex("03 02 0000  0900 0200 4950565300 000000"));
    expect(kernel.requests[1]!.payload).toEqual(hex("11 01 0000"));
    socket.forgetFamily("IPVS");
    expect(socket.findFamily("IPVS")).toEqual(family);
    expect(kernel.requests).toHaveLength(3);
  });

  test("reads lists of a family", () => {
    const kernel = createFakeKernel((request) =>
      request.type === 16
        ? [part(request, 16, ipvs, 0), ack(request)]
        : [part(request, 0x22, Uint8Array.of(4, 1, 0, 0)), done(request)],
    );
    using socket = new GenericSocket(new NetlinkSocket(kernel));
    const request = { operation: "list", command: 4 };
    const list = socket.dump("IPVS", request, ({ payload }) => decoded(payload[0]));
    expect(list).toEqual([4]);
  });

  test("tells that a family is not there, and remembers it", () => {
    const kernel = createFakeKernel((request) => [refusal(request, ENOENT)]);
    using socket = new GenericSocket(new NetlinkSocket(kernel));
    const reason = "this kernel has no netlink family IPVS";
    expect(socket.findFamily("IPVS")).toEqual({ isSupported: false, reason });
    expect(() => socket.request("IPVS", { operation: "flush it", command: 17 })).toThrow(
      `Cannot flush it: ${reason}`,
    );
    expect(kernel.requests).toHaveLength(1);
  });

  test("throws other refusals, and does not remember them", () => {
    const kernel = createFakeKernel((request) => [refusal(request, EPERM)]);
    using socket = new GenericSocket(new NetlinkSocket(kernel));
    expect(() => socket.findFamily("IPVS")).toThrow("EPERM");
    expect(() => socket.findFamily("IPVS")).toThrow("EPERM");
    expect(kernel.requests).toHaveLength(2);
  });
});

test("openGenericSocket() finds the family that every kernel has", () => {
  using socket = openGenericSocket();
  expect(socket.findFamily("nlctrl")).toMatchObject({ isSupported: true, family: { id: 16 } });
  expect(socket.findFamily("no-such-family")).toMatchObject({ isSupported: false });
});
