/**
 * What makes two checks the same, and phases that spread.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";

import { checkKey, fractionOf } from "../../../src/check/check-key.ts";
import type { CheckTarget } from "../../../src/check/check.ts";
import type { CheckSpec } from "../../../src/model/index.ts";
import { checkSpec, checkTarget, httpSpec, negotiateSpec } from "../../helpers/check-fixture.ts";

const connect = checkSpec();
const http = negotiateSpec(httpSpec());
const external = checkSpec({ type: "external", command: ["/bin/true"] });
const perl = checkSpec({ type: "external-perl", command: ["/up.pl"] });
const ping = checkSpec({ type: "ping" });
const target = checkTarget(80);

describe("checkKey", () => {
  test.each<[string, CheckSpec, Partial<CheckTarget>]>([
    [
      "connect, of another virtual service",
      connect,
      { virtualAddress: "192.0.2.7", virtualPort: 9 },
    ],
    ["connect, by another name", connect, { host: "www.example.org", sendProxy: "v2" }],
    ["ping, of another port", ping, { port: 81 }],
    ["http, of another virtual address", http, { virtualAddress: "192.0.2.7" }],
  ])("is the same for %s", (_name, spec, changes) => {
    expect(checkKey(spec, { ...target, ...changes })).toBe(checkKey(spec, target));
  });

  test.each<[string, CheckSpec, Partial<CheckTarget>]>([
    ["another address", connect, { address: "127.0.0.2" }],
    ["another port", connect, { port: 81 }],
    ["another protocol", connect, { protocol: "udp" }],
    ["another Host", http, { host: "www.example.org" }],
    ["another PROXY header", http, { sendProxy: "v1" }],
    ["other arguments of a program", external, { virtualPort: 9 }],
    ["other arguments of a script", perl, { virtualAddress: "192.0.2.7" }],
  ])("is another one for %s", (_name, spec, changes) => {
    expect(checkKey(spec, { ...target, ...changes })).not.toBe(checkKey(spec, target));
  });

  test.each<[string, Partial<CheckSpec>]>([
    ["another interval", { intervalMs: 2000 }],
    ["another timeout", { timeoutMs: 100 }],
    ["another fall count", { fall: 5 }],
    ["another type", { type: "ping" }],
  ])("is another one for %s", (_name, changes) => {
    expect(checkKey(checkSpec(changes), target)).not.toBe(checkKey(connect, target));
  });

  test("of a name without address is one for all such names", () => {
    expect(checkKey(connect, undefined)).toBe(checkKey(checkSpec(), undefined));
    expect(checkKey(connect, undefined)).not.toBe(checkKey(connect, target));
  });
});

describe("fractionOf", () => {
  test("is the same for the same text", () => {
    expect(fractionOf("192.0.2.1:80")).toBe(fractionOf("192.0.2.1:80"));
  });

  test("spreads neighbouring addresses evenly", () => {
    const tenths = Array.from({ length: 10 }, () => 0);
    for (let index = 0; index < 10_000; index++) {
      const address = `10.0.${index >> 8}.${index & 255}`;
      tenths[Math.floor(fractionOf(checkKey(connect, { ...target, address })) * 10)]! += 1;
    }
    expect(Math.min(...tenths)).toBeGreaterThan(850);
    expect(Math.max(...tenths)).toBeLessThan(1150);
  });
});
