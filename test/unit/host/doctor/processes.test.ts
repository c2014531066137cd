import { expect, test } from "bun:test";

import { findManagers, managerOf } from "../../../../src/host/doctor/processes.ts";

test.each([
  [["/usr/sbin/keepalived", "-n"], "keepalived"],
  [["keepalived"], "keepalived"],
  [["heartbeat: read: bcast eth0"], "heartbeat"],
  [["/usr/lib/heartbeat/heartbeat"], "heartbeat"],
  [["/usr/bin/perl", "/usr/sbin/ldirectord", "/etc/ha.d/x.cf", "start"], "ldirectord"],
  [["perl5.36", "/usr/sbin/ldirectord"], "ldirectord"],
  [["/usr/sbin/ldirectord", "start"], "ldirectord"],
  [["/usr/sbin/appliance", "run"], "appliance"],
  [["appliance", "demo"], "appliance"],
  [["appliance", "doctor"], undefined],
  [["vi", "/etc/keepalived/keepalived.conf"], undefined],
  [["perl", "/usr/local/bin/other"], undefined],
  [[], undefined],
  [[""], undefined],
])("managerOf(%p) is %p", (command, name) => {
  expect(managerOf(command)).toBe(name as "keepalived");
});

test("findManagers() is not among those found", () => {
  expect(findManagers().map(({ pid }) => pid)).not.toContain(process.pid);
});
