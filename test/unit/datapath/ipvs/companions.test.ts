import { describe, expect, test } from "bun:test";

import { planDaemons, planTimeouts } from "../../../../src/datapath/ipvs/companions.ts";
import type { IpvsDaemon } from "../../../../src/netlink/generic/index.ts";
import type { FakeIpvs } from "../../../helpers/fake-ipvs.ts";
import { createBench, web } from "./bench.ts";

type Role = IpvsDaemon["role"];

function daemon(role: Role, interfaceName = "eth1", syncId = 0): IpvsDaemon {
  return { role, interfaceName, syncId };
}

describe("planDaemons()", () => {
  const active = daemon("active");
  const backup = daemon("backup");

  test.each<[string, IpvsDaemon[], IpvsDaemon[], Role[], Role[], Role[]]>([
    ["nothing wanted, nothing there", [], [], [], [], []],
    ["wanted and missing", [active], [], [], [], ["active"]],
    ["wanted and there", [active], [active], [], [], []],
    ["the other role", [active], [backup], ["backup"], ["backup"], ["active"]],
    ["a foreign one in the other role", [active], [backup], [], [], ["active"]],
    ["another interface", [active], [daemon("active", "eth0")], [], ["active"], ["active"]],
    ["another identifier", [backup], [daemon("backup", "eth1", 3)], [], ["backup"], ["backup"]],
    ["both wanted, one there", [active, backup], [backup], ["backup"], [], ["active"]],
    ["none wanted any more", [], [active, backup], ["active"], ["active"], []],
  ])("%s", (_name, wanted, found, owned, stop, start) => {
    const plan = planDaemons(wanted, found, new Set(owned));
    expect(plan.stop.map(({ role }) => role)).toEqual(stop);
    expect(plan.start.map(({ role }) => role)).toEqual(start);
  });
});

describe("planTimeouts()", () => {
  const now = { tcpSeconds: 900, tcpFinSeconds: 120, udpSeconds: 300 };

  test("leaves alone what is not wished or is so already", () => {
    expect(planTimeouts({}, now)).toBeUndefined();
    expect(planTimeouts({ tcpTimeoutMs: 900_000 }, now)).toBeUndefined();
  });

  test("has 0 for what stays", () => {
    const plan = planTimeouts({ tcpTimeoutMs: 900_000, tcpFinTimeoutMs: 10_000 }, now);
    expect(plan).toEqual({ tcpSeconds: 0, tcpFinSeconds: 10, udpSeconds: 0 });
  });
});

describe("IpvsEngine.configureIpvs()", () => {
  const sync = { interfaceName: "eth1", syncId: 7 };

  function rolesOf({ daemons }: FakeIpvs): readonly string[] {
    return [...daemons.values()].map((one) => `${one.role} ${one.interfaceName} ${one.syncId}`);
  }

  test("starts daemons and sets timeouts once there is a service", async () => {
    const { engine, ipvs } = createBench();
    engine.configureIpvs?.({ sync: { ...sync, roles: ["backup"] }, udpTimeoutMs: 60_000 });
    expect(ipvs.opened()).toBe(0);
    await engine.apply([web()]);
    expect(rolesOf(ipvs)).toEqual(["backup eth1 7"]);
    expect(ipvs.timeouts).toEqual({ tcpSeconds: 900, tcpFinSeconds: 120, udpSeconds: 60 });
  });

  test("changes the role at once, and tells nothing of it", async () => {
    const { engine, ipvs, events } = createBench();
    await engine.apply([web()]);
    engine.configureIpvs?.({ sync: { ...sync, roles: ["backup"] } });
    engine.configureIpvs?.({ sync: { ...sync, roles: ["active"] } });
    expect(rolesOf(ipvs)).toEqual(["active eth1 7"]);
    expect(events.filter(({ type }) => type !== "log")).toEqual([]);
  });

  test("starts again what somebody stopped, with the next look", async () => {
    const { engine, ipvs, clock } = createBench();
    await engine.apply([web()]);
    engine.configureIpvs?.({ sync: { ...sync, roles: ["active"] } });
    ipvs.daemons.clear();
    clock.advance(5000);
    expect(rolesOf(ipvs)).toEqual(["active eth1 7"]);
  });

  test("says once why a daemon cannot be started", async () => {
    const { engine, ipvs, clock, events } = createBench();
    await engine.apply([web()]);
    ipvs.isPermitted = false;
    engine.configureIpvs?.({ sync: { ...sync, roles: ["active"] } });
    engine.configureIpvs?.({ sync: { ...sync, roles: ["active"] } });
    ipvs.isPermitted = true;
    const texts = events.flatMap((event) => (event.type === "log" ? [event.text] : []));
    expect(texts.filter((text) => text.includes("IPVS daemons"))).toHaveLength(1);
    clock.advance(5000);
    expect(rolesOf(ipvs)).toEqual(["active eth1 7"]);
  });

  test("leaves what is not configured here to others, and stops its own at the end", async () => {
    const { engine, ipvs } = createBench();
    ipvs.daemons.set("backup", { role: "backup", interfaceName: "eth9", syncId: 1 });
    await engine.apply([web()]);
    engine.configureIpvs?.({ sync: { ...sync, roles: ["active"] } });
    await engine.close(0, AbortSignal.abort());
    expect(rolesOf(ipvs)).toEqual(["backup eth9 1"]);
  });
});
