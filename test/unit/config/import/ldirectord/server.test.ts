import { describe, expect, test } from "bun:test";

import { readMember } from "./fixture.ts";

describe("readReals()", () => {
  test.each([
    ["real=192.0.2.11:80 masq", { host: "192.0.2.11", port: 80, forward: "masq", weight: 1 }],
    ["real=192.0.2.11:http gate 5", { port: 80, forward: "gate", weight: 5 }],
    ["real=192.0.2.11:80 ipip 0", { forward: "ipip", weight: 0 }],
    ["real=192.0.2.11 gate", { port: 0 }],
    ["real=sql1:80 masq", { host: "192.0.2.21", name: "sql1" }],
    ["real=web.example.com:80 masq", { host: "web.example.com", name: "web.example.com" }],
    ["real=192.0.2.11:80 gate -w 3", { weight: 3 }],
    ['real=192.0.2.11:80 masq 2 "a.html", "ok"', { request: "/a.html", receive: "ok", weight: 2 }],
    ['real=192.0.2.11:80 masq "/a.html" "ok"', { request: "/a.html", receive: "ok" }],
    ['real=192.0.2.11:80 masq "/a.html"', { request: "/a.html", receive: undefined }],
    [
      'real=192.0.2.11:80 masq "/a" l:3 u:9',
      { lowerThreshold: 3, upperThreshold: 9, request: "/a" },
    ],
    ["real=192.0.2.6::5060 gate", { host: "0.0.19.196", port: 0 }],
  ])("%j is read", (line, expected) => {
    const { virtual, problems } = readMember(line);
    expect(problems).toEqual([]);
    expect(virtual.reals[0]).toMatchObject(expected);
  });

  test("a range of addresses or known names is every address in it", () => {
    const hostsOf = (line: string) => readMember(line).virtual.reals.map((real) => real.host);
    expect(hostsOf("real=192.0.2.255->192.0.3.1:80 masq")).toEqual([
      "192.0.2.255",
      "192.0.3.0",
      "192.0.3.1",
    ]);
    expect(hostsOf("real=sql1->sql3:80 masq")).toEqual(["192.0.2.21", "192.0.2.22", "192.0.2.23"]);
  });

  test("IPv6 stands in brackets", () => {
    const head = "virtual6=[2001:db8::1]:80";
    const { virtual } = readMember("real6=[2001:db8:0::2]:80 masq", head);
    expect(virtual.reals[0]).toMatchObject({ host: "2001:db8::2", port: 80 });
    expect(readMember("real6=[2001:db8::2]->[2001:db8::4]:80 masq", head).problems).toHaveLength(1);
  });
});
