import { describe, expect, test } from "bun:test";

import * as fc from "fast-check";

import {
  beatMessage,
  encodeOrders,
  encodeRenewal,
  farewellMessage,
  GuardReader,
  renewalBytes,
} from "../../../src/failover/guard-message.ts";
import type { GuardOrders } from "../../../src/failover/guard-message.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 200);

const orders: GuardOrders = {
  silenceMs: 234,
  threadId: 4711,
  leasesPin: "/sys/fs/bpf/appliance/fence-1/leases",
  instances: [
    {
      slot: 3,
      isActive: true,
      packets: [
        {
          family: 4,
          device: "eth0",
          index: 2,
          own: "192.0.2.1",
          to: "224.0.0.18",
          message: "3133000100140000c0000264",
        },
      ],
      addresses: [{ index: 2, address: "192.0.2.100", prefixBits: 32 }],
    },
  ],
};

describe("GuardReader", () => {
  test("puts messages together, however the pipe cuts them", () => {
    const stream = [beatMessage, encodeOrders(orders), beatMessage, beatMessage, farewellMessage];
    const bytes = Uint8Array.from(stream.flatMap((part) => [...part]));
    const property = fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), (cuts) => {
      const reader = new GuardReader();
      const places = [0, ...cuts.toSorted((one, other) => one - other), bytes.length];
      const messages = places
        .slice(1)
        .flatMap((end, index) => reader.read(bytes.subarray(places[index], end)));
      expect(messages).toEqual([
        { type: "beat" },
        { type: "orders", orders },
        { type: "beat" },
        { type: "beat" },
        { type: "farewell" },
      ]);
    });
    fc.assert(property, { seed, numRuns });
  });

  test("says so when the stream is of something else, and never throws", () => {
    expect(new GuardReader().read(Uint8Array.of(9))).toEqual([{ type: "broken" }]);
    const brokenText = Uint8Array.of(2, 1, 0, 0, 0, 123);
    expect(new GuardReader().read(brokenText)).toEqual([{ type: "broken" }]);
    const endless = Uint8Array.of(2, 255, 255, 255, 255, 1);
    expect(new GuardReader().read(endless)).toEqual([{ type: "broken" }]);
    const property = fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      new GuardReader().read(bytes);
    });
    fc.assert(property, { seed, numRuns });
  });
});

test("a renewal comes back whole, also in pieces and between beats", () => {
  const end = new Uint8Array(28).map((_, index) => index + 1);
  const message = new Uint8Array(renewalBytes);
  encodeRenewal(message, { slot: 0x0102, packet: 3 }, end);
  const renewal = { type: "renewal", slot: 0x0102, packet: 3, trailer: end } as const;
  const stream = Uint8Array.of(...beatMessage, ...message, ...beatMessage);
  expect(new GuardReader().read(stream)).toEqual([{ type: "beat" }, renewal, { type: "beat" }]);
  const reader = new GuardReader();
  expect(reader.read(stream.subarray(0, 9))).toEqual([{ type: "beat" }]);
  expect(reader.read(stream.subarray(9))).toEqual([renewal, { type: "beat" }]);
});
