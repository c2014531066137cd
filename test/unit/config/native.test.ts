import { describe, expect, test } from "bun:test";

import {
  formatListen,
  formatServer,
  isNativeList,
  isNativeTable,
  nativeService,
  sharedCheck,
} from "../../../src/config/native.ts";
import { serviceOf, serviceText } from "./fixture.ts";

test.each([
  [{ address: "192.0.2.1", portFirst: 80, portLast: 80 }, "192.0.2.1:80"],
  [{ address: "2001:db8::1", portFirst: 80, portLast: 90 }, "[2001:db8::1]:80-90"],
])("formatListen() writes %j", (listen, text) => {
  expect(formatListen(listen)).toBe(text);
});

test.each([
  [{ host: "web1", port: 80 }, "web1:80"],
  [{ host: "2001:db8::1", port: 80 }, "[2001:db8::1]:80"],
])("formatServer() writes %j", (server, text) => {
  expect(formatServer(server)).toBe(text);
});

test("isNativeList() and isNativeTable() tell lists and tables from other values", () => {
  const values = [[], {}, "x", 1, true, undefined];
  expect(values.map(isNativeList)).toEqual([true, false, false, false, false, false]);
  expect(values.map(isNativeTable)).toEqual([false, true, false, false, false, false]);
});

const same =
  '[{ address = "a:1", check = { rise = 2 } }, { address = "b:1", check = { rise = 2 } }]';
const other = '[{ address = "a:1" }, { address = "b:1", check = { rise = 2 } }]';

describe("sharedCheck()", () => {
  test("is what all real servers have, wherever it was written", () => {
    expect(sharedCheck(serviceOf(serviceText(`real_servers = ${same}`)))?.rise).toBe(2);
  });

  test("is undefined if they differ, or there is none", () => {
    expect(sharedCheck(serviceOf(serviceText(`real_servers = ${other}`)))).toBeUndefined();
    const empty = 'real_servers = []\nfallback = "127.0.0.1:1"';
    expect(sharedCheck(serviceOf(serviceText(empty)))).toBeUndefined();
  });
});

describe("nativeService()", () => {
  test("writes a shared check at the service, and others at the servers", () => {
    const shared = nativeService(serviceOf(serviceText(`real_servers = ${same}`)));
    expect(shared["check"]).toMatchObject({ rise: 2 });
    expect(shared["real_servers"]).toMatchObject([{ check: undefined }, { check: undefined }]);
    const own = nativeService(serviceOf(serviceText(`real_servers = ${other}`)));
    expect(own["check"]).toBeUndefined();
    expect(own["real_servers"]).toMatchObject([{ check: { rise: 1 } }, { check: { rise: 2 } }]);
  });
});
