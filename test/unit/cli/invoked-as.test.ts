import { expect, test } from "bun:test";

import { commandInvokedAs } from "../../../src/cli/invoked-as.ts";

test.each([
  ["ipvsadm", "ipvsadm"],
  ["/usr/sbin/ipvsadm", "ipvsadm"],
  ["./ipvsadm", "ipvsadm"],
  ["/usr/sbin/ldirectord", "ldirectord"],
  ["/usr/share/heartbeat/hb_standby", "hb_standby"],
  ["/usr/share/heartbeat/hb_takeover", "hb_takeover"],
  ["/usr/bin/cl_status", "cl_status"],
  ["/etc/ha.d/resource.d/LVSSyncDaemonSwap", "LVSSyncDaemonSwap"],
  ["appliance", undefined],
  ["/opt/ipvsadm/appliance", undefined],
  ["ipvsadm.old", undefined],
  ["IPVSADM", undefined],
  ["-", undefined],
  ["", undefined],
])("called as %p it is %p", (argv0, name) => {
  expect(commandInvokedAs(argv0)?.name).toBe(name);
});
