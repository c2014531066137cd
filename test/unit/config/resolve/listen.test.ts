import { describe, expect, test } from "bun:test";

import { checkListen } from "../../../../src/config/resolve/listen.ts";
import { problemsOf, serviceText } from "../fixture.ts";

/** Services on these addresses, named a, b, c … */
function servicesOn(...listen: readonly string[]): string {
  return listen.map((one, index) => serviceText("", String.fromCharCode(97 + index), one)).join("");
}

/** Which line has a problem, and who was there before. */
function conflictsOf(text: string): readonly string[] {
  return problemsOf(text).map((line) => {
    const [, at, by, found] = /^a\.toml:(\d+): .*taken by (.*)\), got "(.*)"$/.exec(line)!;
    return `${at}: ${found}, ${by}`;
  });
}

describe(checkListen.name, () => {
  test.each([
    ["different ports", ["192.0.2.1:80", "192.0.2.1:81"]],
    ["different addresses", ["192.0.2.1:80", "192.0.2.2:80"]],
    ["neighbouring ranges", ["192.0.2.1:80-89", "192.0.2.1:90-99"]],
    // The kernel prefers the listener of the very address.
    ["a wildcard beside an address", ["0.0.0.0:80", "192.0.2.1:80", "[::]:80"]],
  ])("has nothing against %s", (_, listen) => {
    expect(conflictsOf(servicesOn(...listen))).toEqual([]);
  });

  test("has nothing against TCP and UDP on one port", () => {
    const tcp = serviceText("", "t", "192.0.2.1:53");
    expect(conflictsOf(tcp + serviceText('protocol = "udp"', "u", "192.0.2.1:53"))).toEqual([]);
  });

  test("tells the later one of two alike", () => {
    expect(conflictsOf(servicesOn("[2001:db8::1]:80", "[2001:DB8:0:0::1]:80"))).toEqual([
      '8: [2001:db8::1]:80, service "a" at a.toml:3',
    ]);
  });

  test("finds overlaps of ranges, in any order", () => {
    expect(
      conflictsOf(servicesOn("192.0.2.1:80", "192.0.2.1:70-90", "192.0.2.1:85", "192.0.2.1:90-95")),
    ).toEqual([
      '8: 192.0.2.1:80, service "a" at a.toml:3',
      '13: 192.0.2.1:85, service "b" at a.toml:8',
      '18: 192.0.2.1:90, service "b" at a.toml:8',
    ]);
  });

  test("finds two alike within a range", () => {
    expect(conflictsOf(servicesOn("192.0.2.1:443", "192.0.2.1:443", "192.0.2.1:400-500"))).toEqual([
      '8: 192.0.2.1:443, service "a" at a.toml:3',
      '13: 192.0.2.1:443, service "a" at a.toml:3',
      '13: 192.0.2.1:443, service "b" at a.toml:8',
    ]);
  });

  test("finds a service on the port of the status endpoint", () => {
    const written = `[status]\nlisten = "127.0.0.1:1"\n${servicesOn("127.0.0.1:1")}`;
    expect(conflictsOf(written)).toEqual([
      "5: 127.0.0.1:1, the status endpoint ([status] listen) at a.toml:2",
    ]);
    expect(conflictsOf(servicesOn("127.0.0.1:9780"))).toEqual([
      "3: 127.0.0.1:9780, the status endpoint ([status] listen)",
    ]);
    expect(conflictsOf(`[status]\nlisten = "off"\n${servicesOn("127.0.0.1:9780")}`)).toEqual([]);
  });

  test("port 0 is what the other services of the address leave, once", () => {
    const kernel = (name: string, listen: string): string =>
      serviceText('forwarding = "gate"\npersistent = "1m"', name, listen);
    const both = kernel("a", "192.0.2.1:80") + kernel("b", "192.0.2.1:0");
    expect(problemsOf(both)).toEqual([]);
    expect(problemsOf(both + kernel("c", "192.0.2.1:0"))).toEqual([
      expect.stringContaining('nobody else listens on (taken by service "b" at a.toml:9), got'),
    ]);
  });

  test("a firewall mark belongs to one service", () => {
    const marked = (name: string, mark: number): string =>
      serviceText('forwarding = "gate"', name).replace(/listen = .*/, `fwmark = ${mark}`);
    expect(problemsOf(marked("a", 1) + marked("b", 2))).toEqual([]);
    expect(problemsOf(marked("a", 1) + marked("b", 1))).toEqual([
      "a.toml:8: virtual_service[1].fwmark: Expected a firewall mark that no other service has " +
        '(taken by service "a" at a.toml:3), got 1',
    ]);
  });
});
