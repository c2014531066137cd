/**
 * Which check a spec asks for, and what is known without asking.
 *
 * @module
 */
import { afterAll, describe, expect, test } from "bun:test";

import { createCheckFactory, fixedResult } from "../../../src/check/create-check.ts";
import { systemClock } from "../../../src/clock/index.ts";
import type { CheckSpec } from "../../../src/model/index.ts";
import {
  checkSpec,
  checkTarget,
  httpSpec,
  negotiateSpec,
  serviceSpec,
} from "../../helpers/check-fixture.ts";

const factory = createCheckFactory(systemClock, "nobody");
afterAll(() => factory.close());

describe("create", () => {
  test.each<[string, CheckSpec, "tcp" | "udp", string]>([
    ["connect", checkSpec(), "tcp", "connect"],
    ["connect of a datagram service", checkSpec(), "udp", "ping"],
    ["negotiate http", negotiateSpec(httpSpec()), "tcp", "http"],
    ["negotiate https", negotiateSpec(httpSpec({ tls: true })), "tcp", "https"],
    ["N", negotiateSpec(httpSpec(), { connectsPerNegotiate: 5 }), "tcp", "http"],
    ["negotiate smtp", serviceSpec({ service: "smtp" }), "tcp", "smtp"],
    ["negotiate oracle", serviceSpec({ service: "oracle" }), "tcp", "oracle"],
    [
      "N of another service",
      { ...serviceSpec({ service: "nntp" }), connectsPerNegotiate: 5 },
      "tcp",
      "nntp",
    ],
    ["ping", checkSpec({ type: "ping" }), "tcp", "ping"],
    ["external", checkSpec({ type: "external", command: ["/bin/true"] }), "tcp", "external"],
    [
      "external-perl",
      checkSpec({ type: "external-perl", command: ["/up.pl"] }),
      "tcp",
      "external-perl",
    ],
    ["on", checkSpec({ type: "on" }), "tcp", "on"],
    ["off", checkSpec({ type: "off" }), "tcp", "off"],
  ])("makes the check for %s", (_name, spec, protocol, name) => {
    expect(factory.create(spec, protocol).name).toBe(name);
  });

  test.each([
    ["on", { up: true, tookMs: 0 }],
    ["off", { up: false, tookMs: 0, reason: "disabled", detail: "the check is off" }],
  ] as const)("a check of type %s needs no question", async (type, result) => {
    const check = factory.create(checkSpec({ type }), "tcp");
    expect(await check.run(checkTarget(80), 100)).toEqual(result);
  });
});

describe("fixedResult", () => {
  const unresolved = {
    up: false,
    tookMs: 0,
    reason: "unresolved",
    detail: "the name has no address",
  };

  test.each<[CheckSpec["type"], boolean, object | undefined]>([
    ["connect", true, undefined],
    ["connect", false, unresolved],
    ["on", true, { up: true, tookMs: 0 }],
    ["on", false, unresolved],
    ["off", false, { up: false, tookMs: 0, reason: "disabled", detail: "the check is off" }],
  ])("of type %s, address known %p", (type, isKnown, result) => {
    const target = isKnown ? checkTarget(80) : undefined;
    expect(fixedResult(checkSpec({ type }), target)).toEqual(result as never);
  });
});
