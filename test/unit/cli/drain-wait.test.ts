import { describe, expect, test } from "bun:test";

import { countLeft, findServers, waitForChange } from "../../../src/cli/drain-wait.ts";
import type { WaitOptions } from "../../../src/cli/drain-wait.ts";
import type { ServerSnapshot, Snapshot } from "../../../src/status/index.ts";
import {
  directorSnapshot,
  serverSnapshot,
  serviceSnapshot,
} from "../../helpers/fake-status-source.ts";

const changed = [{ service: "web", server: "192.0.2.11:80" }];

function snapshotWith(changes: Partial<ServerSnapshot>): Snapshot {
  return directorSnapshot({
    services: [serviceSnapshot({ realServers: [serverSnapshot(changes)] })],
  });
}

/** Waits over a row of snapshots, the last one again and again. */
async function waitOver(snapshots: readonly Snapshot[], options: Partial<WaitOptions> = {}) {
  const rest = [...snapshots];
  const progress: number[] = [];
  const result = await waitForChange({
    client: { snapshot: async () => (rest.length > 1 ? rest.shift()! : rest[0]!) },
    changed,
    goal: "no-connections",
    timeoutMs: undefined,
    signal: new AbortController().signal,
    onProgress: (left) => progress.push(left),
    ...options,
  });
  return { ...result, progress };
}

describe("waitForChange", () => {
  const busy = snapshotWith({ activeConnections: 2, inactiveConnections: 1 });
  const idle = snapshotWith({ activeConnections: 0, inactiveConnections: 0 });

  test("ends when the connections have, and tells each change once", async () => {
    expect(await waitOver([busy, busy, idle])).toEqual({
      outcome: "done",
      left: 0,
      progress: [3, 0],
    });
  });

  test("ends when the server has left the configuration", async () => {
    expect((await waitOver([busy, directorSnapshot({ services: [] })])).outcome).toBe("done");
  });

  test("gives up when the time is over", async () => {
    expect(await waitOver([busy], { timeoutMs: 0 })).toEqual({
      outcome: "timeout",
      left: 3,
      progress: [3],
    });
  });

  test("ends when interrupted", async () => {
    const stop = new AbortController();
    const result = await waitOver([busy], { signal: stop.signal, onProgress: () => stop.abort() });
    expect(result.outcome).toBe("interrupted");
    expect(result.left).toBe(3);
  });

  test("waits until an enabled server is up", async () => {
    const steps = [snapshotWith({ health: "unchecked" }), snapshotWith({ health: "up" })];
    expect(await waitOver(steps, { goal: "up" })).toEqual({
      outcome: "done",
      left: 0,
      progress: [1, 0],
    });
  });

  test("passes on that the director cannot be asked", async () => {
    const client = { snapshot: () => Promise.reject(new Error("gone")) };
    await expect(waitOver([busy], { client })).rejects.toThrow("gone");
  });
});

describe("findServers", () => {
  const snapshot = snapshotWith({ host: "web1.example", key: "192.0.2.11:80", port: 80 });
  test.each([
    ["by its key", "web", "192.0.2.11:80", 1],
    ["as configured", "web", "web1.example:80", 1],
    ["not in another service", "mail", "192.0.2.11:80", 0],
    ["not another server", "web", "192.0.2.12:80", 0],
  ])("%s", (_name, service, server, count) => {
    expect(findServers(snapshot, [{ service, server }]).length).toBe(count);
  });
});

test("countLeft counts half-closed connections, or servers that are not up", () => {
  const servers = [
    serverSnapshot({ activeConnections: 1, inactiveConnections: 2 }),
    serverSnapshot({ activeConnections: 4, inactiveConnections: 0, health: "down" }),
  ];
  expect([countLeft(servers, "no-connections"), countLeft(servers, "up")]).toEqual([7, 1]);
});
