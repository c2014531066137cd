import { describe, expect, test } from "bun:test";

import { configOf, problemsOf, serviceText } from "../fixture.ts";

const router =
  '[[vrrp]]\nname = "web"\ninterface = "eth0"\nvrid = 51\naddresses = ["192.0.2.100"]\nauth = "none"\n';

describe("[ipvs]", () => {
  test("changes nothing by default", () => {
    expect(configOf(serviceText()).ipvs).toEqual({
      syncInterface: undefined,
      syncId: 0,
      tcpTimeoutMs: undefined,
      tcpFinTimeoutMs: undefined,
      udpTimeoutMs: undefined,
    });
  });

  test("is an interface, an identifier and timeouts", () => {
    const text = `[ipvs]\nsync_interface = "eth1"\nsync_id = 7\nudp_timeout = "1m"\n${router}`;
    expect(configOf(text).ipvs).toMatchObject({
      syncInterface: "eth1",
      syncId: 7,
      udpTimeoutMs: 60_000,
    });
  });

  test.each([
    ['sync_interface = "eth1"', "at least one [[vrrp]]"],
    ["sync_id = 256", "0..255"],
    ['tcp_timeout = "1500ms"', "whole seconds"],
    ['tcp_fin_timeout = "0s"', "tcp_fin_timeout"],
    ['sync_interface = "no/device"', "an interface name"],
  ])("refuses %p", (line, text) => {
    const problems = problemsOf(`[ipvs]\n${line}\n${serviceText()}`);
    expect(problems.join("\n")).toContain(text);
  });
});
