import { describe, expect, test } from "bun:test";

import { service } from "./fixture.ts";

describe("checkTableOf()", () => {
  test.each([
    ["checktype=connect", { type: "connect", timeoutMs: 5000 }],
    ["checktype=connect\nprotocol=udp", { type: "ping" }],
    ["checktype=ping", { type: "ping", timeoutMs: 5000 }],
    // The tries of one ping check come one after the other.
    ["checktype=ping\ncheckcount=3", { type: "ping", fall: 3, fastIntervalMs: 100 }],
    ["checktype=ping\ncheckcount=3\nfailurecount=2", { fall: 6, fastIntervalMs: 100 }],
    ["checktype=connect\ncheckcount=3", { fall: 1 }],
    ["checktype=on", { type: "on" }],
    ["checktype=off", { type: "off" }],
    ["checktype=4", { type: "negotiate", connectsPerNegotiate: 4 }],
    ["service=none", { type: "on" }],
    ["checktype=external\ncheckcommand=/bin/up", { type: "external", command: ["/bin/up"] }],
    ["checkport=8080", { port: 8080 }],
    ["failurecount=3", { fall: 3, intervalMs: 10_000, fastIntervalMs: 10_000 }],
    ['request="a b\u00e9"', { http: { request: "/a%20b%C3%A9" } }],
    ["httpmethod=HEAD", { http: { method: "HEAD" } }],
    ['login="me"', { service: "http" }],
    // A SIP request names its sender; nobody asks for a password.
    ['service=sip\npasswd="unused"', { service: "sip", serviceCheck: { service: "sip" } }],
    [
      'service=pop\nlogin="me"\npasswd="it"',
      { serviceCheck: { service: "pop", login: "me", password: "it" } },
    ],
    // A login without a password has the empty one.
    ['service=imap\nlogin="me"', { serviceCheck: { login: "me", password: "" } }],
    ['service=pop\npasswd="it"', { serviceCheck: { login: undefined, password: undefined } }],
    [
      "checktype=external-perl\ncheckcommand=/bin/up.pl",
      { type: "external-perl", command: ["/bin/up.pl"] },
    ],
    [
      'service=ldap\nlogin="cn=me"\npasswd="it"\nrequest="dc=example"\nreceive="^dc"',
      {
        serviceCheck: {
          service: "ldap",
          login: "cn=me",
          password: "it",
          request: "dc=example",
          receive: "^dc",
        },
      },
    ],
    // Anonymous, as both are needed.
    ['service=ldaps\nlogin="cn=me"', { serviceCheck: { login: undefined, request: "" } }],
    [
      'service=radius\nlogin="me"\npasswd="it"\nsecret="s"',
      { timeoutMs: 5000, serviceCheck: { login: "me", password: "it", secret: "s" } },
    ],
    [
      'service=mysql\nlogin="me"\npasswd="it"\ndatabase="app"\nrequest="SELECT 1"\nreceive="x"',
      {
        serviceCheck: {
          service: "mysql",
          login: "me",
          password: "it",
          database: "app",
          request: "SELECT 1",
          // ldirectord does not look at it.
          receive: undefined,
        },
      },
    ],
    // Never up.
    ['service=pgsql\nrequest="SELECT 1"', { type: "off" }],
    ['service=pgsql\nlogin="me"', { type: "off" }],
    ['service=radius\nlogin="me"', { type: "off" }],
    ["service=dns", { type: "off" }],
    ['service=dns\nrequest="no name"', { type: "off" }],
    ["service=http_proxy\nchecktype=3", { type: "off" }],
  ])("%j is the check %j", (members, expected) => {
    expect(service(members).service.realServers[0]!.check).toMatchObject(expected);
  });

  test("request and receive of one real server are its own", () => {
    const { service: found } = service('real=192.0.2.12:80 masq "/b" "two"\nreceive="one"');
    const checks = found.realServers.map(({ check }) => [check.http?.request, check.http?.receive]);
    expect(checks).toEqual([
      ["/", "one"],
      ["/b", "two"],
    ]);
  });

  test.each([
    ["dns", "a.example"],
    ["http_proxy", "http://a.example/"],
  ])("a server without a request of its own is off: %s", (name, request) => {
    const own = `service=${name}\nreal=192.0.2.12:80 masq "${request}", "^192"`;
    const { service: found, warnings } = service(own);
    expect(found.realServers.map(({ check }) => check.type)).toEqual(["off", "negotiate"]);
    expect(warnings.join("\n")).toContain(
      `A check of ${name} without login or request can never be up`,
    );
  });

  test("a slash as the own request is the root, or none where a service needs one", () => {
    const checks = (members: string) =>
      service(members).service.realServers.map(({ check }) => check);
    const http = checks('request="/a"\nreal=192.0.2.12:80 masq "/"');
    expect(http.map((check) => check.http?.request)).toEqual(["/a", "/"]);
    const dns = checks('service=dns\nrequest="a.example"\nreal=192.0.2.12:80 masq "/"');
    expect(dns.map(({ type }) => type)).toEqual(["negotiate", "off"]);
    const counted = checks('service=dns\nchecktype=3\nreal=192.0.2.12:80 masq "a.example"');
    expect(counted.map((check) => check.connectsPerNegotiate)).toEqual([0, 3]);
  });
});
