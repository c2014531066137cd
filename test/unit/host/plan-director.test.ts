import { describe, expect, test } from "bun:test";

import {
  carriedHere,
  planDirector,
  wantedModules,
  wantedSettings,
} from "../../../src/host/plan-director.ts";
import type { CarriedService } from "../../../src/host/plan-director.ts";
import { formatStep } from "../../../src/host/step.ts";
import { createFakeHost } from "../../helpers/fake-host.ts";

function service(change: Partial<CarriedService>): CarriedService {
  return {
    name: "web",
    engine: "proxy",
    forwarding: "proxy",
    scheduler: "wlc",
    families: [4],
    ...change,
  };
}

describe("planDirector()", () => {
  test.each(["proxy", "masq"] as const)("needs nothing for %s on the proxy", (forwarding) => {
    const { host } = createFakeHost();
    const plan = planDirector(host, { services: [service({ forwarding })], descriptors: 500 });
    expect(plan).toEqual({ steps: [], refusals: [], unsupported: [], notes: [] });
  });

  test("routes for masq in the kernel, and keeps it", () => {
    const { state, host } = createFakeHost();
    state.settings.set("net/ipv4/ip_forward", "0");
    state.settings.set("net/ipv4/conf/all/send_redirects", "1");
    state.settings.set("net/ipv4/vs/expire_nodest_conn", "0");
    for (const name of ["ip_vs", "ip_vs_wlc"]) state.modules.set(name, "present");
    const services = [service({ engine: "ipvs", forwarding: "masq" })];
    const { steps } = planDirector(host, { services, descriptors: 0 });
    expect(steps.map(formatStep)).toEqual([
      "set net.ipv4.ip_forward = 1 (is 0)",
      "set net.ipv4.conf.all.send_redirects = 0 (is 1)",
      "set net.ipv4.vs.expire_nodest_conn = 1 (is 0)",
      "write /etc/sysctl.d/60-appliance-director.conf",
      "write /etc/modules-load.d/appliance-director.conf",
    ]);
  });

  test("loads the modules of ipvs, and names those that are missing", () => {
    const { state, host } = createFakeHost();
    state.modules.set("ip_vs", "loadable");
    const services = [service({ engine: "ipvs", forwarding: "gate" })];
    const { steps, unsupported } = planDirector(host, { services, descriptors: 0 });
    expect(steps.map(formatStep)).toContain("load kernel module ip_vs");
    expect(unsupported).toEqual([
      "the engine ipvs needs the kernel module ip_vs_wlc, which is missing",
    ]);
  });

  test("sets what IPVS loses connections by, after its module", () => {
    const { state, host } = createFakeHost();
    for (const name of ["ip_vs", "ip_vs_wlc"]) state.modules.set(name, "loadable");
    const services = [service({ engine: "ipvs", forwarding: "gate", isPersistent: true })];
    const planned = (): readonly string[] =>
      planDirector(host, { services, descriptors: 0 })
        .steps.map(formatStep)
        .filter((text) => /^set .*vs\.|^load/.test(text));
    expect(planned()).toEqual([
      "load kernel module ip_vs",
      "load kernel module ip_vs_wlc",
      "set net.ipv4.vs.expire_nodest_conn = 1 (is 0)",
      "set net.ipv4.vs.expire_quiescent_template = 1 (is 0)",
    ]);
    for (const name of ["ip_vs", "ip_vs_wlc"]) state.modules.set(name, "present");
    state.settings.set("net/ipv4/vs/expire_nodest_conn", "1");
    state.settings.set("net/ipv4/vs/expire_quiescent_template", "0");
    expect(planned()).toEqual(["set net.ipv4.vs.expire_quiescent_template = 1 (is 0)"]);
  });

  test("needs nothing for what the proxy carries where there is no IPVS", () => {
    const { host } = createFakeHost();
    const services = [service({ engine: "ipvs", forwarding: "masq", withoutIpvs: "proxy" })];
    const plan = planDirector(host, { services, descriptors: 0 });
    expect(plan).toEqual({ steps: [], refusals: [], unsupported: [], notes: [] });
  });

  test("raises the limit of the unit when systemd's own is too low", () => {
    const { host } = createFakeHost();
    const limits = "/etc/systemd/system/appliance.service.d/60-limits.conf";
    const { steps } = planDirector(host, { services: [], descriptors: 600_000 });
    expect(steps).toEqual([
      {
        kind: "file",
        path: limits,
        from: undefined,
        to: expect.stringContaining("[Service]\nLimitNOFILE=600000\n"),
      },
    ]);
    expect(planDirector(host, { services: [], descriptors: 524_288 }).steps).toEqual([]);
  });
});

test("wantedSettings() of IPv6 masq routes IPv6 only", () => {
  const services = [service({ engine: "ipvs", forwarding: "masq", families: [6] })];
  expect([...wantedSettings(services, ["eth0"])]).toEqual([
    ["net/ipv6/conf/all/forwarding", "1"],
    ["net/ipv4/vs/expire_nodest_conn", "1"],
  ]);
});

test("wantedSettings() of the engine bpf are none: it comes before the kernel's routing", () => {
  const services = [service({ engine: "bpf", forwarding: "masq" })];
  expect([...wantedSettings(services, ["eth0"])]).toEqual([]);
});

test("carriedHere() is about hosts without IPVS", () => {
  const services = [service({ engine: "ipvs", forwarding: "gate", withoutIpvs: "bpf" })];
  expect(carriedHere(true, services).map(({ engine }) => engine)).toEqual(["ipvs"]);
  expect(carriedHere(false, services).map(({ engine }) => engine)).toEqual(["bpf"]);
});

test("wantedSettings() of gate sends no redirects from any interface", () => {
  const services = [service({ engine: "ipvs", forwarding: "gate" })];
  expect([...wantedSettings(services, ["eth0"])]).toEqual([
    ["net/ipv4/conf/all/send_redirects", "0"],
    ["net/ipv4/conf/eth0/send_redirects", "0"],
    ["net/ipv4/vs/expire_nodest_conn", "1"],
  ]);
});

test("wantedModules() has each once", () => {
  const ipvs = service({ engine: "ipvs", forwarding: "gate" });
  expect(wantedModules([ipvs, ipvs, service({})])).toEqual(["ip_vs", "ip_vs_wlc"]);
});
