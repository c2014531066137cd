import { expect, test } from "bun:test";

import { missingSettings, readHostSetting } from "../../../../src/datapath/ipvs/host-settings.ts";
import { wantedTable } from "../../../../src/datapath/ipvs/table.ts";
import { serverAt, serviceWith } from "../../../helpers/traffic/forwarding.ts";
import type { ServiceChanges } from "../../../helpers/traffic/forwarding.ts";

const persistence = { timeoutMs: 1000, ipv4PrefixBits: 32, ipv6PrefixBits: 128 };

test.each<[ServiceChanges, readonly string[]]>([
  [{ forwarding: "gate" }, ["net.ipv4.vs.expire_nodest_conn"]],
  [
    { forwarding: "gate", persistence },
    ["net.ipv4.vs.expire_nodest_conn", "net.ipv4.vs.expire_quiescent_template"],
  ],
  [{ forwarding: "masq" }, ["net.ipv4.vs.expire_nodest_conn", "net.ipv4.ip_forward"]],
  [
    {
      forwarding: "masq",
      listen: [{ address: "2001:db8::1", portFirst: 80, portLast: 80 }],
      servers: [serverAt({ address: "2001:db8::11", port: 80 })],
    },
    ["net.ipv4.vs.expire_nodest_conn", "net.ipv6.conf.all.forwarding"],
  ],
])("missingSettings() of %j", (changes, expected) => {
  const servers = [serverAt({ address: "192.0.2.11", port: 80 })];
  const wanted = wantedTable([serviceWith({ port: 80, servers, ...changes })], {
    isLocal: () => false,
  });
  const texts = missingSettings(wanted, () => "0");
  expect(texts.map((text) => text.slice(0, text.indexOf(" ")))).toEqual([...expected]);
  expect(missingSettings(wanted, () => "1")).toEqual([]);
  expect(missingSettings(wanted, () => undefined)).toEqual([]);
});

test("readHostSetting() reads this host", () => {
  expect(readHostSetting("net/ipv4/ip_forward")).toMatch(/^[01]$/);
  expect(readHostSetting("net/ipv4/no_such_setting")).toBeUndefined();
});
