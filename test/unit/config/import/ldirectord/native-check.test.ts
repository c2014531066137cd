import { describe, expect, test } from "bun:test";

import { service } from "./fixture.ts";

describe("checkTableOf()", () => {
  test.each([
    ["checktype=connect", { type: "connect", timeoutMs: 5000 }],
    ["checktype=connect\nprotocol=udp", { type: "ping" }],
    ["checktype=ping", { type: "ping", timeoutMs: 5000 }],
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
});
