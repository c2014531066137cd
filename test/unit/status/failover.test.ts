import { describe, expect, test } from "bun:test";

import * as v from "valibot";

import { failoverFamilies, failoverSchema, handoverSchema } from "../../../src/status/failover.ts";
import { formatMetrics } from "../../../src/status/metric-text.ts";
import { failoverSnapshot } from "../../helpers/fake-status-source.ts";

test("failoverSchema takes what the director tells, and nothing of another shape", () => {
  const snapshot = failoverSnapshot();
  expect(v.parse(failoverSchema, snapshot) as unknown).toEqual(snapshot);
  const wrong = failoverSnapshot({ state: "master" as "active" });
  expect(v.safeParse(failoverSchema, wrong).success).toBe(false);
});

describe("handoverSchema", () => {
  test.each([
    [{ action: "standby" }, { action: "standby", force: false }],
    [
      { action: "takeover", name: "public", force: true },
      { action: "takeover", name: "public", force: true },
    ],
  ])("takes %j", (body, expected) => {
    expect(v.parse(handoverSchema, body)).toEqual(expected as v.InferOutput<typeof handoverSchema>);
  });

  test.each([
    {},
    { action: "resign" },
    { action: "standby", nam: "x" },
    { action: "standby", name: "" },
  ])("refuses %j", (body) => {
    expect(v.safeParse(handoverSchema, body).success).toBe(false);
  });
});

describe("failoverFamilies", () => {
  test("are none without virtual routers", () => {
    expect(failoverFamilies(undefined)).toEqual([]);
  });

  test("tell state, lease, packets, fence and guard", () => {
    const text = formatMetrics(failoverFamilies(failoverSnapshot()));
    const lines = text.split("\n").filter((line) => !line.startsWith("#") && line !== "");
    expect(lines).toEqual([
      'appliance_vrrp_state{virtual_router="public",state="initialize"} 0',
      'appliance_vrrp_state{virtual_router="public",state="backup"} 0',
      'appliance_vrrp_state{virtual_router="public",state="active"} 1',
      'appliance_vrrp_priority{virtual_router="public"} 150',
      'appliance_vrrp_lease_remaining_seconds{virtual_router="public"} 0.25',
      'appliance_vrrp_conflicts_total{virtual_router="public"} 0',
      'appliance_vrrp_advertisements_sent_total{virtual_router="public"} 1000',
      'appliance_vrrp_transitions_total{virtual_router="public",to="backup",cause="startup"} 1',
      'appliance_vrrp_transitions_total{virtual_router="public",to="active",cause="silence"} 1',
      'appliance_vrrp_advertisements_received_total{virtual_router="public",result="accepted"} 12',
      'appliance_vrrp_advertisements_received_total{virtual_router="public",result="bad-ttl"} 1',
      'appliance_vrrp_fence_installed{kind="bpf"} 1',
      "appliance_vrrp_tick_lateness_max_seconds 0.0125",
      "appliance_vrrp_late_ticks_total 3",
      "appliance_vrrp_fence_repairs_total 0",
      "appliance_vrrp_guard_up 1",
      'appliance_vrrp_track_up{target="ping 192.0.2.1"} 1',
    ]);
  });

  test("a gap of the fence is one metric, and the fence is not counted as installed", () => {
    const whole = failoverSnapshot();
    const gaps = [{ interface: "eth0", reason: "ERANGE" }];
    const text = formatMetrics(failoverFamilies({ ...whole, fence: { ...whole.fence, gaps } }));
    expect(text).toContain('appliance_vrrp_fence_installed{kind="bpf"} 0\n');
    expect(text).toContain('appliance_vrrp_fence_gap{interface="eth0"} 1\n');
  });

  test("tell of each resource whether it runs", () => {
    const resources = [
      { name: "/bin/db", state: "running", reason: "", failures: 0 },
      { name: "/bin/mail", state: "failed", reason: "did not start: exit status 1", failures: 2 },
    ] as const;
    const text = formatMetrics(failoverFamilies(failoverSnapshot({ resources })));
    const lines = text.split("\n").filter((line) => line.startsWith("appliance_vrrp_resource"));
    expect(lines).toEqual([
      'appliance_vrrp_resource_up{virtual_router="public",resource="/bin/db"} 1',
      'appliance_vrrp_resource_up{virtual_router="public",resource="/bin/mail"} 0',
      'appliance_vrrp_resource_failures_total{virtual_router="public",resource="/bin/db"} 0',
      'appliance_vrrp_resource_failures_total{virtual_router="public",resource="/bin/mail"} 2',
    ]);
  });
});
