import { describe, expect, test } from "bun:test";

import {
  RTM_GETQDISC,
  RTM_NEWQDISC,
  RTM_NEWTFILTER,
} from "../../../../ffi/constants/traffic-control.ts";
import { EEXIST, EINVAL, ENODEV, ENOENT, EPERM } from "../../../../ffi/errno.ts";
import { NetlinkSocket } from "../../../../src/netlink/index.ts";
import type { NetlinkMessage } from "../../../../src/netlink/index.ts";
import { TrafficControlSocket } from "../../../../src/netlink/route/index.ts";
import { createFakeKernel, hex, kernelAnswer } from "../../../helpers/fake-kernel.ts";
import type { Answer } from "../../../helpers/fake-kernel.ts";

const { ack, done, part, refusal } = kernelAnswer;
const place = { index: 3, direction: "in", preference: 1, handle: 2 } as const;

function open(answer: (request: NetlinkMessage) => readonly Answer[]): TrafficControlSocket {
  return new TrafficControlSocket(new NetlinkSocket(createFakeKernel(answer)));
}

const refusing = (errno: number) => open((request) => [refusal(request, errno)]);
const clsact = hex("00000000 03000000 0000ffff f1ffffff 01000000 0b00 0100 636c7361637400 00");
const ingress = hex("00000000 04000000 0000ffff f1ffffff 01000000 0c00 0100 696e677265737300");

describe("addClsact()", () => {
  test("makes it", () => {
    expect(open((request) => [ack(request)]).addClsact(3)).toBe("created");
  });

  test.each([
    [3, "exists"],
    [4, "taken"],
  ] as const)("on device %i it %s already", (index, outcome) => {
    const control = open((request) =>
      request.type === RTM_GETQDISC
        ? [part(request, RTM_NEWQDISC, clsact), part(request, RTM_NEWQDISC, ingress), done(request)]
        : [refusal(request, EEXIST)],
    );
    expect(control.addClsact(index)).toBe(outcome);
  });

  test("throws other refusals", () => {
    expect(() => refusing(ENODEV).addClsact(3)).toThrow("Cannot add clsact to interface 3: ENODEV");
  });
});

test.each([ENOENT, EINVAL, ENODEV])("what is gone is an answer: errno %i", (errno) => {
  expect(refusing(errno).deleteClsact(3)).toBeFalse();
  expect(refusing(errno).deleteFilter(place)).toBeFalse();
  expect(() => refusing(EPERM).deleteFilter(place)).toThrow("EPERM");
});

test("listFilters() keeps the kernel's order", () => {
  const filter = (handle: string) =>
    hex(`00000000 03000000 ${handle} f2ffffff 00030100 0800 0100 62706600`);
  const control = open((request) => [
    part(request, RTM_NEWTFILTER, filter("02000000")),
    part(request, RTM_NEWTFILTER, filter("01000000")),
    done(request),
  ]);
  expect(control.listFilters(3, "in").map(({ handle }) => handle)).toEqual([2, 1]);
});

test("setFilter() names filter and device in its error", () => {
  const filter = { ...place, program: 9, name: "abc" };
  open((request) => [ack(request)]).setFilter(filter);
  expect(() => refusing(EINVAL).setFilter(filter)).toThrow(
    "Cannot set filter abc on interface 3: EINVAL",
  );
});
