/**
 * Choice of a server, lists and counters of the portable engine's services.
 *
 * @module
 */

import { describe, expect, test } from "bun:test";

import { PortableService } from "../../../../src/datapath/portable/service.ts";
import type { Client } from "../../../../src/datapath/portable/service.ts";
import { parseAddress, parseNetwork } from "../../../../src/net/address.ts";
import { serverAt, serviceWith } from "../../../helpers/traffic/forwarding.ts";
import type { ServiceChanges } from "../../../helpers/traffic/forwarding.ts";

const servers = [1, 2].map((last) => serverAt({ address: `192.0.2.${last}`, port: 80 }));
const persistence = { timeoutMs: 1000, ipv4PrefixBits: 32, ipv6PrefixBits: 128 };
const options = { destination: { address: "192.0.2.100", port: 80 }, tried: [], nowMs: 0 };

function openService(changes: ServiceChanges = {}): PortableService {
  return new PortableService(serviceWith({ servers, ...changes }));
}

function clientAt(address: string, port = 1000): Client {
  return { address: parseAddress(address)!, port };
}

describe("PortableService", () => {
  test("choose() never gives a server that was tried", () => {
    const service = openService();
    const client = clientAt("198.51.100.1");
    const [first, second] = service.servers;
    for (let turn = 0; turn < 4; turn++) {
      expect(service.choose(client, { ...options, tried: [first!] })).toBe(second);
    }
    expect(service.choose(client, { ...options, tried: [first!, second!] })).toBeUndefined();
  });

  test("choose() gives a bound client its server until that one may take nothing", () => {
    const service = openService({ persistence });
    const client = clientAt("198.51.100.1");
    const [first, second] = service.servers;
    service.begin(client, second!, 0);
    for (let turn = 0; turn < 3; turn++) expect(service.choose(client, options)).toBe(second);
    expect(service.choose(client, { ...options, tried: [second!] })).toBe(first);
    service.update(serviceWith({ persistence, servers: [servers[0]!] }));
    expect(service.choose(client, options)).toBe(first);
  });

  test("update() keeps what is known and returns what is gone", () => {
    const service = openService();
    const [first, second] = service.servers;
    first!.bytesIn = 7;
    const added = serverAt({ address: "192.0.2.3", port: 80 });
    const heavier = { ...servers[1]!, weight: 9 };
    expect(service.update(serviceWith({ servers: [heavier, added] }))).toEqual([first!]);
    expect(service.servers[0]).toBe(second);
    expect(second!.weight).toBe(9);
    expect(service.counters(0)).toMatchObject({ bytesIn: 7, servers: [{}, { bytesIn: 0 }] });
  });

  test("a real server and a fallback of one address are two servers", () => {
    const fallback = { ...servers[0]!, role: "fallback" as const };
    const service = openService({ servers: [servers[0]!, fallback] });
    const [real, spare] = service.servers;
    expect(service.update(serviceWith({ servers: [fallback] }))).toEqual([real!]);
    expect(service.servers).toEqual([spare!]);
  });

  test.each<[string, ServiceChanges, string, "denied" | undefined]>([
    ["no list", {}, "192.0.2.1", undefined],
    ["allow, listed", { allow: [parseNetwork("192.0.2.0/24")!] }, "192.0.2.1", undefined],
    ["allow, not listed", { allow: [parseNetwork("192.0.2.0/24")!] }, "192.0.3.1", "denied"],
    ["allow, another family", { allow: [parseNetwork("0.0.0.0/0")!] }, "2001:db8::1", "denied"],
    ["deny, listed", { deny: [parseNetwork("2001:db8::/32")!] }, "2001:db8::1", "denied"],
    ["deny, not listed", { deny: [parseNetwork("2001:db8::/32")!] }, "2001:db9::1", undefined],
  ])("judge() with %s", (_name, changes, address, expected) => {
    expect(openService(changes).judge(clientAt(address))).toBe(expected);
  });

  test("isOverLimit counts the connection at hand", () => {
    const service = openService({ connectionLimit: 2 });
    service.active = 2;
    expect(service.isOverLimit).toBe(false);
    service.active = 3;
    expect(service.isOverLimit).toBe(true);
  });

  test("nextSource() takes the addresses of the server's family in turn", () => {
    const service = openService({ source: ["198.51.100.1", "2001:db8::9", "198.51.100.2"] });
    const [server] = service.servers;
    const turns = [1, 2, 3].map(() => service.nextSource(server!));
    expect(turns[0]).not.toBe(turns[1]!);
    expect(turns[2]).toBe(turns[0]);
    expect(new Set(turns)).toEqual(new Set(["198.51.100.1", "198.51.100.2"]));
    expect(openService().nextSource(server!)).toBeUndefined();
    expect(openService({ source: ["::1"] }).nextSource(server!)).toBeUndefined();
  });

  test("counters() has every cause", () => {
    const service = openService();
    service.countClosed("denied");
    service.countClosed("denied");
    const { closed } = service.counters(0);
    expect(closed).toMatchObject({ denied: 2, "client-closed": 0, internal: 0 });
  });
});
