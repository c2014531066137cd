import { describe, expect, test } from "bun:test";

import type { ServerSnapshot, ServiceSnapshot } from "../../../src/status/index.ts";
import { needsAttention, serviceView } from "../../../src/status/page-service.ts";
import { serverSnapshot, serviceSnapshot } from "../../helpers/fake-status-source.ts";

const rates = { cps: 3.42, inPps: 1, outPps: 1, inBps: 15_234, outBps: 1_234_567 };

function viewOf(service: ServiceSnapshot, isChangeable = false, rowsLeft = 100): string {
  const nowMs = Date.parse("2026-03-01T10:01:00.000Z");
  return serviceView({ service, id: "s0" }, { nowMs, isChangeable, rowsLeft }).text;
}

function textOf(service: ServiceSnapshot): string {
  return viewOf(service)
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll(/\s+/g, " ");
}

function serversOf(count: number, changes: Partial<ServerSnapshot>): ServerSnapshot[] {
  return Array.from({ length: count }, (_, index) =>
    serverSnapshot({ key: `192.0.2.1:${index + 1}`, ...changes }),
  );
}

describe("serviceView", () => {
  test("shows rates and connections of the service and of each real server", () => {
    const text = textOf(serviceSnapshot({ rates, realServers: [serverSnapshot({ rates })] }));
    expect(text).toContain("active 3 connections 401 new 3.4/s in 15 kB/s out 1.2 MB/s");
    expect(text).toContain("192.0.2.11:80 ● up 1 3 134 3.4/s 15 kB/s 1.2 MB/s http ok");
  });

  test.each([
    [{}, "tcp 192.0.2.100:80 · proxy · wlc active"],
    [{ firewallMark: 5, listen: [] }, "firewall mark 5 · proxy · wlc active"],
    [
      { forwarding: "gate", engine: "bpf", engineReason: "there is no ip_vs" },
      "tcp 192.0.2.100:80 · gate · wlc · engine bpf (there is no ip_vs) active",
    ],
    [
      { engine: "portable", persistentTimeoutMs: 300_000 },
      "tcp 192.0.2.100:80 · proxy · wlc · engine portable · persistent 5 min active",
    ],
  ] as const)("tells how %j forwards", (changes, expected) => {
    expect(textOf(serviceSnapshot(changes))).toContain(expected);
  });

  test.each([
    ["enabled", "drain", "Drain"],
    ["draining", "enable", "Enable"],
    ["disabled", "enable", "Enable"],
  ] as const)(
    "has a button for a server that is %s, if changes are possible",
    (admin, action, word) => {
      const service = serviceSnapshot({
        name: 'a"b',
        realServers: [serverSnapshot({ admin, key: "<x>:1" })],
      });
      for (const part of [
        `data-action="${action}"`,
        `>${word}</button>`,
        'data-server="&lt;x&gt;:1"\n data-service="a&quot;b"',
        `aria-label="${word} &lt;x&gt;:1 of a&quot;b"`,
      ]) {
        expect(viewOf(service, true)).toContain(part);
      }
      expect(viewOf(service, false)).not.toContain("<button");
      expect(viewOf(service, false)).not.toContain("Change");
    },
  );

  test("shows no more than 50 of the real servers that need attention at once", () => {
    const realServers = serversOf(60, { health: "down" });
    const [open, folded] = viewOf(serviceSnapshot({ realServers }), false, 1000).split("<details>");
    expect(open).toContain("0 of 60 real servers up; the first 50 of 60 that need attention");
    expect(open!.match(/data-key="192/g)!.length).toBe(50);
    expect(folded!.match(/data-key="192/g)!.length).toBe(60);
  });

  test("shows no more rows than are left", () => {
    const many = viewOf(serviceSnapshot({ realServers: serversOf(60, {}) }), false, 40);
    expect(many).toContain("First 40 of 60 real servers");
    expect(many.match(/data-key="192/g)!.length).toBe(40);
    const few = viewOf(serviceSnapshot({ realServers: serversOf(3, {}) }), false, 2);
    expect(few).toContain("3 of 3 real servers up");
    expect(few).not.toContain("<table");
  });
});

test.each([
  [{}, false],
  [{ health: "down" }, true],
  [{ health: "unchecked" }, true],
  [{ admin: "draining" }, true],
  [{ admin: "disabled" }, true],
] as [Partial<ServerSnapshot>, boolean][])("needsAttention(%j) is %p", (changes, expected) => {
  expect(needsAttention(serverSnapshot(changes))).toBe(expected);
});
