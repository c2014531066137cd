import { describe, expect, test } from "bun:test";

import { parseDocument } from "../../../../src/config/document.ts";
import { createReport } from "../../../../src/config/report.ts";
import { createLevel, resolveCheck } from "../../../../src/config/resolve/check.ts";
import type { CheckSpec } from "../../../../src/model/index.ts";
import { problemsOf, serviceOf, serviceText, warningsOf } from "../fixture.ts";

/** The check of the only real server. */
function checkOf(defaults: string, service: string, server = ""): CheckSpec {
  const own = server === "" ? "" : `, check = ${server}`;
  const text = serviceText(
    (service === "" ? "" : `check = ${service}\n`) +
      `real_servers = [{ address = "192.0.2.11:80"${own} }]`,
  );
  return serviceOf(`${defaults === "" ? "" : `[defaults]\ncheck = ${defaults}\n`}${text}`)
    .realServers[0]!.check;
}

const plain: CheckSpec = {
  type: "connect",
  connectsPerNegotiate: 0,
  service: undefined,
  http: undefined,
  command: undefined,
  port: undefined,
  intervalMs: 2000,
  timeoutMs: 1000,
  rise: 1,
  fall: 2,
  fastIntervalMs: 400,
};

describe("resolveCheck()", () => {
  test("connects when nothing is said", () => {
    expect(checkOf("", "")).toEqual(plain);
  });

  test("lays service over defaults, and server over service", () => {
    const check = checkOf(
      '{ interval = "10s", rise = 2, fall = 3 }',
      "{ rise = 4, port = 81 }",
      '{ fall = 5, interval = "20s" }',
    );
    const fastIntervalMs = 500;
    const times = { intervalMs: 20_000, fastIntervalMs };
    expect(check).toEqual({ ...plain, ...times, rise: 4, fall: 5, port: 81 });
  });

  test("holds timeout and fast_interval to a short interval, unless written", () => {
    expect(checkOf("", '{ interval = "100ms" }')).toEqual({
      ...plain,
      intervalMs: 100,
      timeoutMs: 100,
      fastIntervalMs: 20,
    });
    expect(checkOf('{ fast_interval = "1s" }', '{ interval = "100ms" }').fastIntervalMs).toBe(100);
  });

  test("fills in what HTTP needs", () => {
    expect(checkOf("", '{ type = "negotiate", service = "http" }').http).toEqual({
      tls: false,
      request: "/",
      method: "GET",
      virtualHost: undefined,
      receive: undefined,
      statuses: [[200, 299]],
      redirectsMax: 0,
      verify: false,
      caFile: undefined,
      serverName: undefined,
    });
  });

  test("takes what HTTPS has beside", () => {
    const check =
      '{ type = "negotiate", service = "https", request = "/x?y", receive = "ok", method = "GET", ' +
      'virtual_host = "www", statuses = [200, "300-399"], redirects = 2, verify = true, ' +
      'ca_file = "/ca.pem", server_name = "WWW.example.com" }';
    expect(checkOf("", check).http).toEqual({
      tls: true,
      request: "/x?y",
      method: "GET",
      virtualHost: "www",
      receive: "ok",
      statuses: [
        [200, 200],
        [300, 399],
      ],
      redirectsMax: 2,
      verify: true,
      caFile: "/ca.pem",
      serverName: "www.example.com",
    });
  });

  test("drops what HTTPS had when a server speaks HTTP", () => {
    const service = '{ type = "negotiate", service = "https", verify = true, server_name = "a" }';
    expect(checkOf("", service, '{ service = "http" }').http).toMatchObject({
      tls: false,
      verify: false,
      serverName: undefined,
    });
  });

  test("takes a number as type: so many connects, then one negotiate", () => {
    expect(checkOf("", '{ type = 5, service = "http" }')).toMatchObject({
      type: "negotiate",
      connectsPerNegotiate: 5,
      service: "http",
    });
    expect(
      checkOf('{ type = "negotiate", service = "http" }', "{ connects_per_negotiate = 3 }"),
    ).toMatchObject({ type: "negotiate", connectsPerNegotiate: 3 });
  });

  test("keeps only what the type uses", () => {
    const defaults =
      '{ type = 5, service = "http", receive = "x", command = "/bin/true", port = 81 }';
    expect(checkOf(defaults, '{ type = "connect" }')).toEqual({ ...plain, port: 81 });
    expect(checkOf(defaults, '{ type = "external" }').command).toEqual(["/bin/true"]);
    const perl = checkOf("", '{ type = "external-perl", command = ["/etc/up.pl", "-x"] }');
    expect([perl.type, perl.command]).toEqual(["external-perl", ["/etc/up.pl", "-x"]]);
  });

  test.each(["on", "off"] as const)("keeps the other settings of a check that is %s", (type) => {
    const check = `{ type = "${type}", service = "http", receive = "ok", command = "/bin/true" }`;
    expect(checkOf("", check)).toEqual({ ...plain, type });
  });

  test.each([
    ["", '{ service = "http" }'],
    ['{ type = "connect" }', '{ type = "connect", receive = "x" }'],
    ['{ type = "ping" }', '{ method = "GET" }'],
  ])("refuses keys without a meaning beside the type: %s, %s", (service, server) => {
    const check = service === "" ? "" : `check = ${service}\n`;
    const text = `${check}real_servers = [{ address = "192.0.2.11:80", check = ${server} }]`;
    expect(problemsOf(serviceText(text))).toHaveLength(1);
  });

  test("tells a fault where it was written, once", () => {
    const text =
      '[defaults]\ncheck = { type = "negotiate", service = "http", receive = "(" }\n' +
      serviceText("", "a", "192.0.2.100:1") +
      serviceText("check = { rise = 2 }", "b", "192.0.2.100:2") +
      serviceText('check = { method = "HEAD", receive = "x" }', "c", "192.0.2.100:3");
    expect(problemsOf(text)).toEqual([
      "a.toml:2: defaults.check.receive: Expected a pattern of RE2 syntax (missing closing ): `(`), " +
        'got "("',
      'a.toml:17: virtual_service[2].check.method: Expected method "GET" beside receive, as the ' +
        'answer to HEAD has no body, got "HEAD"',
    ]);
  });

  test("warns of a timeout that is longer than the interval", () => {
    expect(warningsOf(serviceText('check = { timeout = "3s" }'))).toEqual([
      "a.toml:5: virtual_service[0].check.timeout: A timeout of 3s is longer than the interval of " +
        "2s: a server that hangs is checked once a timeout",
    ]);
    expect(warningsOf(serviceText('check = { timeout = "2s" }'))).toEqual([]);
  });
});

describe(createLevel.name, () => {
  const document = parseDocument("", "a");
  const outerPlace = { document, path: ["defaults"] };
  const place = { document, path: ["check"] };

  test("knows what is in force, and where it was written", () => {
    const report = createReport();
    const outer = createLevel(
      { value: { rise: 1, fall: 1 }, place: outerPlace },
      undefined,
      report,
    );
    const level = createLevel({ value: { rise: 2 }, place }, outer, report);
    expect(level.own).toEqual({ rise: 2 });
    expect(level.merged).toEqual({ rise: 2, fall: 1 });
    expect(level.placeOf("rise").path).toEqual(["check", "rise"]);
    expect(level.placeOf("fall").path).toEqual(["defaults", "fall"]);
    expect(resolveCheck(level, { report, patternFault: () => undefined })).toEqual({
      ...plain,
      rise: 2,
      fall: 1,
    });
  });

  test("writes a number as type out, and refuses two numbers", () => {
    const report = createReport();
    const { own } = createLevel({ value: { type: 5 }, place }, undefined, report);
    expect(own).toEqual({ type: "negotiate", connects_per_negotiate: 5 });
    expect(report.hasProblems()).toBe(false);
    createLevel({ value: { type: 5, connects_per_negotiate: 5 }, place }, undefined, report);
    expect(report.hasProblems()).toBe(true);
  });
});
