import { describe, expect, test } from "bun:test";

import {
  EADDRNOTAVAIL,
  EEXIST,
  EHOSTUNREACH,
  ENETUNREACH,
  ENODEV,
  EOPNOTSUPP,
  EPERM,
} from "../../../../ffi/errno.ts";
import { NetlinkSocket } from "../../../../src/netlink/index.ts";
import type { NetlinkMessage } from "../../../../src/netlink/index.ts";
import { RouteSocket } from "../../../../src/netlink/route/index.ts";
import { createFakeKernel, hex, kernelAnswer } from "../../../helpers/fake-kernel.ts";
import type { Answer, FakeKernel } from "../../../helpers/fake-kernel.ts";

const { ack, done, part, refusal } = kernelAnswer;
const address = { index: 3, address: "192.0.2.1" };

function open(answer: (request: NetlinkMessage) => readonly Answer[]): [RouteSocket, FakeKernel] {
  const kernel = createFakeKernel(answer);
  return [new RouteSocket(new NetlinkSocket(kernel)), kernel];
}

/** A socket whose kernel refuses everything. */
const refusing = (errno: number): RouteSocket => open((request) => [refusal(request, errno)])[0];

describe("what is gone is an answer, not an error", () => {
  test.each([
    ["getLink() by name", ENODEV, (route: RouteSocket) => route.getLink("eth9"), undefined],
    ["getLink() by number", ENODEV, (route: RouteSocket) => route.getLink(9), undefined],
    ["deleteLink()", ENODEV, (route: RouteSocket) => route.deleteLink(9), false],
    ["deleteAddress()", EADDRNOTAVAIL, (route: RouteSocket) => route.deleteAddress(address), false],
    ["deleteAddress()", ENODEV, (route: RouteSocket) => route.deleteAddress(address), false],
    ["listAddresses()", ENODEV, (route: RouteSocket) => route.listAddresses(9), []],
    ["getRoute()", ENETUNREACH, (route: RouteSocket) => route.getRoute({ to: "::1" }), undefined],
    ["getRoute()", EHOSTUNREACH, (route: RouteSocket) => route.getRoute({ to: "::1" }), undefined],
  ])("%s after errno %i", (_name, errno, act, result) => {
    expect(act(refusing(errno))).toEqual(result);
    expect(() => act(refusing(EPERM))).toThrow("EPERM");
  });
});

test.each([
  [EEXIST, "exists"],
  [EOPNOTSUPP, "not-supported"],
] as const)("createTunnel() answers errno %i with %s", (errno, outcome) => {
  expect(refusing(errno).createTunnel({ name: "t1", kind: "ipip" })).toBe(outcome);
});

test("createTunnel() throws other refusals", () => {
  expect(() => refusing(EPERM).createTunnel({ name: "t1", kind: "ipip" })).toThrow(
    "Cannot create ipip tunnel t1: EPERM",
  );
});

test("addAddress() adds or changes, and names the address in its error", () => {
  const [route, kernel] = open((request) => [ack(request)]);
  route.addAddress({ ...address, prefixBits: 24 });
  expect(kernel.requests[0]).toMatchObject({ type: 20, flags: 0x505 });
  expect(() => refusing(ENODEV).addAddress({ ...address, prefixBits: 24 })).toThrow(
    "Cannot add address 192.0.2.1/24 on interface 3: ENODEV",
  );
});

test("setLinkUp() changes one flag", () => {
  const [route, kernel] = open((request) => [ack(request)]);
  route.setLinkUp(3, true);
  route.setLinkUp(3, false);
  expect(kernel.requests.map(({ payload }) => payload)).toEqual([
    hex("00000000 03000000 01000000 01000000"),
    hex("00000000 03000000 00000000 01000000"),
  ]);
});

test("listAddresses() of one interface leaves out what an old kernel adds", () => {
  const [route] = open((request) => [
    part(request, 20, hex("02 20 00 00 03000000  0800 0200 c0000201")),
    part(request, 20, hex("02 20 00 00 04000000  0800 0200 c0000202")),
    done(request),
  ]);
  expect(route.listAddresses(3).map((one) => one.address)).toEqual(["192.0.2.1"]);
  expect(route.listAddresses()).toHaveLength(2);
});

test("listRoutes() leaves out other tables", () => {
  const [route] = open((request) => [
    part(request, 24, hex("02 00 00 00 fe 10 00 01 00000000 0800 0500 c0000201")),
    part(request, 24, hex("02 20 00 00 ff 02 fe 02 00000000 0800 0100 c0000201")),
    done(request),
  ]);
  expect(route.listRoutes(4)).toMatchObject([{ destination: "0.0.0.0" }]);
  expect(route.listRoutes(4, 255)).toMatchObject([{ type: "local" }]);
});

test("RouteSocket closes its socket", () => {
  const [route, kernel] = open(() => []);
  route[Symbol.dispose]();
  expect(kernel.isClosed).toBe(true);
});
