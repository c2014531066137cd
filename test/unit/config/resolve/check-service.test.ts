/**
 * Services of negotiate checks: what each takes, refuses and fills in.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";

import { explainConfig, formatConfig, parseConfig } from "../../../../src/config/index.ts";
import { servicesNow } from "../../../../src/config/resolve/check-service.ts";
import type { CheckSpec, ServiceCheckSpec } from "../../../../src/model/index.ts";
import { problemsOf, serviceOf, serviceText } from "../fixture.ts";

function textOf(keys: string): string {
  return serviceText(
    `check = { type = "negotiate", ${keys} }\nreal_servers = [{ address = "192.0.2.11:80" }]`,
  );
}

function checkOf(keys: string): CheckSpec {
  return serviceOf(textOf(keys)).realServers[0]!.check;
}

const noTls = { verify: false, caFile: undefined, serverName: undefined };
const cases: readonly (readonly [string, ServiceCheckSpec])[] = [
  ['service = "smtp"', { service: "smtp" }],
  ['service = "submission"', { service: "submission" }],
  ['service = "nntp"', { service: "nntp" }],
  ['service = "none"', { service: "none" }],
  ['service = "oracle"', { service: "oracle" }],
  ['service = "pop"', { service: "pop", login: undefined, password: undefined, tls: undefined }],
  [
    'service = "imaps", login = "eve", password = "x"',
    { service: "imaps", login: "eve", password: "x", tls: noTls },
  ],
  [
    'service = "pops", verify = true, ca_file = "/ca.pem", server_name = "A.example"',
    {
      service: "pops",
      login: undefined,
      password: undefined,
      tls: { verify: true, caFile: "/ca.pem", serverName: "a.example" },
    },
  ],
  [
    'service = "ftp"',
    {
      service: "ftp",
      login: "anonymous",
      password: "appliance@",
      request: undefined,
      receive: undefined,
    },
  ],
  [
    'service = "ftp", login = "eve", password = "x", request = "a b", receive = "y"',
    { service: "ftp", login: "eve", password: "x", request: "a b", receive: "y" },
  ],
  ['service = "sip"', { service: "sip", login: undefined }],
  ['service = "sip", login = "eve@[::1]:5060"', { service: "sip", login: "eve@[::1]:5060" }],
  ['service = "redis", password = "x"', { service: "redis", login: undefined, password: "x" }],
  ['service = "simpletcp"', { service: "simpletcp", request: "", receive: undefined }],
  [
    'service = "udp", request = \'\\x00\', receive = "y"',
    { service: "udp", request: "\\x00", receive: "y" },
  ],
  [
    'service = "dns", request = "www.example.com"',
    { service: "dns", request: "www.example.com", receive: undefined },
  ],
  [
    'service = "dns", request = "2001:db8::1"',
    { service: "dns", request: "2001:db8::1", receive: undefined },
  ],
];

test.each(cases)("takes %s", (keys, serviceCheck) => {
  const check = checkOf(keys);
  expect(check.serviceCheck).toEqual(serviceCheck);
  expect(check.service).toBe(serviceCheck.service);
  expect(check.http).toBeUndefined();
});

test("takes an address for http_proxy, and follows no redirect", () => {
  const check = checkOf('service = "http_proxy", request = "http://www.example.com/x?y"');
  expect(check.serviceCheck).toBeUndefined();
  expect(check.http).toMatchObject({
    tls: false,
    request: "http://www.example.com/x?y",
    redirectsMax: 0,
  });
});

test.each([...cases.map(([keys]) => keys), 'service = "http_proxy", request = "http://a/"'])(
  "is the same when %s is written out and read again",
  (keys) => {
    const environment = { cores: 4 };
    const { config } = parseConfig(textOf(keys), "a.toml", environment);
    for (const withDefaults of [true, false]) {
      const written = formatConfig(config, { withDefaults, environment });
      expect(parseConfig(written, "a.toml", environment).config).toEqual(config);
    }
  },
);

test("a password is not shown", () => {
  const text = textOf('service = "imap", login = "eve", password = "hush hush"');
  const { config } = parseConfig(text, "a.toml", { cores: 4 });
  const shown = JSON.stringify(explainConfig(config));
  expect(shown).toContain('"login":"eve","password":"********"');
  expect(shown).not.toContain("hush");
});

describe("refuses", () => {
  test.each([
    ['service = "dns"', 'service: Expected the key "request" beside service "dns", got none'],
    ['service = "udp"', 'service: Expected the key "request" beside service "udp", got none'],
    [
      'service = "http_proxy"',
      'service: Expected the key "request" beside service "http_proxy", got none',
    ],
    [
      'service = "http_proxy", request = "/x"',
      'request: Expected an address such as "http://www.example.com/", ASCII without blanks, got "/x"',
    ],
    [
      'service = "http_proxy", request = "http://a/", redirects = 1',
      'redirects: Expected no redirects beside service "http_proxy", got one',
    ],
    [
      'service = "dns", request = "a b"',
      'request: Expected a host name or an address such as "www.example.com", got "a b"',
    ],
    [
      'service = "ftp", request = "a\\r\\nDELE b"',
      'request: Expected the path of a file without controls, got "a\\r\\nDELE b"',
    ],
    [
      'service = "ftp", receive = "x"',
      "receive: Expected the key request beside receive, got none",
    ],
    ['service = "imap", login = "eve"', "login: Expected the key password beside login, got none"],
    [
      'service = "pop", password = "x"',
      "password: Expected the key login beside password, got none",
    ],
    [
      'service = "sip", login = "eve>"',
      'login: Expected a login such as "user@example.com" beside service "sip", got "eve>"',
    ],
    [
      'service = "smtp", request = "x"',
      'request: Expected no request beside service "smtp", got one',
    ],
    ['service = "pop", verify = true', 'verify: Expected no verify beside service "pop", got one'],
    [
      'service = "pops", ca_file = "/x"',
      "ca_file: Expected verify = true beside ca_file, got nothing",
    ],
    [
      'service = "redis", database = "x"',
      'database: Expected no database beside service "redis", got one',
    ],
  ])("%s", (keys, problem) => {
    expect(problemsOf(textOf(keys))).toEqual([
      expect.stringContaining(`virtual_service[0].check.${problem}`),
    ]);
  });
});

test("has all services but those that are to come", () => {
  expect(servicesNow).toHaveLength(18);
  for (const service of ["ldap", "ldaps", "mysql", "pgsql", "radius"]) {
    expect(problemsOf(textOf(`service = "${service}"`))[0]).toContain("not in this build yet");
  }
});
