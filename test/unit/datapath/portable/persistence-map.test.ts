/**
 * Persistence of the portable engine, with the time as a number.
 *
 * @module
 */

import { describe, expect, test } from "bun:test";

import {
  persistenceEntriesMax,
  PersistenceMap,
} from "../../../../src/datapath/portable/persistence-map.ts";
import { parseAddress } from "../../../../src/net/address.ts";

const settings = { timeoutMs: 1000, ipv4PrefixBits: 24, ipv6PrefixBits: 64 };
const client = parseAddress("192.0.2.1")!;

function openMap(): PersistenceMap<string> {
  return new PersistenceMap<string>(settings);
}

describe("PersistenceMap", () => {
  test.each<[string, string, string | undefined]>([
    ["the same address", "192.0.2.1", "a"],
    ["another address of the network", "192.0.2.254", "a"],
    ["another network", "192.0.3.1", undefined],
    ["another family", "2001:db8::1", undefined],
  ])("finds the server for %s", (_name, address, server) => {
    const map = openMap();
    map.begin(client, "a", 0);
    expect(map.find(parseAddress(address)!, 0)).toBe(server);
  });

  test("masks IPv6 with its own prefix", () => {
    const map = openMap();
    map.begin(parseAddress("2001:db8:0:1::1")!, "a", 0);
    expect(map.find(parseAddress("2001:db8:0:1:ffff::")!, 0)).toBe("a");
    expect(map.find(parseAddress("2001:db8:0:2::1")!, 0)).toBeUndefined();
  });

  test("an entry does not expire while a connection is open", () => {
    const map = openMap();
    map.begin(client, "a", 0);
    expect(map.find(client, 1e9)).toBe("a");
    expect(map.count("a", 1e9)).toBe(1);
  });

  test("an entry expires when the timeout after the last end is over", () => {
    const map = openMap();
    map.begin(client, "a", 0);
    map.begin(client, "a", 0);
    map.end(client, "a", 100);
    expect(map.find(client, 5000)).toBe("a");
    map.end(client, "a", 5000);
    expect([map.find(client, 5999), map.count("a", 5999)]).toEqual(["a", 1]);
    expect([map.count("a", 6000), map.find(client, 6000)]).toEqual([0, undefined]);
  });

  test("a new server takes the entry over, ends of the old one do not touch it", () => {
    const map = openMap();
    map.begin(client, "a", 0);
    map.begin(client, "b", 0);
    map.end(client, "a", 0);
    expect(map.find(client, 5000)).toBe("b");
    expect([map.count("a", 0), map.count("b", 0)]).toEqual([0, 1]);
  });

  test("an end too many changes nothing", () => {
    const map = openMap();
    map.begin(client, "a", 0);
    map.end(client, "a", 0);
    map.end(client, "a", 900);
    expect(map.find(client, 1001)).toBeUndefined();
  });

  test("forgetServer() forgets the clients of one server only", () => {
    const map = openMap();
    const other = parseAddress("198.51.100.1")!;
    map.begin(client, "a", 0);
    map.begin(other, "b", 0);
    map.forgetServer("a");
    expect([map.find(client, 0), map.find(other, 0)]).toEqual([undefined, "b"]);
  });

  test("update() keeps entries with the same masks and drops them with others", () => {
    const map = openMap();
    map.begin(client, "a", 0);
    map.update({ ...settings, timeoutMs: 5 });
    expect(map.find(client, 0)).toBe("a");
    map.end(client, "a", 0);
    expect(map.find(client, 5)).toBeUndefined();
    map.begin(client, "a", 0);
    map.update({ ...settings, ipv4PrefixBits: 32 });
    expect(map.find(client, 0)).toBeUndefined();
  });

  test("the oldest client makes room when the map is full", () => {
    const map = new PersistenceMap<string>({ ...settings, ipv4PrefixBits: 32 });
    const numbered = (number: number): Uint8Array =>
      Uint8Array.of(10, number >> 16, (number >> 8) & 0xff, number & 0xff);
    for (let number = 0; number <= persistenceEntriesMax; number++) {
      map.begin(numbered(number), "a", 0);
    }
    expect(map.find(numbered(0), 0)).toBeUndefined();
    expect(map.find(numbered(1), 0)).toBe("a");
    expect(map.count("a", 0)).toBe(persistenceEntriesMax);
  });
});
