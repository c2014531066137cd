import { describe, expect, test } from "bun:test";

import {
  resolveAddress,
  resolveServers,
  serverKey,
} from "../../../../src/config/resolve/server.ts";
import { problemsOf, serviceOf, serviceText } from "../fixture.ts";

function hostsOf(text: string): readonly string[] {
  return serviceOf(text).realServers.map(serverKey);
}

function group(name: string, servers: string): string {
  return `[[real_server_group]]\nname = "${name}"\nreal_servers = [${servers}]\n`;
}

describe(resolveServers.name, () => {
  test("takes own servers first, then those of the groups in their order", () => {
    const text =
      group("g", '{ address = "g1:1" }') +
      group("h", '{ address = "h1:1", weight = 0 }, { address = "h2:1" }') +
      serviceText('real_server_groups = ["h", "g"]\nreal_servers = [{ address = "own:1" }]');
    expect(hostsOf(text)).toEqual(["own:1", "h1:1", "h2:1", "g1:1"]);
    expect(serviceOf(text).realServers[1]?.weight).toBe(0);
  });

  test("gives a group's servers the port and check of each service", () => {
    const text =
      group("g", '{ address = "g1", check = { rise = 2 } }') +
      serviceText('real_server_groups = ["g"]\nreal_servers = []\ncheck = { fall = 7 }');
    expect(serviceOf(text).realServers).toMatchObject([
      { host: "g1", port: 80, weight: 1, check: { rise: 2, fall: 7 } },
    ]);
  });

  test("shares one check object among servers without their own", () => {
    const text = serviceText('real_servers = [{ address = "a" }, { address = "b" }]');
    const [a, b] = serviceOf(text).realServers;
    expect(a!.check).toBe(b!.check);
  });

  test("finds a server that is listed twice, also through a group", () => {
    const text =
      group("g", '{ address = "A.example.com:80" }') +
      serviceText('real_server_groups = ["g"]\nreal_servers = [{ address = "a.example.com" }]');
    expect(problemsOf(text)).toEqual([
      "a.toml:3: real_server_group[0].real_servers[0].address: Expected each real server once in a " +
        'service (the other is at a.toml:8), got "a.example.com:80"',
    ]);
  });

  test("finds a group that is not there, and one that is there but broken", () => {
    expect(
      problemsOf(group("web", "5") + serviceText('real_server_groups = ["web", "wep"]')),
    ).toEqual([
      "a.toml:3: real_server_group[0].real_servers[0]: Expected a table, got 5",
      "a.toml:8: virtual_service[0].real_server_groups[1]: Expected the name of a " +
        '[[real_server_group]] (did you mean "web"?), got "wep"',
    ]);
  });

  test("bounds the servers of all services together", () => {
    const servers = Array.from({ length: 1000 }, (_, n) => `{ address = "s${n}:1" }`).join(",");
    const services = Array.from({ length: 101 }, (_, n) =>
      serviceText('real_servers = []\nreal_server_groups = ["g"]', `s${n}`, `192.0.2.1:${n + 1}`),
    );
    expect(problemsOf(group("g", servers) + services.join(""))).toEqual([
      "a.toml:504: virtual_service[100]: Expected at most 100000 real servers in all services " +
        "together, got more",
    ]);
  });
});

describe(resolveAddress.name, () => {
  test("takes the port of a service that has exactly one", () => {
    expect(hostsOf(serviceText('real_servers = [{ address = "2001:db8::1" }]'))).toEqual([
      "[2001:db8::1]:80",
    ]);
    const both = 'real_servers = [{ address = "a" }]\nfallback = "127.0.0.1"';
    const text = serviceText(both).replace(/listen = .*/, 'listen = ["192.0.2.1:7", "[::1]:7"]');
    expect(hostsOf(text)).toEqual(["a:7"]);
    expect(serviceOf(text).fallback).toEqual({ host: "127.0.0.1", port: 7 });
  });

  test("takes no port where the service has none, if the check has one", () => {
    const allPorts = (check: string) =>
      serviceText(`forwarding = "gate"\npersistent = "1m"\n${check}`, "a", "192.0.2.1:0").replace(
        "11:80",
        "11",
      );
    const mark = allPorts("check = { port = 80 }").replace(/listen = .*/, "fwmark = 7");
    expect(serviceOf(mark)).toMatchObject({
      firewallMark: 7,
      listen: [],
      realServers: [{ host: "192.0.2.11", port: 0 }],
    });
    expect(hostsOf(allPorts('check = { type = "ping" }'))).toEqual(["192.0.2.11:0"]);
    expect(problemsOf(allPorts(""))).toEqual([
      'a.toml:4: virtual_service[0].real_servers[0].address: Expected the key "port" in check, ' +
        'or a port, as the service has none, got "192.0.2.11"',
    ]);
  });

  test.each(["192.0.2.1:80-81"])("asks for a port beside listen %s", (listen) => {
    expect(problemsOf(serviceText("", "a", listen).replace("11:80", "11"))).toContain(
      "a.toml:4: virtual_service[0].real_servers[0].address: Expected a port, as the service has not " +
        'exactly one, got "192.0.2.11"',
    );
  });

  test.each(["192.0.2.100:80", "192.0.2.100"])("refuses a service that calls itself: %s", (to) => {
    expect(problemsOf(serviceText(`real_servers = [{ address = "${to}" }]`))).toEqual([
      "a.toml:4: virtual_service[0].real_servers[0].address: Expected another address than the " +
        'service listens on, or it would call itself, got "192.0.2.100:80"',
    ]);
  });

  test("asks gate and ipip for the service's port", () => {
    const text = 'forwarding = "ipip"\nreal_servers = [{ address = "192.0.2.11:81" }]';
    expect(problemsOf(serviceText(text))).toContain(
      "a.toml:5: virtual_service[0].real_servers[0].address: Expected port 80 of the service, as " +
        'ipip cannot change it, got "192.0.2.11:81"',
    );
  });
});

test("serverKey() puts IPv6 in brackets", () => {
  expect(serverKey({ host: "2001:db8::1", port: 1 })).toBe("[2001:db8::1]:1");
  expect(serverKey({ host: "web1", port: 1 })).toBe("web1:1");
});
