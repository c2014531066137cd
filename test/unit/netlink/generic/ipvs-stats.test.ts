import { expect, test } from "bun:test";

import { readStats } from "../../../../src/netlink/generic/ipvs-stats.ts";
import { attribute, AttributeReader, encodeAttributes } from "../../../../src/netlink/index.ts";

const zeros = {
  connections: 0n,
  inPackets: 0n,
  outPackets: 0n,
  inBytes: 0n,
  outBytes: 0n,
  connectionsPerSecond: 0n,
  inPacketsPerSecond: 0n,
  outPacketsPerSecond: 0n,
  inBytesPerSecond: 0n,
  outBytesPerSecond: 0n,
};
const narrow = attribute.nested(10, [attribute.u32(1, 5), attribute.u64(4, 6n)]);
const wide = attribute.nested(12, [attribute.u64(1, 7n), attribute.u64(10, 8n)]);

test.each([
  ["nothing", [], zeros],
  ["narrow counters", [narrow], { ...zeros, connections: 5n, inBytes: 6n }],
  [
    "wide counters, if both are there",
    [narrow, wide],
    {
      ...zeros,
      connections: 7n,
      outBytesPerSecond: 8n,
    },
  ],
])("readStats() reads %s", (_name, attributes, stats) => {
  expect(readStats(new AttributeReader(encodeAttributes(attributes)), 12, 10)).toEqual(stats);
});
