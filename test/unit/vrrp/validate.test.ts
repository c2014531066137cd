/**
 * Problems of a plan, each by its code.
 */
import { describe, expect, test } from "bun:test";

import { leaseProblems, routerProblems } from "../../../src/vrrp/validate.ts";
import type { RouterPlan } from "../../../src/vrrp/validate.ts";

const plan: RouterPlan = {
  version: 3,
  family: 4,
  priority: 150,
  advertiseIntervalMs: 20,
  downAfterMs: 300,
  addressCount: 1,
  mtu: 1500,
  hasHmac: false,
};

describe("routerProblems()", () => {
  test.each([
    ["the lan profile", {}],
    ["the vm profile", { advertiseIntervalMs: 50, downAfterMs: 1000 }],
    ["plain VRRP", { advertiseIntervalMs: 1000, downAfterMs: 3000 }],
    ["version 2", { version: 2, advertiseIntervalMs: 1000, downAfterMs: 3000 }],
    ["keepalived at 10 ms", { advertiseIntervalMs: 10, downAfterMs: 30 }],
    ["200 addresses with a key", { addressCount: 200, hasHmac: true }],
    ["the owner", { priority: 255 }],
  ] as const)("none: %s", (_name, fields) => {
    expect(routerProblems({ ...plan, ...fields })).toEqual([]);
  });

  test.each([
    ["down-after-short", { version: 2, downAfterMs: 2999 }, 2999, 3000],
    ["down-after-short", { downAfterMs: 29, advertiseIntervalMs: 10 }, 29, 30],
    ["down-after-long", { downAfterMs: 122_851 }, 122_851, 122_850],
    ["interval-over-wire", { advertiseIntervalMs: 101 }, 101, 100],
    ["priority-unfit", { priority: 9 }, 9, 10],
    ["family-version", { version: 2, family: 6, downAfterMs: 3000 }, 2, 3],
    ["address-count", { addressCount: 256 }, 256, 255],
    ["address-count", { addressCount: 0 }, 0, 255],
    ["packet-over-mtu", { family: 6, addressCount: 91 }, 1504, 1500],
    ["packet-over-mtu", { addressCount: 255, hasHmac: true, mtu: 1000 }, 1076, 1000],
  ] as const)("%s %j", (code, fields, value, limit) => {
    expect(routerProblems({ ...plan, ...fields })).toEqual([{ code, value, limit }]);
  });
});

describe("leaseProblems()", () => {
  const timing = { sendIntervalMs: 20, wireIntervalMs: 100, deadTimeMs: 300, leaseMs: 260 };

  test.each([
    ["none", {}, []],
    ["no lease", { leaseMs: 0 }, [{ code: "lease-missing", value: 0, limit: 1 }]],
    ["one late wake-up ends it", { leaseMs: 39 }, [{ code: "lease-short", value: 39, limit: 40 }]],
    ["it outlasts a listener", { leaseMs: 300 }, [{ code: "lease-long", value: 300, limit: 300 }]],
    ["adverts say 2 cs", { wireIntervalMs: 20 }, [{ code: "lease-long", value: 260, limit: 60 }]],
  ] as const)("%s", (_name, fields, expected) => {
    expect(leaseProblems({ ...timing, ...fields }, 3)).toEqual([...expected]);
  });
});
