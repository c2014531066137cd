import { describe, expect, test } from "bun:test";

import { resolveService } from "../../../../src/config/resolve/service.ts";
import { problemsOf, serviceOf, serviceText, warningsOf } from "../fixture.ts";

describe(resolveService.name, () => {
  test("fills in everything that has a default", () => {
    expect(serviceOf(serviceText())).toMatchObject({
      name: "web",
      protocol: "tcp",
      listen: [{ address: "192.0.2.100", portFirst: 80, portLast: 80 }],
      forwarding: "proxy",
      engine: "auto",
      scheduler: "wlc",
      persistence: undefined,
      quiescent: false,
      fallback: undefined,
      realServers: [{ host: "192.0.2.11", port: 80, weight: 1 }],
      quorum: 1,
      onDown: "keep",
      connectionLimit: 0,
      allow: [],
      deny: [],
      timeouts: {
        connectMs: 5000,
        idleMs: 3_600_000,
        halfClosedMs: 30_000,
        udpIdleMs: 60_000,
        keepaliveMs: 0,
        userTimeoutMs: 0,
      },
      sendProxy: "off",
      acceptProxyFrom: [],
      source: [],
      onePacket: false,
      connectionLog: false,
    });
  });

  test("takes defaults, and its own settings before them", () => {
    const defaults =
      '[defaults]\nscheduler = "rr"\nquiescent = true\non_down = "reset"\nconnection_log = true\n' +
      'timeouts = { idle = "1m", connect = "1s", keepalive = "30s" }\n';
    expect(serviceOf(defaults + serviceText())).toMatchObject({
      scheduler: "rr",
      quiescent: true,
      onDown: "reset",
      connectionLog: true,
      timeouts: { connectMs: 1000, idleMs: 60_000, keepaliveMs: 30_000 },
    });
    const own =
      'scheduler = "sh"\nquiescent = false\non_down = "keep"\nconnection_log = false\n' +
      'timeouts = { idle = "2m", keepalive = "off" }';
    expect(serviceOf(defaults + serviceText(own))).toMatchObject({
      scheduler: "sh",
      quiescent: false,
      onDown: "keep",
      connectionLog: false,
      timeouts: { connectMs: 1000, idleMs: 120_000, keepaliveMs: 0 },
    });
  });

  test.each([
    ["", "192.0.2.1:80", 32, 128],
    ["persistence_mask = 24", "192.0.2.1:80", 24, 128],
    ["persistence_mask = 64", "[2001:db8::1]:80", 32, 64],
    ["persistence_mask = { ipv6 = 64 }", "192.0.2.1:80", 32, 64],
    ["persistence_mask = { ipv4 = 1, ipv6 = 2 }", "192.0.2.1:80", 1, 2],
  ])("makes of %p at %s the prefixes %d and %d", (mask, listen, ipv4, ipv6) => {
    const text = serviceText(`persistent = "10m"\n${mask}`, "a", listen);
    expect(serviceOf(text).persistence).toEqual({
      timeoutMs: 600_000,
      ipv4PrefixBits: ipv4,
      ipv6PrefixBits: ipv6,
    });
  });

  test("needs somebody who serves, be it the fallback", () => {
    expect(problemsOf(serviceText("real_servers = []"))).toEqual([
      "a.toml:4: virtual_service[0].real_servers: Expected at least one server in real_servers, " +
        "real_server_groups or fallback, got none",
    ]);
    const text = serviceText('real_servers = []\nfallback = "127.0.0.1:1"');
    expect(serviceOf(text).fallback).toEqual({ host: "127.0.0.1", port: 1 });
  });

  test("warns of a quorum out of reach", () => {
    const servers = 'real_servers = [{ address = "a", weight = 2 }, { address = "b" }]\n';
    expect(warningsOf(serviceText(`${servers}quorum = 4`))).toEqual([
      "a.toml:5: virtual_service[0].quorum: A quorum of 4 is out of reach: the weights of all real " +
        "servers add up to 3",
    ]);
    expect(warningsOf(serviceText(`${servers}quorum = 3`))).toEqual([]);
  });

  test("lets a source address go with servers of its family, and with names", () => {
    const servers = 'real_servers = [{ address = "192.0.2.11" }, { address = "web1" }]\n';
    expect(serviceOf(serviceText(`${servers}source = ["192.0.2.5"]`)).source).toEqual([
      "192.0.2.5",
    ]);
    expect(problemsOf(serviceText(`${servers}source = ["2001:db8::5"]`))).toEqual([
      "a.toml:5: virtual_service[0].source: Expected a source address of IPv4 for the server " +
        "192.0.2.11, got IPv6 only",
    ]);
  });

  test("takes one_packet with UDP, and hooks with arguments", () => {
    const lines =
      'protocol = "udp"\none_packet = true\nquorum_up = "/bin/up"\nquorum_down = ["/bin/down", "x y"]\n' +
      'on_service_up = ["/bin/a"]\non_service_down = "/bin/b"';
    expect(serviceOf(serviceText(lines))).toMatchObject({
      protocol: "udp",
      onePacket: true,
      quorumUp: ["/bin/up"],
      quorumDown: ["/bin/down", "x y"],
      onServiceUp: ["/bin/a"],
      onServiceDown: ["/bin/b"],
    });
  });

  test("does not compare what has a fault of its own", () => {
    const text = serviceText(
      'protocol = "sctp"\none_packet = true\nlisten = 80\nreal_servers = [{ address = "a" }]',
    ).replace('listen = "192.0.2.100:80"\n', "");
    expect(problemsOf(text).map((line) => line.split(": ")[1])).toEqual([
      "virtual_service[0].protocol",
      "virtual_service[0].listen",
    ]);
  });
});
