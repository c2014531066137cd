import { describe, expect, test } from "bun:test";

import {
  defaultService,
  readPort,
  readPortTable,
  serviceNames,
  servicePort,
} from "../../../../../src/config/import/ldirectord/service.ts";

test("serviceNames are the 21 of the program", () => {
  expect(serviceNames).toHaveLength(21);
});

test("defaultService() and servicePort() know the well-known ports", () => {
  expect([defaultService(443), defaultService(8080)]).toEqual(["https", "none"]);
  expect([servicePort("radius"), servicePort("simpletcp")]).toEqual([1812, undefined]);
});

describe("readPort()", () => {
  const ports = readPortTable("# services\nhttp 8000/tcp web # own\nbroken\nhuge 99999/tcp\n");
  test.each([
    ["80", 80],
    ["65535", 65_535],
    ["http", 8000],
    ["web", 8000],
    ["https", 443],
    ["0", undefined],
    ["65536", undefined],
    ["huge", undefined],
    ["constructor", undefined],
  ])("%s is %p", (text, port) => {
    expect(readPort(text, ports)).toBe(port);
  });
});
