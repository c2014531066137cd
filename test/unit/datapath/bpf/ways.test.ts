import { describe, expect, test } from "bun:test";

import { findWay, needsBalancer } from "../../../../src/datapath/bpf/ways.ts";
import type { Link, Route } from "../../../../src/netlink/route/index.ts";

const route: Route = {
  family: 4,
  destination: "192.0.2.11",
  prefixBits: 32,
  type: "unicast",
  scope: "global",
  table: 254,
  protocol: 0,
  metric: 0,
  source: "192.0.2.1",
  mtu: undefined,
  hops: [{ gateway: undefined, outIndex: 3, weight: 1 }],
};

function wayBy(answer: Route | undefined) {
  return findWay({ getRoute: () => answer }, [{ index: 3, mtu: 1400 }], "192.0.2.11");
}

describe("findWay", () => {
  test("gives the interface of the route", () => {
    expect(wayBy(route)).toEqual({
      device: 3,
      isLocal: false,
      isDirect: true,
      source: "192.0.2.1",
      mtu: 1400,
    });
  });

  test("tells this host, and a router between", () => {
    expect(wayBy({ ...route, type: "local" })).toMatchObject({ isLocal: true });
    const hops = [{ gateway: "192.0.2.254", outIndex: 3, weight: 1 }];
    expect(wayBy({ ...route, hops })).toMatchObject({ isDirect: false });
  });

  test("takes the smaller of what the route and the interface take", () => {
    expect(wayBy({ ...route, mtu: 1300 })).toMatchObject({ mtu: 1300 });
    expect(wayBy({ ...route, mtu: 9000 })).toMatchObject({ mtu: 1400 });
  });

  test.each([undefined, { ...route, hops: [] }, { ...route, type: "blackhole" } as const])(
    "knows none by %p",
    (answer) => {
      expect(wayBy(answer)).toBeUndefined();
    },
  );
});

test("needsBalancer() takes Ethernet that is no port of another", () => {
  const link = { index: 2, name: "eth0", isLoopback: false, hardwareType: 1 } as Link;
  expect(needsBalancer(link)).toBe(true);
  expect(needsBalancer({ ...link, masterIndex: 5 })).toBe(false);
  expect(needsBalancer({ ...link, isLoopback: true, hardwareType: 772 })).toBe(false);
  expect(needsBalancer({ ...link, hardwareType: 768 })).toBe(false);
});
