import { describe, expect, test } from "bun:test";

import { proxyHeader, streamTls } from "../../../src/check/preface.ts";
import type { TrustStore } from "../../../src/check/tls-trust.ts";

test.each([
  ["off", ""],
  ["v1", "50524f585920554e4b4e4f574e0d0a"],
  ["v2", "0d0a0d0a000d0a515549540a20000000"],
] as const)("proxyHeader() of %s", (version, hex) => {
  expect(Buffer.from(proxyHeader(version) ?? []).toString("hex")).toBe(hex);
});

describe(streamTls.name, () => {
  const good: TrustStore = { trust: (caFile) => ({ ok: true, pem: caFile }) };
  const bad: TrustStore = { trust: () => ({ ok: false, message: "Cannot read /ca.pem" }) };
  const spec = { verify: true, caFile: "/ca.pem", serverName: undefined };

  test("verifies the name that the user gives, else the host's", () => {
    expect(streamTls(good, spec, "a")).toEqual({ serverName: "a", verify: true, ca: "/ca.pem" });
    expect(streamTls(good, { ...spec, serverName: "b" }, "a")).toMatchObject({ serverName: "b" });
  });

  test("needs its authorities only if it verifies", () => {
    const failure = { reason: "tls", detail: "Cannot read /ca.pem" } as const;
    expect(streamTls(bad, spec, "a")).toEqual(failure);
    expect(streamTls(bad, { ...spec, verify: false }, "a")).toEqual({
      serverName: "a",
      verify: false,
      ca: undefined,
    });
  });
});
