import { describe, expect, test } from "bun:test";

import { matchServers } from "../../../src/daemon/server-match.ts";
import { realServer, virtualService } from "./fixture.ts";

const services = [
  virtualService({
    name: "web",
    realServers: [
      realServer("192.0.2.11", 80),
      realServer("192.0.2.11", 8080),
      realServer("Web1.example", 80),
      realServer("2001:db8::1", 80),
    ],
  }),
  virtualService({ name: "tls", realServers: [realServer("192.0.2.11", 443)] }),
];

const addressOf = (host: string): string | undefined =>
  host === "Web1.example" ? "192.0.2.21" : host;

describe("matchServers()", () => {
  test.each([
    ["192.0.2.11:80", undefined, ["web 192.0.2.11:80"]],
    ["192.0.2.11", undefined, ["web 192.0.2.11:80", "web 192.0.2.11:8080", "tls 192.0.2.11:443"]],
    ["192.0.2.11", "tls", ["tls 192.0.2.11:443"]],
    ["192.0.2.11:80", "tls", []],
    ["web1.example:80", undefined, ["web Web1.example:80"]],
    ["WEB1.EXAMPLE", undefined, ["web Web1.example:80"]],
    ["192.0.2.21:80", undefined, ["web Web1.example:80"]],
    ["192.0.2.21", undefined, ["web Web1.example:80"]],
    ["[2001:db8::1]:80", undefined, ["web [2001:db8::1]:80"]],
    ["[2001:DB8:0::1]", undefined, ["web [2001:db8::1]:80"]],
    ["2001:db8:0:0::1", undefined, ["web [2001:db8::1]:80"]],
    ["192.0.2.1", undefined, []],
    ["192.0.2.11:81", undefined, []],
    ["", undefined, []],
    ["192.0.2.11:80", "none", []],
  ])("%p in service %p", (server, service, expected) => {
    const found = matchServers(services, { server, service }, addressOf);
    expect(found.map((match) => `${match.service} ${match.server}`)).toEqual(expected);
  });

  test("gives the configured settings", () => {
    const [found] = matchServers(
      services,
      { server: "192.0.2.11:443", service: undefined },
      addressOf,
    );
    expect(found?.realServer).toBe(services[1]!.realServers[0]);
  });
});
