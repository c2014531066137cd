import { describe, expect, test } from "bun:test";

import * as fc from "fast-check";

import { encodeEndpoint } from "../../../../src/datapath/bpf/layout.ts";
import { listenKeys, portPrefixes, virtualNames } from "../../../../src/datapath/bpf/listens.ts";
import { forwardingServer, forwardingService } from "../../../helpers/balancer-lan.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const virtual = "192.0.2.1";
const masq = { forwarding: "masq" } as const;

describe("portPrefixes", () => {
  test.each([
    [80, 80, ["80/16"]],
    [8000, 8010, ["8000/13", "8008/15", "8010/16"]],
    [0, 65_535, ["0/0"]],
    [1024, 65_535, ["1024/6", "2048/5", "4096/4", "8192/3", "16384/2", "32768/1"]],
  ])("%i to %i", (first, last, expected) => {
    expect(portPrefixes(first, last).map(({ port, bits }) => `${port}/${bits}`)).toEqual(expected);
  });

  test("covers a range exactly, in at most 30 pieces", () => {
    const port = fc.nat(65_535);
    fc.assert(
      fc.property(port, port, (a, b) => {
        const [first, last] = [Math.min(a, b), Math.max(a, b)];
        const prefixes = portPrefixes(first, last);
        expect(prefixes.length).toBeLessThanOrEqual(30);
        let next = first;
        for (const prefix of prefixes) {
          expect(prefix.port).toBe(next);
          const size = 2 ** (16 - prefix.bits);
          expect(prefix.port % size).toBe(0);
          next += size;
        }
        expect(next).toBe(last + 1);
      }),
      { seed, numRuns: 300 },
    );
  });
});

test("listenKeys() tells single ports from ranges", () => {
  const listen = [
    { address: virtual, portFirst: 80, portLast: 80 },
    { address: virtual, portFirst: 8000, portLast: 8001 },
    { address: virtual, portFirst: 0, portLast: 0 },
  ];
  const { services, ranges } = listenKeys(forwardingService([virtual, 80], [], { listen }));
  expect(services).toEqual([encodeEndpoint({ address: virtual, port: 80 }, "tcp")]);
  expect(ranges.map((key) => [key[0], key[22]! * 256 + key[23]!])).toEqual([
    [159, 8000],
    [144, 0],
  ]);
});

describe("virtualNames", () => {
  const real = forwardingServer("192.0.2.11", 80);
  const key = encodeEndpoint(real, "tcp").toHex();

  test("is the one name of a server, of masq only", () => {
    const services = [
      forwardingService([virtual, 8080], [real], masq),
      forwardingService(["192.0.2.2", 80], [real]),
    ];
    const name = { address: virtual, port: 8080 };
    expect([...virtualNames(services)]).toEqual([[key, { name, isShared: false }]]);
  });

  test("says that there are others", () => {
    const services = [
      forwardingService([virtual, 8080], [real], masq),
      forwardingService(["192.0.2.2", 80], [real], masq),
    ];
    expect(virtualNames(services).get(key)).toMatchObject({ isShared: true });
    const listen = [{ address: virtual, portFirst: 80, portLast: 81 }];
    const range = forwardingService([virtual, 80], [real], { ...masq, listen });
    expect(virtualNames([range]).get(key)).toMatchObject({ isShared: true });
  });

  test("is any port for a server that keeps that of the packet", () => {
    const any = forwardingServer("192.0.2.11", 0);
    const listen = [{ address: virtual, portFirst: 80, portLast: 81 }];
    const range = forwardingService([virtual, 80], [any], { ...masq, listen });
    const found = virtualNames([range]).get(encodeEndpoint(any, "tcp").toHex());
    expect(found).toEqual({ name: { address: virtual, port: 0 }, isShared: false });
  });
});
