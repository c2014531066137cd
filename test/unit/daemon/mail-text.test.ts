import { expect, test } from "bun:test";

import type { Alert } from "../../../src/daemon/alert.ts";
import { assessService } from "../../../src/daemon/assessment.ts";
import type { MailContent } from "../../../src/daemon/mail-text.ts";
import { mailLinesMax, mailSubject, mailText } from "../../../src/daemon/mail-text.ts";
import { realServer, virtualService } from "./fixture.ts";

const sinceMs = Date.UTC(2026, 10, 22, 8, 30, 0);
const alert: Alert = {
  kind: "down",
  service: "web",
  server: "192.0.2.11:80",
  reason: "refused: connection refused",
  occasion: "running",
  sinceMs,
};

const other: Alert = { ...alert, server: "192.0.2.12:80" };

/** The service `web`: the first server is down, the second up. */
const assessment = assessService(
  virtualService({
    listen: [{ address: "192.0.2.100", portFirst: 80, portLast: 82 }],
    realServers: [realServer("192.0.2.11", 80), realServer("192.0.2.12", 80)],
  }),
  {
    server: (_service, key) => ({
      address: key.slice(0, 10),
      health: key === "192.0.2.11:80" ? "down" : "up",
      reason: "",
      override: undefined,
    }),
    addressOf: (host) => host,
  },
  undefined,
);

function content(alerts: readonly Alert[], more: Partial<MailContent> = {}): MailContent {
  return { alerts, services: [assessment], isStop: false, host: "lb1", ...more };
}

test.each<[readonly Alert[], string]>([
  [[alert], "web: real server 192.0.2.11:80 is down"],
  [[{ ...alert, kind: "up" }], "web: real server 192.0.2.11:80 is up again"],
  [[{ ...alert, kind: "still-down" }], "web: real server 192.0.2.11:80 is still down"],
  [[alert, { ...alert, kind: "still-down" }], "web: real server 192.0.2.11:80 is still down"],
  [[alert, { ...alert, kind: "up" }], "web: real server 192.0.2.11:80 is up again"],
  [[alert, { ...other, kind: "still-down" }], "2 real servers are down"],
  [[alert, { ...other, kind: "up" }], "1 real server is down, 1 real server is up again"],
  [[alert, other, { ...alert, kind: "up" }], "1 real server is down, 1 real server is up again"],
])("mailSubject(): %#", (alerts, expected) => {
  expect(mailSubject(content(alerts))).toBe(`[appliance lb1] ${expected}`);
});

test("mailText() tells what happened, why, and how the services stand", () => {
  const again: Alert = { ...alert, kind: "still-down", occasion: "starting" };
  expect(mailText(content([alert, again]))).toBe(
    `web: real server 192.0.2.11:80 is down at 2026-11-22T08:30:00.000Z: refused: connection refused
web: real server 192.0.2.11:80 is still down since 2026-11-22T08:30:00.000Z (starting): refused: connection refused

Services now:
web (tcp 192.0.2.100:80-82): up, 1 of 2 real servers serve

Director: lb1
`,
  );
});

test("a mail of a stop names the services that end", () => {
  const stop = content([], { isStop: true });
  expect(mailSubject(stop)).toBe("[appliance lb1] the director stops, 1 virtual service ends");
  expect(mailText(stop)).toBe(`The director on lb1 stops.

Services that end:
web (tcp 192.0.2.100:80-82): up, 1 of 2 real servers serve

Director: lb1
`);
});

test("mailText() says that the fallback serves", () => {
  const fallback = { key: "a:1", address: "192.0.2.9", port: 1, isActive: true };
  const services = [{ ...assessment, state: "fallback", fallback } as const];
  expect(mailText(content([alert], { services }))).toContain(
    "web (tcp 192.0.2.100:80-82): fallback, 1 of 2 real servers serve, the fallback serves\n",
  );
});

test("mailText() is bounded", () => {
  const text = mailText(content(Array.from({ length: mailLinesMax + 7 }, () => alert)));
  expect(text.split("\n").filter((line) => line.startsWith("web: "))).toHaveLength(mailLinesMax);
  expect(text).toContain("\nand 7 more\n");
});
