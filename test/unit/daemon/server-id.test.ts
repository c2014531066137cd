import { expect, test } from "bun:test";

import { configuredKey, parseServerId, serverId } from "../../../src/daemon/server-id.ts";

test.each([
  ["web", "192.0.2.1:80"],
  ["a\nb", "web1:80"],
  ["", "[2001:db8::1]:80"],
])("parseServerId() reads what serverId() wrote for service %j", (service, server) => {
  expect(parseServerId(serverId({ service, server }))).toEqual({ service, server });
});

test.each([
  ["192.0.2.1", "192.0.2.1:80"],
  ["2001:db8::1", "[2001:db8::1]:80"],
  ["web1", "web1:80"],
])("configuredKey() of %s", (host, expected) => {
  expect(configuredKey({ host, port: 80 })).toBe(expected);
});
