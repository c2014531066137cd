import { describe, expect, test } from "bun:test";

import { parseConfig } from "../../../src/config/index.ts";
import { ipvsSettingsOf } from "../../../src/daemon/ipvs-settings.ts";

function router(name: string, vrid: number): string {
  return `
[[vrrp]]
name = "${name}"
interface = "eth0"
vrid = ${vrid}
addresses = ["192.0.2.${vrid}"]
auth = "none"
`;
}

const pair = router("one", 51) + router("two", 52);

function configOf(ipvs: string, rest = pair) {
  return parseConfig(`[ipvs]\n${ipvs}\n${rest}`, "a.toml", { cores: 1 }).config;
}

describe("ipvsSettingsOf()", () => {
  const sync = 'sync_interface = "eth1"\nsync_id = 3';

  test.each([
    [[], ["backup"]],
    [["one"], ["active", "backup"]],
    [["one", "two"], ["active"]],
  ])("active in %p: runs %p", (active: string[], roles) => {
    const settings = ipvsSettingsOf(configOf(sync), (name) => active.includes(name));
    expect(settings.sync).toEqual({ interfaceName: "eth1", syncId: 3, roles: roles as never });
  });

  test("has no daemon unless an interface is named", () => {
    const settings = ipvsSettingsOf(configOf('tcp_timeout = "5m"'), () => true);
    expect(settings.sync).toBeUndefined();
    expect(settings.tcpTimeoutMs).toBe(300_000);
  });
});
