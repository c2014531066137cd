import { describe, expect, test } from "bun:test";

import { directorDefaults } from "../../../src/config/defaults.ts";
import { configChangeHook, hookOf } from "../../../src/daemon/hook-of.ts";
import type { TransitionName } from "../../../src/daemon/transition.ts";
import { virtualService } from "./fixture.ts";

const service = virtualService({
  quorumUp: ["/bin/quorum-up"],
  quorumDown: ["/bin/quorum-down"],
  onServiceUp: ["/bin/service-up"],
  onServiceDown: ["/bin/service-down", "argument"],
});

function transition(name: TransitionName) {
  return { name, service: "web", server: undefined, reason: "no real server is up" };
}

describe("hookOf()", () => {
  test.each([
    ["service-up", "quorum_up", ["/bin/quorum-up"]],
    ["service-down", "quorum_down", ["/bin/quorum-down"]],
    ["service-live", "on_service_up", ["/bin/service-up"]],
    ["service-dead", "on_service_down", ["/bin/service-down", "argument"]],
  ] as const)("%s runs %s", (name, hook, command) => {
    expect(hookOf(service, transition(name), "appliance")).toEqual({
      service: "web",
      name: hook,
      command,
      user: "appliance",
      environment: {
        APPLIANCE_EVENT: hook,
        APPLIANCE_SERVICE: "web",
        APPLIANCE_PROTOCOL: "tcp",
        APPLIANCE_LISTEN: "192.0.2.100:80",
        APPLIANCE_REASON: "no real server is up",
      },
    });
  });

  test.each(["server-up", "server-down", "fallback-on", "fallback-off"] as const)(
    "%s runs nothing",
    (name) => {
      expect(hookOf(service, transition(name), "appliance")).toBeUndefined();
    },
  );

  test("nothing configured runs nothing", () => {
    expect(hookOf(virtualService(), transition("service-up"), "appliance")).toBeUndefined();
    const empty = virtualService({ quorumUp: [] });
    expect(hookOf(empty, transition("service-up"), "appliance")).toBeUndefined();
  });
});

test("configChangeHook() runs the program with the file that has changed", () => {
  const director = { ...directorDefaults, scriptUser: "nobody" };
  expect(configChangeHook(director, "/etc/a.toml")).toBeUndefined();
  expect(
    configChangeHook({ ...director, onConfigChange: ["/bin/sync", "-v"] }, "/etc/a.toml"),
  ).toEqual({
    service: "",
    name: "on_config_change",
    command: ["/bin/sync", "-v", "/etc/a.toml"],
    user: "nobody",
    environment: { APPLIANCE_EVENT: "on_config_change", APPLIANCE_CONFIG: "/etc/a.toml" },
  });
});
