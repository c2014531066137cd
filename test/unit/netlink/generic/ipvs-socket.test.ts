import { describe, expect, test } from "bun:test";

import { EPERM, ESRCH } from "../../../../ffi/errno.ts";
import { GenericSocket, IpvsSocket, plainTunnel } from "../../../../src/netlink/generic/index.ts";
import type { IpvsServiceSettings } from "../../../../src/netlink/generic/index.ts";
import { NetlinkSocket } from "../../../../src/netlink/index.ts";
import type { NetlinkMessage } from "../../../../src/netlink/index.ts";
import { createFakeKernel, hex, kernelAnswer } from "../../../helpers/fake-kernel.ts";
import type { Answer, FakeKernel } from "../../../helpers/fake-kernel.ts";

const { ack, done, part, refusal } = kernelAnswer;
const web = {
  type: "address",
  family: 4,
  protocol: "tcp",
  address: "192.0.2.100",
  port: 80,
} as const;
const mark = { type: "fwmark", family: 4, mark: 7 } as const;
const settings: IpvsServiceSettings = {
  scheduler: "rr",
  persistentSeconds: undefined,
  persistentBits: 32,
  isOnePacket: false,
  schedulerFlags: [],
  persistenceEngine: undefined,
};
const server = { address: "192.0.2.11", port: 80 };
const use = {
  method: "gate",
  weight: 1,
  upperThreshold: 0,
  lowerThreshold: 0,
  tunnel: plainTunnel,
} as const;
const daemon = { role: "active", interfaceName: "eth1", syncId: 1 } as const;
const timeouts = { tcpSeconds: 900, tcpFinSeconds: 120, udpSeconds: 300 };

/** IPVS with number 0x22; `answer` is for its requests. */
function open(answer: (request: NetlinkMessage) => readonly Answer[]): [IpvsSocket, FakeKernel] {
  const family = hex("01 02 0000  0600 0100 2200 0000  0800 0300 01000000");
  const kernel = createFakeKernel((request) =>
    request.type === 16 ? [part(request, 16, family, 0), ack(request)] : answer(request),
  );
  return [new IpvsSocket(new GenericSocket(new NetlinkSocket(kernel))), kernel];
}

test.each([
  ["addService", 1, (ipvs: IpvsSocket) => ipvs.addService(web, settings)],
  ["setService", 2, (ipvs: IpvsSocket) => ipvs.setService(web, settings)],
  ["deleteService", 3, (ipvs: IpvsSocket) => ipvs.deleteService(web)],
  ["addDestination", 5, (ipvs: IpvsSocket) => ipvs.addDestination(web, server, use)],
  ["setDestination", 6, (ipvs: IpvsSocket) => ipvs.setDestination(web, server, use)],
  ["deleteDestination", 7, (ipvs: IpvsSocket) => ipvs.deleteDestination(web, server)],
  ["startDaemon", 9, (ipvs: IpvsSocket) => ipvs.startDaemon(daemon)],
  ["stopDaemon", 10, (ipvs: IpvsSocket) => ipvs.stopDaemon(daemon)],
  ["setTimeouts", 12, (ipvs: IpvsSocket) => ipvs.setTimeouts(timeouts)],
  ["zero", 16, (ipvs: IpvsSocket) => ipvs.zero(web)],
  ["flush", 17, (ipvs: IpvsSocket) => ipvs.flush()],
] as const)("IpvsSocket.%s() is command %i", (_name, command, act) => {
  const [ipvs, kernel] = open((request) => [ack(request)]);
  act(ipvs);
  expect(kernel.requests.at(-1)).toMatchObject({ type: 0x22, flags: 5 });
  expect(kernel.requests.at(-1)!.payload.subarray(0, 4)).toEqual(Uint8Array.of(command, 1, 0, 0));
  expect(() => act(open((request) => [refusal(request, EPERM)])[0])).toThrow(/^Cannot .+: EPERM$/);
});

describe("IpvsSocket reads", () => {
  const service = hex("04 01 0000 1800 0180 0600 0100 0200 0000 0800 0500 07000000 0400 0600");
  new DataView(service.buffer).setUint16(4, service.length - 4, true);

  test("listServices() and getService()", () => {
    const [ipvs, kernel] = open((request) => [
      part(request, 0x22, service),
      (request.flags & 0x300) === 0 ? ack(request) : done(request),
    ]);
    expect(ipvs.listServices()).toMatchObject([{ key: mark }]);
    expect(ipvs.getService(mark)).toMatchObject({ key: mark });
    expect(kernel.requests.map(({ flags }) => flags)).toEqual([5, 0x301, 5]);
  });

  test("getService() of one that is not there", () => {
    expect(open((request) => [refusal(request, ESRCH)])[0].getService(web)).toBeUndefined();
    expect(() => open((request) => [refusal(request, EPERM)])[0].getService(web)).toThrow(
      "Cannot read tcp service 192.0.2.100:80: EPERM",
    );
  });

  test("listDestinations() takes the service's family", () => {
    const entry = hex(
      "08 01 0000 2000 0280 1400 0100 20010db8000000000000000000000011 0600 0200 0035 0000",
    );
    const [ipvs] = open((request) => [part(request, 0x22, entry), done(request)]);
    const service6 = { ...web, family: 6, address: "2001:db8::64" } as const;
    expect(ipvs.listDestinations(service6)).toMatchObject([{ address: "2001:db8::11" }]);
  });

  test("readInfo(), readTimeouts() and listDaemons()", () => {
    const [info] = open((request) => [
      part(request, 0x22, hex("0e 01 0000  0800 0100 01020100"), 0),
      ack(request),
    ]);
    expect(info.readInfo()).toEqual({ version: "1.2.1", connectionTableSize: 0 });
    const [config] = open((request) => [
      part(request, 0x22, hex("0c 01 0000 0800 0400 84030000"), 0),
      ack(request),
    ]);
    expect(config.readTimeouts()).toEqual({ tcpSeconds: 900, tcpFinSeconds: 0, udpSeconds: 0 });
    const [daemons] = open((request) => [
      part(request, 0x22, hex("09 01 0000 0c00 0380 0800 0100 02000000")),
      done(request),
    ]);
    expect(daemons.listDaemons()).toMatchObject([{ role: "backup", syncId: 0 }]);
  });

  test("an acknowledgement without the answer is malformed", () => {
    const [ipvs] = open((request) => [ack(request)]);
    expect(() => ipvs.readInfo()).toThrow("Cannot read the version of IPVS: the answer is empty");
  });
});

test("IpvsSocket closes its socket", () => {
  const [ipvs, kernel] = open(() => []);
  ipvs[Symbol.dispose]();
  expect(kernel.isClosed).toBe(true);
});
