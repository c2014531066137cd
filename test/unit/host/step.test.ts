import { expect, test } from "bun:test";

import {
  describeUndo,
  formatStep,
  sysctlName,
  targetOf,
  undoOrder,
} from "../../../src/host/step.ts";
import type { Step } from "../../../src/host/step.ts";
import { fakeAddress } from "../../helpers/fake-host.ts";

const address: Step = { kind: "address", address: fakeAddress("lo", "192.0.2.100/32", "lo:0") };
const setting: Step = { kind: "sysctl", key: "net/ipv4/conf/all/arp_ignore", from: "0", to: "1" };
const rows: readonly (readonly [Step, string, string, string])[] = [
  [
    setting,
    "set net.ipv4.conf.all.arp_ignore = 1 (is 0)",
    "set net.ipv4.conf.all.arp_ignore = 0",
    "sysctl net/ipv4/conf/all/arp_ignore",
  ],
  [
    address,
    "add 192.0.2.100/32 on lo as lo:0",
    "remove 192.0.2.100 from lo",
    "address 192.0.2.100",
  ],
  [
    { kind: "address", address: fakeAddress("lo", "2001:db8::1/128") },
    "add 2001:db8::1/128 on lo",
    "remove 2001:db8::1 from lo",
    "address 2001:db8::1",
  ],
  [
    { kind: "prefix", label: "lo:0", address: "192.0.2.100", from: 24, to: 32 },
    "narrow 192.0.2.100 on lo:0 to /32 (is /24)",
    "widen 192.0.2.100 on lo:0 to /24",
    "prefix 192.0.2.100",
  ],
  [{ kind: "up", interface: "tunl0" }, "start tunl0", "stop tunl0", "up tunl0"],
  [
    { kind: "module", name: "ipip" },
    "load kernel module ipip",
    "keep kernel module ipip",
    "module ipip",
  ],
  [
    { kind: "file", path: "/etc/a", from: undefined, to: "x" },
    "write /etc/a",
    "remove /etc/a",
    "file /etc/a",
  ],
  [
    { kind: "file", path: "/etc/a", from: "y", to: "x" },
    "rewrite /etc/a",
    "restore /etc/a",
    "file /etc/a",
  ],
  [
    { kind: "link", path: "/etc/b", from: undefined, to: "/etc/a" },
    "link /etc/b to /etc/a",
    "remove /etc/b",
    "file /etc/b",
  ],
];

test.each(rows)("%j is told as %p, its undo as %p", (step, text, undo, target) => {
  expect(formatStep(step)).toBe(text);
  const { verb, object } = describeUndo(step);
  expect(`${verb} ${object}`).toBe(undo);
  expect(targetOf(step)).toBe(target);
});

test("sysctlName() keeps the points of an interface's name", () => {
  expect(sysctlName("net/ipv4/ip_forward")).toBe("net.ipv4.ip_forward");
  expect(sysctlName("net/ipv4/conf/eth0.7/arp_ignore")).toBe("net/ipv4/conf/eth0.7/arp_ignore");
});

test("undoOrder() takes addresses away before the silence about them", () => {
  const later: Step = { ...setting, key: "net/ipv4/conf/eth1/arp_ignore" };
  expect(undoOrder([setting, address, later])).toEqual([address, later, setting]);
});
