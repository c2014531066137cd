/**
 * What `setup realserver --dry-run` prints for hosts in memory: `NAME.txt` has the whole text.
 *
 * `UPDATE_GOLDEN=1` writes the files anew; read the difference.
 */
import { expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

import { formatPlan } from "../../../src/cli/setup-format.ts";
import { planRealServer, planSetup } from "../../../src/host/index.ts";
import type { RealServerWish } from "../../../src/host/index.ts";
import { createFakeHost, fakeInterface } from "../../helpers/fake-host.ts";
import type { FakeHostState } from "../../helpers/fake-host.ts";

interface Row {
  readonly wish: Partial<RealServerWish>;
  prepare(state: FakeHostState): void;
}

const rows: Readonly<Record<string, Row>> = {
  "gate-systemd": {
    wish: { vips: ["192.0.2.100", "192.0.2.101", "2001:db8::100"] },
    prepare(state) {
      state.interfaces.push(fakeInterface("eth0.7"));
      state.settings.set("net/ipv4/conf/eth0.7/arp_ignore", "0");
      state.settings.set("net/ipv4/conf/eth0.7/arp_announce", "2");
      state.settings.set("net/ipv4/conf/all/arp_ignore", "2");
    },
  },
  "ipip-ifupdown": {
    wish: { method: "ipip" },
    prepare(state) {
      state.files.clear();
      state.files.set("/etc/network/interfaces.d", "");
      state.files.set("/etc/network/interfaces", "source /etc/network/interfaces.d/*\n");
      state.interfaces.push(fakeInterface("tunl0", { isUp: false, usesArp: false }));
      state.settings.set("net/ipv4/conf/all/rp_filter", "1");
      state.settings.set("net/ipv4/conf/tunl0/rp_filter", "0");
    },
  },
};

test.each(Object.keys(rows))("the plan of %s is as its file says", (name) => {
  const { state, host } = createFakeHost();
  const row = rows[name]!;
  row.prepare(state);
  const whole: RealServerWish = {
    vips: ["192.0.2.100"],
    method: "gate",
    interfaces: undefined,
    persist: true,
    program: ["/usr/sbin/appliance"],
    environment: {},
    ...row.wish,
  };
  const found = formatPlan(planSetup({ host, plan: (reader) => planRealServer(reader, whole) }));
  expect(state.log).toEqual([]);
  const golden = `${import.meta.dir}/${name}.txt`;
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(golden, found);
  expect(existsSync(golden)).toBe(true);
  expect(found).toBe(readFileSync(golden, "utf8"));
});
