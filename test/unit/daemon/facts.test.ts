import { expect, test } from "bun:test";

import { createFactSource } from "../../../src/daemon/facts.ts";
import type { Overrides } from "../../../src/daemon/overrides.ts";
import type { HostState } from "../../../src/daemon/resolver.ts";
import { realServer, virtualService } from "./fixture.ts";

const state = {
  health: "up",
  changedAtMs: undefined,
  lastResult: undefined,
  lastAtMs: undefined,
  failures: 0,
  reason: "the check passed",
} as const;

const disabled = { admin: "disabled", kill: false, weight: undefined, by: "", at: "" } as const;
const pending: HostState = { state: "pending", address: undefined };
const unresolved: HostState = { state: "unresolved", address: undefined };
const resolved: HostState = { state: "resolved", address: "192.0.2.21" };

// State of the name, what checks know, override; the facts.
test.each([
  ["checked", resolved, state, undefined, ["192.0.2.21", "up", "the check passed"]],
  ["not checked yet", resolved, undefined, undefined, ["192.0.2.21", "unchecked", ""]],
  [
    "name being looked up",
    pending,
    undefined,
    undefined,
    [undefined, "unchecked", "its name is being looked up"],
  ],
  [
    "name lost",
    unresolved,
    { ...state, health: "down", reason: "unresolved" } as const,
    undefined,
    [undefined, "down", "unresolved"],
  ],
  ["disabled", resolved, state, disabled, ["192.0.2.21", "unchecked", ""]],
] as const)("createFactSource(): %s", (_name, host, known, override, expected) => {
  const overrides: Overrides = new Map(override ? [["web\nweb1:80", override]] : []);
  const source = createFactSource({
    health: { state: (id) => (id === "web\nweb1:80" ? known : undefined) },
    overrides: () => overrides,
    hostState: () => host,
    maintenanceFile: () => undefined,
  });
  const facts = source.server(virtualService(), "web1:80", realServer("web1", 80));
  expect([facts.address, facts.health, facts.reason]).toEqual([...expected]);
  expect(facts.override).toBe(override);
  expect(source.addressOf("web1")).toBe(host.address);
});

// Whatever is known of the name or by checks; but a disabled server is nobody's concern.
test.each([
  ["up", resolved, undefined, ["192.0.2.21", "down", "in maintenance: file web1:80"]],
  ["name being looked up", pending, undefined, [undefined, "down", "in maintenance: file web1:80"]],
  ["disabled", resolved, disabled, ["192.0.2.21", "unchecked", ""]],
] as const)("createFactSource(): in maintenance, %s", (_name, host, override, expected) => {
  const source = createFactSource({
    health: { state: () => state },
    overrides: () => new Map(override ? [["web\nweb1:80", override]] : []),
    hostState: () => host,
    maintenanceFile: ({ host: name, port }) => (name === "web1" ? `${name}:${port}` : undefined),
  });
  const facts = source.server(virtualService(), "web1:80", realServer("web1", 80));
  expect([facts.address, facts.health, facts.reason]).toEqual([...expected]);
});
