import { describe, expect, test } from "bun:test";

import type { Snapshot } from "../../../src/status/index.ts";
import { attentionView, serversText } from "../../../src/status/page-attention.ts";
import {
  directorSnapshot,
  failoverSnapshot,
  serverSnapshot,
  serviceSnapshot,
} from "../../helpers/fake-status-source.ts";

function viewOf(changes: Partial<Snapshot>): string {
  const snapshot = directorSnapshot(changes);
  const placed = snapshot.services.map((service, index) => ({ service, id: `s${index}` }));
  return attentionView(snapshot, placed).text;
}

/** Entries of the list as a reader sees them. */
function linesOf(changes: Partial<Snapshot>): string[] {
  return [...viewOf(changes).matchAll(/<li>([\s\S]*?)<\/li>/g)].map(([, line]) =>
    line!.replaceAll(/<[^>]*>/g, "").replaceAll(/\s+/g, " "),
  );
}

function down(key: string, reason = "timeout") {
  return serverSnapshot({ key, health: "down", reason });
}

describe("attentionView", () => {
  test("says so when nothing needs attention", () => {
    const text = viewOf({ failover: failoverSnapshot() });
    expect(text).toContain("● all well</span> Nothing needs attention.");
    expect(text).toContain('class="now good"');
  });

  test("has the worst first: services that are down, then what is weakened", () => {
    const services = [
      serviceSnapshot({ name: "fine" }),
      serviceSnapshot({ name: "weak", realServers: [serverSnapshot(), down("192.0.2.12:80")] }),
      serviceSnapshot({ name: "sorry", state: "fallback", reason: "no real server is up" }),
      serviceSnapshot({ name: "dead", state: "down", reason: "no real server is up" }),
    ];
    expect(linesOf({ services })).toEqual([
      "✕ down dead no real server is up",
      "▲ fallback sorry no real server is up",
      "▲ warning weak 1 of 2 real servers down: 192.0.2.12:80 (timeout)",
    ]);
    expect(viewOf({ services })).toContain('<a href="#s3">dead</a>');
    expect(viewOf({ services })).toContain('class="now bad"');
  });

  test("has what is wrong with failover", () => {
    const failover = {
      ...failoverSnapshot({ state: "backup", blockedBy: "carrier" }),
      fence: { kind: "none", reason: "" } as const,
      guard: false,
    };
    expect(linesOf({ failover })).toEqual([
      "✕ fault Failover No fence: a director that hangs may go on answering",
      "✕ fault Failover No guard: if this director dies at once, its addresses stay on this host",
      "▲ warning Failover public is held back: an interface has no carrier (carrier)",
    ]);
    expect(linesOf({ failover: failoverSnapshot({ leaseRemainingMs: 0 }) })).toEqual([
      "✕ fault Failover public is active, but its lease ran out",
    ]);
  });

  test("has what is wrong with the director itself", () => {
    const { configuration } = directorSnapshot();
    const failed = { lastReloadSuccessful: false, lastReloadError: "a.toml:3: Unknown key" };
    expect(
      linesOf({
        ready: false,
        notReady: ["a listener is closed", "first checks have not ended"],
        configuration: { ...configuration, ...failed },
      }),
    ).toEqual([
      "▲ warning Not ready: a listener is closed; first checks have not ended",
      "✕ fault The last reload failed; the configuration before it is in force: " +
        "a.toml:3: Unknown key",
    ]);
  });

  test("is bounded", () => {
    const services = Array.from({ length: 1000 }, (_, index) =>
      serviceSnapshot({ name: `s${index}`, state: "down", reason: "no real server is up" }),
    );
    const lines = linesOf({ services });
    expect(lines.length).toBe(21);
    expect(lines.at(-1)).toBe("and 980 more");
  });
});

test("serversText() names three of each kind, with the reason", () => {
  const realServers = [
    ...["a:1", "b:1", "c:1", "d:1", "e:1"].map((key) => down(key)),
    serverSnapshot({ key: "f:1", admin: "draining", reason: "draining by uid 0" }),
    serverSnapshot({ key: "g:1", admin: "disabled", health: "down", reason: "" }),
    serverSnapshot({ key: "h:1", health: "unchecked", reason: "" }),
    serverSnapshot({ key: "i:1", admin: "draining", health: "down", reason: "refused" }),
    serverSnapshot(),
  ];
  expect(serversText(serviceSnapshot({ realServers }))).toBe(
    "1 of 10 real servers disabled: g:1; " +
      "6 of 10 real servers down: a:1 (timeout), b:1 (timeout), c:1 (timeout) and 3 more; " +
      "1 of 10 real servers draining: f:1 (draining by uid 0); " +
      "1 of 10 real servers unchecked: h:1",
  );
  expect(serversText(serviceSnapshot())).toBe("");
});
