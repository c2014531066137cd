import { expect, test } from "bun:test";

import { flushesAll, rulesNaming } from "../../../../src/host/doctor/ruleset.ts";

const ruleset = `table inet filter {
	chain input {
		type filter hook input priority filter; policy accept;
		ip daddr 192.0.2.10 tcp dport 80 accept
		ip daddr 192.0.2.100 drop
		ip6 daddr 2001:db8::100 drop
	}
}
table ip appliance_fence {
	set vips { elements = { 192.0.2.10 } }
}
table ip nat {
	chain prerouting {
		ip daddr { 192.0.2.10, 192.0.2.11 } dnat to 10.0.0.1:8080
	}
}
`;

test("rulesNaming() finds the address as a whole, in foreign tables only", () => {
  expect(rulesNaming(ruleset, "192.0.2.10")).toEqual([
    { table: "inet filter", rule: "ip daddr 192.0.2.10 tcp dport 80 accept" },
    { table: "ip nat", rule: "ip daddr { 192.0.2.10, 192.0.2.11 } dnat to 10.0.0.1:8080" },
  ]);
});

test.each([
  ["192.0.2.1", 0],
  ["92.0.2.10", 0],
  ["2001:db8::100", 1],
  ["2001:db8::10", 0],
  ["1:db8::100", 0],
])("rulesNaming() of %s finds %d", (address, count) => {
  expect(rulesNaming(ruleset, address)).toHaveLength(count);
});

test("rulesNaming() tells a few of many", () => {
  const many = `table ip a {\n${"	ip daddr 192.0.2.1 accept\n".repeat(100)}}\n`;
  expect(rulesNaming(many, "192.0.2.1")).toHaveLength(5);
});

test.each([
  ["#!/usr/sbin/nft -f\n\nflush ruleset\n", true],
  ["  flush  ruleset;\n", true],
  ["flush ruleset # all\n", true],
  ["# flush ruleset\n", false],
  ["flush ruleset inet\n", false],
  ["flush table inet filter\n", false],
])("flushesAll(%p) is %p", (text, flushes) => {
  expect(flushesAll(text)).toBe(flushes);
});
