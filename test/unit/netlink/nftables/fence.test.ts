import { describe, expect, test } from "bun:test";

import { AttributeReader, encodeAttributes } from "../../../../src/netlink/index.ts";
import type { Change } from "../../../../src/netlink/nftables/batch.ts";
import {
  addFenceDevice,
  closeLease,
  removeFenceDevice,
  renewLease,
  replaceFence,
} from "../../../../src/netlink/nftables/fence.ts";

const names: Readonly<Record<number, string>> = {
  0: "add table",
  2: "delete table",
  3: "add chain",
  5: "delete chain",
  6: "add rule in",
  9: "add set",
  12: "add elements of",
  14: "delete elements of",
};

/** What a change does, and to what. */
function line({ message, attributes }: Change): string {
  const reader = new AttributeReader(encodeAttributes(attributes));
  // The second name: of chains in 3, of others in 2; tables have the first only.
  const isChain = message === 3 || message === 5;
  const name = message <= 2 ? reader.text(1) : reader.text(isChain ? 3 : 2);
  return `${names[message]} ${name}`;
}

const device = { index: 4, name: "eth0" };

describe("replaceFence()", () => {
  const spec = {
    table: "t",
    devices: [device],
    instances: [
      { id: 1, addresses: ["192.0.2.100", "2001:db8::64"] },
      { id: 7, addresses: ["192.0.2.101"] },
    ],
  };

  test("makes everything before it is used, in place of what was there", () => {
    expect(replaceFence(spec).map(line)).toEqual([
      "add table t",
      "delete table t",
      "add table t",
      "add set open_1",
      "add chain instance_1",
      "add rule in instance_1",
      "add set open_7",
      "add chain instance_7",
      "add rule in instance_7",
      "add set vips4",
      "add set vips6",
      "add elements of vips4",
      "add elements of vips6",
      "add set announced",
      "add elements of announced",
      "add set served4",
      "add set served6",
      "add set peers",
      "add chain egress",
      "add chain ingress",
      ...Array.from({ length: 7 }, () => "add rule in egress"),
      ...Array.from({ length: 7 }, () => "add rule in ingress"),
      "add chain egress_4",
      "add rule in egress_4",
      "add chain ingress_4",
      "add rule in ingress_4",
    ]);
  });

  test("opens nothing", () => {
    const opened = replaceFence(spec).filter((change) => line(change).includes("elements of open"));
    expect(opened).toEqual([]);
  });

  test("opens what has a lease, in the same transaction", () => {
    const lines = replaceFence({ ...spec, leases: [{ id: 7, timeoutMs: 300 }] }).map(line);
    expect(lines.filter((text) => text.includes("elements of open"))).toEqual([
      "add elements of open_7",
    ]);
  });

  test("knows what this node serves, and for whom", () => {
    const served = { id: 1, addresses: ["192.0.2.100", "2001:db8::64"], isRealServer: true };
    const peers = [Uint8Array.of(2, 0, 0, 0, 0, 1)];
    const lines = replaceFence({ ...spec, instances: [served], peers }).map(line);
    expect(lines).toContain("add elements of served4");
    expect(lines).toContain("add elements of served6");
    expect(lines).toContain("add elements of peers");
  });

  test("gives each set a number of its own", () => {
    const sets = replaceFence(spec).filter(({ message }) => message === 9);
    const ids = sets.map(({ attributes }) =>
      new AttributeReader(encodeAttributes(attributes)).be32(10),
    );
    expect(ids).toEqual([100, 101, 1, 2, 3, 4, 5, 6]);
  });

  test("spreads many addresses over several messages", () => {
    const addresses = Array.from({ length: 1_001 }, (_, n) => `10.0.${n >> 8}.${n & 255}`);
    const lines = replaceFence({ ...spec, instances: [{ id: 1, addresses }] }).map(line);
    expect(lines.filter((text) => text === "add elements of vips4")).toHaveLength(3);
  });

  test.each([
    ["a number below 0", { id: -1, addresses: [] }, "an instance has a number from 0 on"],
    ["a text that is no address", { id: 1, addresses: ["web"] }, "web is an address"],
  ])("refuses %s", (_name, instance, text) => {
    expect(() => replaceFence({ ...spec, instances: [instance] })).toThrow(text);
  });
});

test("renewLease() adds, deletes and adds in one transaction", () => {
  expect(renewLease("t", 3, 300).map(line)).toEqual([
    "add elements of open_3",
    "delete elements of open_3",
    "add elements of open_3",
  ]);
});

test("closeLease() deletes what is there or not", () => {
  expect(closeLease("t", 3).map(line)).toEqual([
    "add elements of open_3",
    "delete elements of open_3",
  ]);
});

test("addFenceDevice() closes the way out first, removeFenceDevice() undoes it", () => {
  expect(addFenceDevice("t", device).map(line)).toEqual([
    "add chain egress_4",
    "add rule in egress_4",
    "add chain ingress_4",
    "add rule in ingress_4",
  ]);
  expect(removeFenceDevice("t", 4).map(line)).toEqual([
    "delete chain egress_4",
    "delete chain ingress_4",
  ]);
});
