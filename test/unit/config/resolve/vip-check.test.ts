import { expect, test } from "bun:test";

import { problemsOf, serviceOf, serviceText } from "../fixture.ts";

/** Problems of a service without their place in the file. */
function told(lines: string, listen?: string): readonly string[] {
  const problems = problemsOf(serviceText(`check = { type = "vip" }\n${lines}`, "web", listen));
  return problems.map((text) => text.replace(/^\S+ virtual_service\[0\]\.?/, ""));
}

test.each(["gate", "ipip", "masq"])("a vip check beside forwarding %s", (forwarding) => {
  expect(told(`forwarding = "${forwarding}"`)).toEqual([]);
  const text = serviceText(`check = { type = "vip" }\nforwarding = "${forwarding}"`);
  expect(serviceOf(text).realServers[0]?.check.type).toBe("vip");
});

test("the proxy has no such path", () => {
  expect(told("")).toEqual([
    'forwarding: Expected forwarding "gate", "ipip" or "masq" beside check type "vip", ' +
      'got forwarding "proxy"',
  ]);
});

test("UDP has no handshake", () => {
  expect(told('forwarding = "gate"\nprotocol = "udp"')).toEqual([
    'protocol: Expected protocol "tcp" beside check type "vip", got "udp"',
  ]);
});

test("masq on the proxy has no such path", () => {
  expect(told('forwarding = "masq"\nsend_proxy = "v2"')).toEqual([
    'send_proxy: Expected no send_proxy beside check type "vip", as it needs the proxy, got one',
  ]);
});

test("a firewall mark is no address, but masq needs none", () => {
  const text = (forwarding: string): string =>
    serviceText(`check = { type = "vip" }\nfwmark = 1\nforwarding = "${forwarding}"`).replace(
      /^listen.*\n/m,
      "",
    );
  expect(problemsOf(text("masq"))).toEqual([]);
  expect(problemsOf(text("gate")).join("\n")).toContain(
    'Expected the key "listen" beside check type "vip", as the packets need a virtual address',
  );
});

test.each([
  ["gate", "127.0.0.1", 'Expected another check than type "vip" for a real server on loopback'],
  ["masq", "127.1.2.3", 'Expected another check than type "vip" for a real server on loopback'],
  ["ipip", "[2001:db8::11]", "Expected an address of IPv6 to listen at, or another check for"],
] as const)("%s to %s", (forwarding, server, expected) => {
  const lines = `forwarding = "${forwarding}"\nreal_servers = [{ address = "${server}:80" }]`;
  expect(told(lines).join("\n")).toContain(expected);
});

test("an ipip server of the other family takes another check", () => {
  const server = '{ address = "[2001:db8::11]:80", check = { type = "connect" } }';
  expect(told(`forwarding = "ipip"\nreal_servers = [${server}]`)).toEqual([]);
});
