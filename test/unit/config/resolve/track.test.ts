/**
 * What of `track` and `witness` is taken, and what is told.
 */
import { describe, expect, test } from "bun:test";

import { configOf, problemsOf, warningsOf } from "../fixture.ts";

function routerText(lines: string): string {
  return `
[[vrrp]]
name = "web"
interface = "eth0"
vrid = 51
addresses = ["192.0.2.100/24"]
auth = "none"
${lines}
`;
}

describe("resolveTrack()", () => {
  test("fills in times and keeps the order", () => {
    const text = `track = [
  { ping = "192.0.2.1" },
  { interface = "eth1" },
  { script = ["/bin/ok", "-v"], interval = "5s", timeout = "2s" },
]
witness = "require"`;
    const [router] = configOf(routerText(text)).virtualRouters;
    expect(router).toMatchObject({
      witness: "require",
      track: [
        { type: "ping", address: "192.0.2.1", intervalMs: 1000, timeoutMs: 1000 },
        { type: "interface", interface: "eth1" },
        { type: "script", command: ["/bin/ok", "-v"], intervalMs: 5000, timeoutMs: 2000 },
      ],
    });
  });

  test("is empty, and prefers a witness, where nothing is said", () => {
    expect(configOf(routerText("")).virtualRouters[0]).toMatchObject({
      track: [],
      witness: "prefer",
    });
  });

  test.each([
    [
      "track = [{ interval = '1s' }]",
      "vrrp[0].track[0]: Expected one of ping, interface and script, got none of them",
    ],
    [
      'track = [{ ping = "192.0.2.1", script = "/bin/ok" }]',
      "vrrp[0].track[0]: Expected one of ping, interface and script, got ping and script",
    ],
    [
      'track = [{ interface = "eth1", timeout = "1s" }]',
      "vrrp[0].track[0].timeout: Expected no timeout with interface: its carrier is told by the" +
        " kernel, got 1s",
    ],
    [
      'track = [{ ping = "192.0.2.1", interval = "1s", timeout = "2s" }]',
      "vrrp[0].track[0].timeout: Expected at most interval (1s), got 2s",
    ],
    [
      'track = [{ script = "/bin/ok" }]\nwitness = "require"',
      "vrrp[0].witness: Expected a ping in track, as that is what a witness is, got none",
    ],
    [
      `track = [${'{ interface = "eth1" },'.repeat(33)}]`,
      "vrrp[0].track: Expected at most 32 of them, got 33",
    ],
  ])("%s", (lines, expected) => {
    const [problem, ...others] = problemsOf(routerText(lines));
    expect(problem).toEndWith(expected);
    expect(others).toEqual([]);
  });

  test("warns that nothing follows from it in plain VRRP without preemption", () => {
    const lines = 'track = [{ ping = "192.0.2.1" }]';
    const peer = '[peer]\naddress = "192.0.2.2:9781"\nkey_file = "/etc/appliance/peer.key"';
    expect(warningsOf(routerText(lines))).toEqual([
      expect.stringContaining("is relieved only where preempt is true"),
    ]);
    expect(warningsOf(routerText(`${lines}\npreempt = true`))).toEqual([]);
    expect(warningsOf(`${routerText(lines)}\n${peer}`)).toEqual([]);
  });

  test("a ping with a fault of its own is no missing witness", () => {
    const text = routerText('track = [{ ping = "gateway" }]\nwitness = "require"');
    expect(problemsOf(text)).toEqual([
      expect.stringContaining("vrrp[0].track[0].ping: Expected an IP address"),
    ]);
  });
});
