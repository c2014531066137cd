/**
 * Who is heard: RFC 9568, section 7.1, and the passwords of version 2.
 */
import { describe, expect, test } from "bun:test";

import { judgeAdvertisement } from "../../../src/vrrp/accept.ts";
import { createAdvertisement, setPassword } from "../../../src/vrrp/index.ts";
import type { AcceptRules, Advertisement, Arrival } from "../../../src/vrrp/index.ts";
import { ipv4 } from "../../helpers/vrrp/packet.ts";

const own = Uint8Array.of(10, 77, 0, 2);
const peer = Uint8Array.of(10, 77, 0, 1);
const rules: AcceptRules = {
  version: 3,
  vrid: 51,
  intervalMs: 1000,
  own: [own],
  peers: undefined,
  password: undefined,
};
const unicastRules = { ...rules, peers: [peer] };
const password = new TextEncoder().encode("secret12");
const rules2: AcceptRules = { ...rules, version: 2, password };
const arrival: Arrival = { ...ipv4("10.77.0.1", "224.0.0.18"), ttl: 255 };
const unicast: Arrival = { ...ipv4("10.77.0.1", "10.77.0.2"), ttl: 255 };

function packet(fields: Partial<Advertisement> = {}): Advertisement {
  return Object.assign(createAdvertisement(4), { vrid: 51 }, fields);
}

function packet2(secret: string, fields: Partial<Advertisement> = {}): Advertisement {
  const advertisement = packet({ version: 2, ...fields });
  if (secret !== "") setPassword(advertisement, new TextEncoder().encode(secret));
  return advertisement;
}

describe("judgeAdvertisement()", () => {
  test.each([
    ["multicast", packet(), arrival, rules, undefined],
    ["unicast of a listed peer", packet(), unicast, unicastRules, undefined],
    ["another interval in version 3", packet({ intervalMs: 100 }), arrival, rules, undefined],
    ["version 2 with the password", packet2("secret12"), arrival, rules2, undefined],
    ["a TTL of 254", packet(), { ...arrival, ttl: 254 }, rules, "bad-ttl"],
    ["a TTL of 254, unicast", packet(), { ...unicast, ttl: 254 }, unicastRules, "bad-ttl"],
    ["the other version", packet2(""), arrival, rules, "other-version"],
    ["another virtual router", packet({ vrid: 52 }), arrival, rules, "other-vrid"],
    ["its own packet", packet(), { ...arrival, source: own }, rules, "own-packet"],
    [
      "a stranger",
      packet(),
      { ...unicast, source: Uint8Array.of(10, 77, 0, 9) },
      unicastRules,
      "stranger",
    ],
    ["multicast where peers are listed", packet(), arrival, unicastRules, "bad-destination"],
    ["unicast where none are", packet(), unicast, rules, "bad-destination"],
    ["no password", packet2(""), arrival, rules2, "bad-auth-type"],
    ["AH", packet2("", { authType: 2 }), arrival, rules2, "bad-auth-type"],
    [
      "a password where none is",
      packet2("x"),
      arrival,
      { ...rules2, password: undefined },
      "bad-auth-type",
    ],
    ["another password", packet2("secret13"), arrival, rules2, "bad-password"],
    [
      "a longer password",
      packet2("secret12"),
      arrival,
      { ...rules2, password: password.subarray(0, 6) },
      "bad-password",
    ],
    [
      "another interval in version 2",
      packet2("secret12", { intervalMs: 2000 }),
      arrival,
      rules2,
      "interval-mismatch",
    ],
  ] as const)("%s", (_name, advertisement, from, which, expected) => {
    expect(judgeAdvertisement(advertisement, from, which)).toBe(expected);
  });

  test("knows IPv6 multicast", () => {
    const from = { ...ipv4("fe80::1", "ff02::12"), ttl: 255 };
    const advertisement = Object.assign(createAdvertisement(6), { vrid: 51 });
    expect(judgeAdvertisement(advertisement, from, rules)).toBeUndefined();
    const to = { ...ipv4("fe80::1", "fe80::2"), ttl: 255 };
    expect(judgeAdvertisement(advertisement, to, rules)).toBe("bad-destination");
  });
});
