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

const nobody = { login: undefined, password: undefined };
const noQuery = { request: "", receive: undefined };
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
  [
    'service = "ftp", login = "eve"',
    {
      service: "ftp",
      login: "eve",
      password: "appliance@",
      request: undefined,
      receive: undefined,
    },
  ],
  [
    'service = "imap", login = "eve"',
    { service: "imap", login: "eve", password: "", tls: undefined },
  ],
  ['service = "ldap"', { service: "ldap", ...nobody, ...noQuery, tls: undefined }],
  [
    'service = "ldaps", login = "cn=eve", password = "x", request = "dc=a", receive = "^dc"',
    {
      service: "ldaps",
      login: "cn=eve",
      password: "x",
      request: "dc=a",
      receive: "^dc",
      tls: noTls,
    },
  ],
  [
    'service = "mysql", login = "eve", request = "SELECT 1"',
    {
      service: "mysql",
      login: "eve",
      password: "",
      database: undefined,
      request: "SELECT 1",
      receive: undefined,
    },
  ],
  [
    'service = "pgsql", login = "eve", password = "x", database = "d", request = "SELECT 1", receive = "1"',
    {
      service: "pgsql",
      login: "eve",
      password: "x",
      database: "d",
      request: "SELECT 1",
      receive: "1",
    },
  ],
  [
    'service = "radius", login = "eve", password = "x", secret = "s"',
    { service: "radius", login: "eve", password: "x", secret: "s" },
  ],
  [
    'service = "radius", login = "eve", secret = "s"',
    { service: "radius", login: "eve", password: "", secret: "s" },
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

test.each([
  'service = "imap", login = "eve", password = "hush hush"',
  'service = "ldap", login = "eve", password = "hush hush"',
  'service = "radius", login = "eve", password = "hush hush", secret = "hush too"',
  'service = "pgsql", login = "eve", password = "hush hush", request = "SELECT 1"',
])("no secret of %s is shown", (keys) => {
  const { config } = parseConfig(textOf(keys), "a.toml", { cores: 4 });
  const shown = JSON.stringify(explainConfig(config));
  expect(shown).toContain('"password":"********"');
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
    [
      'service = "ldap", login = "cn=eve"',
      "login: Expected the key password beside login, got none",
    ],
    ['service = "redis", login = "eve"', "login: Expected the key password beside login, got none"],
    [
      'service = "ldap", password = "x"',
      "password: Expected the key login beside password, got none",
    ],
    [
      'service = "ldap", verify = true',
      'verify: Expected no verify beside service "ldap", got one',
    ],
    [
      'service = "mysql", login = "eve"',
      'service: Expected the key "request" beside service "mysql", got none',
    ],
    [
      'service = "pgsql", request = "SELECT 1"',
      'service: Expected the key "login" beside service "pgsql", got none',
    ],
    [
      'service = "mysql", login = "eve", request = "SELECT 1", secret = "x"',
      'secret: Expected no secret beside service "mysql", got one',
    ],
    [
      'service = "radius", login = "eve"',
      'service: Expected the key "secret" beside service "radius", got none',
    ],
    [
      `service = "radius", login = "eve", secret = "s", password = "${"ä".repeat(65)}"`,
      'password: Expected a password of at most 128 bytes beside service "radius", got a longer one',
    ],
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

test("has all services", () => {
  expect(servicesNow).toHaveLength(23);
});
