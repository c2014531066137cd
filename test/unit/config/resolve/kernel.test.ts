import { describe, expect, test } from "bun:test";

import { checkKernelKeys } from "../../../../src/config/resolve/kernel.ts";
import { problemsOf, serviceOf, serviceText } from "../fixture.ts";

/** Problems of a service without their place in the file. */
function told(lines: string, listen?: string): readonly string[] {
  const problems = problemsOf(serviceText(lines, "web", listen));
  return problems.map((text) => text.replace(/^\S+ virtual_service\[0\]\./, ""));
}

describe(checkKernelKeys.name, () => {
  test.each([
    ['forwarding = "gate"\nscheduler = "sh"\nscheduler_flags = ["sh-port", "sh-fallback"]'],
    ['forwarding = "masq"\nsend_proxy = "v2"'],
    ['forwarding = "gate"\nsend_proxy = "off"\nsource = []\nengine = "ipvs"'],
  ])("has nothing against %j", (lines) => {
    expect(told(lines)).toEqual([]);
  });

  test.each([
    [
      'forwarding = "gate"\nsource = ["192.0.2.5"]',
      ['source: Expected no source beside forwarding "gate", got a list'],
    ],
    [
      'forwarding = "ipip"\nsend_proxy = "v1"',
      ['send_proxy: Expected no send_proxy beside forwarding "ipip", got "v1"'],
    ],
    [
      'scheduler = "mh"\nscheduler_flags = ["mh-port", "sh-port"]',
      ['scheduler_flags[1]: Expected flags of the scheduler "mh", got "sh-port"'],
    ],
    [
      'scheduler_flags = ["sh-port"]',
      ['scheduler_flags[0]: Expected flags of the scheduler "wlc", got "sh-port"'],
    ],
  ])("refuses %j", (lines, expected) => {
    expect(told(lines)).toEqual(expected);
  });

  test("takes the scheduler of [defaults] for the flags", () => {
    const defaults = '[defaults]\nscheduler = "sh"\n';
    const service = serviceText('scheduler_flags = ["sh-port"]');
    expect(serviceOf(defaults + service).schedulerFlags).toEqual(["sh-port"]);
  });

  test("has each flag once, in the order of ipvsadm", () => {
    const flags = '["sh-port", "sh-fallback", "sh-port"]';
    const text = serviceText(`scheduler = "sh"\nscheduler_flags = ${flags}`);
    expect(serviceOf(text).schedulerFlags).toEqual(["sh-fallback", "sh-port"]);
    expect(serviceOf(serviceText("scheduler_flags = []")).schedulerFlags).toBeUndefined();
  });

  test("has port 0 in the kernel only, and with persistence", () => {
    const beside = 'Expected forwarding "masq", "gate" or "ipip" beside port 0, all ports';
    expect(told("", "192.0.2.1:0")).toEqual([`listen: ${beside}, got forwarding "proxy"`]);
    expect(told('forwarding = "gate"', "192.0.2.1:0")).toEqual([
      'listen: Expected the key "persistent" beside port 0, all ports, got none',
    ]);
    expect(told('forwarding = "gate"\npersistent = "1m"', "192.0.2.1:0")).toEqual([]);
  });

  test("has mtu in the kernel only", () => {
    const beside = 'Expected forwarding "masq", "gate" or "ipip" beside mtu';
    expect(told("mtu = 1400")).toEqual([`mtu: ${beside}, got forwarding "proxy"`]);
    expect(serviceOf(serviceText('forwarding = "gate"\nmtu = 1400')).mtu).toBe(1400);
    expect(serviceOf(serviceText('forwarding = "gate"')).mtu).toBeUndefined();
  });

  test("has firewall marks in the kernel only", () => {
    const marked = (lines: string) => serviceText(lines).replace(/listen = .*/, "fwmark = 1");
    expect(problemsOf(marked(""))).toEqual([
      'a.toml:3: virtual_service[0].fwmark: Expected forwarding "masq", "gate" or "ipip" beside ' +
        'fwmark, got forwarding "proxy"',
    ]);
    expect(problemsOf(marked('forwarding = "masq"'))).toEqual([]);
  });
});

test("checkKernelFamilies() asks for an address of the server's family, but behind a tunnel", () => {
  const service = (forwarding: string) =>
    `forwarding = "${forwarding}"\nreal_servers = [{ address = "[2001:db8::11]:80" }]`;
  expect(told(service("gate"))).toEqual([
    "listen: Expected an address of IPv6 to listen at, for the server 2001:db8::11, got none",
  ]);
  expect(told(service("ipip"))).toEqual([]);
});
