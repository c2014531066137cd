import { describe, expect, test } from "bun:test";

import { parseDocument } from "../../../../src/config/document.ts";
import { createReport } from "../../../../src/config/report.ts";
import { checkListen } from "../../../../src/config/resolve/listen.ts";
import { configOf, problemsOf, serviceText } from "../fixture.ts";

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

describe("checkListen()", () => {
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

  test("leaves port 0 to others", () => {
    const document = parseDocument("", "a");
    const report = createReport();
    const [service] = configOf(servicesOn("192.0.2.1:80")).virtualServices;
    const listen = [
      { address: "192.0.2.1", portFirst: 0, portLast: 0 },
      { address: "192.0.2.1", portFirst: 0, portLast: 0 },
    ];
    const status = { listen: undefined, readTokenFile: undefined, writeTokenFile: undefined };
    const placed = { service: { ...service!, listen }, place: { document, path: [] } };
    checkListen([placed], { status, place: undefined }, report);
    expect(report.hasProblems()).toBe(false);
  });
});
