import { describe, expect, test } from "bun:test";

import { read } from "./fixture.ts";

describe("readVirtual()", () => {
  test.each([
    ["virtual=192.0.2.1:80", { family: 4, address: "192.0.2.1", port: 80, protocol: "tcp" }],
    ["virtual = 192.0.2.1:https", { port: 443, service: "https" }],
    ["virtual=192.0.2.1:wobble", { port: 4711, service: "none" }],
    ["virtual=192.0.2.1:domain", { port: 53, service: "dns", protocol: "udp" }],
    ["virtual=sql1:3306", { address: "192.0.2.21", service: "mysql" }],
    ["virtual=7", { address: undefined, fwmark: 7, port: 0, protocol: "fwm", service: "none" }],
    ["virtual=10.0.0.1", { address: undefined, fwmark: 10 }],
    ["virtual6=[2001:DB8::1]:80", { family: 6, address: "2001:db8::1", port: 80 }],
    ["virtual6=six:80", { family: 6, address: "2001:db8::7" }],
    ["virtual6=9", { family: 6, fwmark: 9 }],
  ])("%j is read", (head, expected) => {
    const { config, problems } = read(`${head}\n`);
    expect(problems).toEqual([]);
    expect(config.virtuals[0]).toMatchObject(expected);
  });

  test.each([
    ["virtual=192.0.2.300:80", "Expected an address and port"],
    ["virtual=unknown.example:80", "the name is not in /etc/hosts"],
    ["virtual=192.0.2.1:99999", "Expected a port 1..65535"],
    ["virtual=192.0.2.1:nosuch", "Expected a port 1..65535"],
    ["virtual=[2001:db8::1]:80", "IPv6 stands in virtual6"],
    ["virtual=0", "Expected an address and port"],
    ["virtual=", "Expected an address and port"],
  ])("%j is refused", (head, expected) => {
    const { problems } = read(`${head}\n    real=192.0.2.11:80 masq\n`);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(expected);
  });

  test("has the defaults of the program where nothing is said", () => {
    expect(read("virtual=192.0.2.1:80\n").config.virtuals[0]).toMatchObject({
      checktype: "negotiate",
      service: "http",
      checkcommand: "/bin/true",
      request: "/",
      receive: "",
      httpmethod: "GET",
      scheduler: "wrr",
      ops: false,
      login: "",
    });
  });

  test("each is there once", () => {
    const text = "virtual=192.0.2.1:80\n\nvirtual=192.0.2.1:80\n    protocol=udp\n";
    expect(read(text).problems).toEqual([]);
    expect(read(`${text}\nvirtual=192.0.2.1:80\n`).problems).toEqual([
      "a.cf:6: virtual: Expected each virtual service once (the other is at line 1)," +
        ' got "tcp:192.0.2.1:80"',
    ]);
  });
});
