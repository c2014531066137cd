/**
 * Which ARP and which neighbour discovery passes.
 */
import { describe, expect, test } from "bun:test";

import { assembleArpFilter, assembleNeighbourFilter } from "../../../src/failover/claim-filter.ts";
import { parseAddress } from "../../../src/net/address.ts";
import {
  encodeArpCheck,
  encodeGratuitousArp,
  encodeNeighbourAdvertisement,
  encodeNeighbourCheck,
} from "../../../src/net/announcement.ts";
import { runFilter } from "../../helpers/packet-filter.ts";

const whole = 0xffff_ffff;
const mac = Uint8Array.of(2, 0, 0, 0, 0, 1);
const addressesOf = (...texts: string[]): Uint8Array[] => texts.map((text) => parseAddress(text)!);
const [v4, other4, stranger4] = addressesOf("192.0.2.100", "192.0.2.101", "192.0.2.102");
const [v6, other6, stranger6] = addressesOf("2001:db8::100", "2001:db8::101", "2001:db8::102");

describe("assembleArpFilter()", () => {
  const filter = assembleArpFilter([v4!, other4!]);

  test.each([
    ["the first address", encodeGratuitousArp(mac, v4!, "reply"), whole],
    ["the last address", encodeGratuitousArp(mac, other4!, "request"), whole],
    ["another address", encodeGratuitousArp(mac, stranger4!, "reply"), 0],
    ["a question without a sender", encodeArpCheck(mac, v4!), 0],
  ])("%s", (_name, frame, expected) => {
    expect(runFilter(filter, frame.subarray(14), 0)).toBe(expected);
  });

  test("of more than a thousand addresses everything passes, to be looked at later", () => {
    const many = Array.from({ length: 1001 }, (_, index) =>
      Uint8Array.of(10, 0, index >> 8, index),
    );
    const frame = encodeGratuitousArp(mac, stranger4!, "reply");
    expect(runFilter(assembleArpFilter(many), frame.subarray(14), 0)).toBe(whole);
    expect(assembleArpFilter(many.slice(1)).length / 8).toBeLessThan(4096);
    expect(runFilter(assembleArpFilter(many.slice(1)), frame.subarray(14), 0)).toBe(0);
  });
});

describe("assembleNeighbourFilter()", () => {
  const filter = assembleNeighbourFilter([v6!, other6!]);
  /** A raw socket of IPv6 has no header. */
  const run = (frame: Uint8Array): number => runFilter(filter, frame.subarray(14), 40);

  test.each([
    ["the first address", encodeNeighbourAdvertisement(mac, v6!, false), whole],
    ["the last address", encodeNeighbourAdvertisement(mac, other6!, true), whole],
    ["another address", encodeNeighbourAdvertisement(mac, stranger6!, true), 0],
    ["a question", encodeNeighbourCheck(mac, v6!), 0],
  ])("%s", (_name, frame, expected) => {
    expect(run(frame)).toBe(expected);
  });

  test("one that crossed a router", () => {
    const frame = encodeNeighbourAdvertisement(mac, v6!, false);
    frame[21] = 254;
    expect(run(frame)).toBe(0);
  });
});
