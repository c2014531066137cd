import { describe, expect, test } from "bun:test";

import * as fc from "fast-check";

import { escapeMessage, formatAsctime, monitorLine } from "../../../src/daemon/monitor-line.ts";
import { connectCheck, realServer, virtualService } from "./fixture.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 500);

const http = {
  tls: false,
  request: "/index.html",
  method: "GET",
  virtualHost: "www.example.com",
  receive: "o(k|q)",
  statuses: [[200, 299]],
  redirectsMax: 0,
  verify: false,
  caFile: undefined,
  serverName: undefined,
} as const;
const httpCheck = { ...connectCheck, type: "negotiate", service: "http", http } as const;
const atMs = new Date(2026, 10, 2, 8, 5, 42).getTime();

const entry = {
  service: virtualService({ forwarding: "masq" }),
  server: realServer("192.0.2.11", 8081, { check: httpCheck, weight: 2 }),
  address: "192.0.2.11",
  isUp: true,
  message: "",
  atMs,
  pid: 4711,
};

describe("monitorLine()", () => {
  test("has ldirectord's fields in ldirectord's order", () => {
    expect(monitorLine(entry)).toBe(
      "[Mon Nov  2 08:05:42 2026] [4711] negotiate http tcp 192.0.2.11 8081 www.example.com 2 masq " +
        "/index.html o(k|q) [up] -\n",
    );
  });

  test("fields that are not there leave no gap, but request and receive", () => {
    const server = realServer("2001:db8::b", 80);
    const down = { ...entry, server, address: "2001:db8::b", isUp: false, message: "50 % | off" };
    expect(monitorLine(down)).toBe(
      "[Mon Nov  2 08:05:42 2026] [4711] connect tcp 2001:db8::b 80 1 masq /  [down] 50 %25 %7c off\n",
    );
  });

  test("shows no password", () => {
    const serviceCheck = {
      service: "ftp",
      login: "eve",
      password: "hidden",
      request: "alive.txt",
      receive: undefined,
    } as const;
    const check = { ...connectCheck, type: "negotiate", service: "ftp", serviceCheck } as const;
    const server = realServer("192.0.2.11", 21, { check });
    expect(monitorLine({ ...entry, server })).toEndWith(
      "negotiate ftp tcp 192.0.2.11 21 1 masq alive.txt  [up] -\n",
    );
  });

  test("is one line, whatever a check says", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (message) => {
        const line = monitorLine({ ...entry, message });
        expect(line.indexOf("\n")).toBe(line.length - 1);
        expect(line.slice(line.indexOf("[up]"))).not.toContain("|");
      }),
      { seed, numRuns },
    );
  });
});

test("escapeMessage() hides separators, and nothing else", () => {
  expect(escapeMessage("a|b%c\r\nd ü")).toBe("a%7cb%25c%0d%0ad ü");
});

test("formatAsctime() is the local time of asctime(3)", () => {
  expect(formatAsctime(atMs)).toBe("Mon Nov  2 08:05:42 2026");
  expect(formatAsctime(new Date(2026, 0, 31, 23, 59, 0).getTime())).toBe(
    "Sat Jan 31 23:59:00 2026",
  );
});
