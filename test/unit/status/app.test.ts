import { describe, expect, test } from "bun:test";

import { createStatusApp } from "../../../src/status/app.ts";
import type { StatusAppOptions } from "../../../src/status/app.ts";
import { createFakeStatusSource, failoverSnapshot } from "../../helpers/fake-status-source.ts";
import type { FakeStatusSource } from "../../helpers/fake-status-source.ts";

function createFixture(options: StatusAppOptions = {}) {
  const source = createFakeStatusSource();
  const app = createStatusApp(source, options);
  const ask = async (path: string, init: RequestInit = {}) =>
    app.fetch(new Request(`http://localhost${path}`, init), { via: "control", uid: 0 });
  const post = (path: string, body: unknown, type = "application/json") =>
    ask(path, {
      method: "POST",
      headers: { "Content-Type": type },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  return { source, ask, post };
}

describe("GET", () => {
  test.each([
    ["/", "text/html; charset=UTF-8"],
    ["/status", "application/json"],
    ["/status/schema", "application/json"],
    ["/metrics", "text/plain; version=0.0.4; charset=utf-8"],
    ["/healthz", "application/json"],
    ["/readyz", "application/json"],
    ["/events", "text/event-stream; charset=utf-8"],
    ["/config", "application/json"],
    ["/connections", "application/json"],
  ])("%s answers with its type and safe headers, HEAD alike without a body", async (path, type) => {
    const { source, ask } = createFixture();
    const response = await ask(path);
    await response.body?.cancel();
    const head = await ask(path, { method: "HEAD" });
    expect(await head.text()).toBe("");
    for (const { status, headers } of [response, head]) {
      expect([status, headers.get("Content-Type")]).toEqual([200, type]);
      expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
      expect(headers.get("X-Frame-Options")).toBe("DENY");
      expect(headers.get("Cache-Control")).toBe("no-store");
      expect(headers.get("Referrer-Policy")).toBe("no-referrer");
      expect(headers.get("Content-Security-Policy")).toStartWith("default-src 'none'");
      expect(headers.get("Access-Control-Allow-Origin")).toBeNull();
    }
    expect(source.listenerCount()).toBe(0);
  });

  test("/status is the snapshot", async () => {
    const { source, ask } = createFixture();
    expect(await (await ask("/status")).json()).toEqual(source.snapshot());
  });

  test.each(["/healthz", "/readyz", "/metrics"])(
    "%s, which is asked every few seconds, takes no whole snapshot",
    async (path) => {
      const { source, ask } = createFixture();
      source.snapshot = () => {
        throw new Error("a whole snapshot");
      };
      expect((await ask(path)).status).toBe(200);
    },
  );

  test("/healthz is 503 when the main loop does not beat", async () => {
    const { source, ask } = createFixture();
    source.healthy = false;
    const response = await ask("/healthz");
    expect([response.status, await response.json()]).toEqual([503, { healthy: false }]);
  });

  test("/readyz has the reasons in its body", async () => {
    const { source, ask } = createFixture();
    expect(await (await ask("/readyz")).json()).toEqual({ ready: true, reasons: [] });
    source.set({ ready: false, notReady: ["first checks have not ended"] });
    const response = await ask("/readyz");
    expect([response.status, await response.json()]).toEqual([
      503,
      { ready: false, reasons: ["first checks have not ended"] },
    ]);
  });

  test("/readyz?active=NAME is 200 only on the owner of the addresses", async () => {
    const { ask, source } = createFixture();
    const reasonsOf = async (): Promise<unknown> => {
      const response = await ask("/readyz?active=public");
      const { ready, reasons } = (await response.json()) as { ready: boolean; reasons: string[] };
      return [response.status, ready, reasons];
    };
    expect(await reasonsOf()).toEqual([503, false, ["there is no virtual router public"]]);
    source.set({ failover: failoverSnapshot({ state: "backup", leaseRemainingMs: 0 }) });
    expect(await reasonsOf()).toEqual([503, false, ["virtual router public is backup"]]);
    source.set({ failover: failoverSnapshot({ state: "active", leaseRemainingMs: 200 }) });
    expect(await reasonsOf()).toEqual([200, true, []]);
  });

  test("/config is what the director says", async () => {
    const { ask } = createFixture();
    expect(await (await ask("/config")).json()).toEqual({ virtual_service: [{ name: "web" }] });
  });

  test("/connections has at most limit entries", async () => {
    const { ask } = createFixture();
    const { connections } = (await (await ask("/connections?limit=1")).json()) as {
      connections: { state: string }[];
    };
    expect(connections.map(({ state }) => state)).toEqual(["ESTABLISHED"]);
  });

  test.each(["0", "10001", "-1", "1e3", "x", "", "1.5"])(
    "/connections refuses limit %p",
    async (limit) => {
      const { ask } = createFixture();
      const response = await ask(`/connections?limit=${limit}`);
      expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
        400,
        "STATUS_LIMIT",
      ]);
    },
  );

  test("an unknown path is 404 as JSON", async () => {
    const { ask } = createFixture();
    const response = await ask("/nowhere");
    expect([response.status, await response.json()]).toEqual([
      404,
      { code: "STATUS_PATH", message: "There is no such path" },
    ]);
  });

  test.each([
    ["DELETE", "/status", "GET, HEAD"],
    ["POST", "/metrics", "GET, HEAD"],
    ["GET", "/reload", "POST"],
    ["PUT", "/servers/change", "POST"],
  ])("%s %s is 405", async (method, path, allow) => {
    const { ask } = createFixture();
    const response = await ask(path, { method });
    expect([response.status, response.headers.get("Allow")]).toEqual([405, allow]);
    expect(((await response.json()) as { code: string }).code).toBe("STATUS_METHOD");
  });
});

describe("POST /servers/change", () => {
  test.each([
    [
      { action: "drain", server: "192.0.2.11:80" },
      { action: "drain", server: "192.0.2.11:80" },
    ],
    [
      { action: "enable", server: "web1:80", service: "web" },
      { action: "enable", server: "web1:80", service: "web" },
    ],
    [
      { action: "disable", server: "a" },
      { action: "disable", server: "a", kill: false },
    ],
    [
      { action: "disable", server: "a", kill: true },
      { action: "disable", server: "a", kill: true },
    ],
    [
      { action: "weight", server: "a", weight: 65_535 },
      { action: "weight", server: "a", weight: 65_535 },
    ],
  ])("hands on %j", async (body, expected) => {
    const { source, post } = createFixture();
    const response = await post("/servers/change", body);
    expect([response.status, await response.json()]).toEqual([
      200,
      { ok: true, changed: [{ service: "web", server: "192.0.2.11:80" }] },
    ]);
    expect(source.changes).toEqual([{ request: expected, by: "uid 0" }] as never);
  });

  test.each([
    ["no JSON", "{", "it is not JSON"],
    ["nothing", "", "action: expected"],
    ["an array", [], "action: expected"],
    ["no action", { server: "a" }, "action: expected"],
    ["an unknown action", { action: "stop", server: "a" }, 'got "stop"'],
    ["no server", { action: "drain" }, "server: expected"],
    ["an empty server", { action: "drain", server: "" }, "server: expected"],
    ["a long server", { action: "drain", server: "x".repeat(301) }, "server: expected"],
    ["an unknown key", { action: "drain", server: "a", kil: true }, "kil: expected no such key"],
    ["kill on drain", { action: "drain", server: "a", kill: true }, "kill: expected no such key"],
    ["a weight as text", { action: "weight", server: "a", weight: "1" }, "weight: expected number"],
    [
      "a weight too high",
      { action: "weight", server: "a", weight: 65_536 },
      "weight: expected <=65535",
    ],
    ["a negative weight", { action: "weight", server: "a", weight: -1 }, "weight: expected >=0"],
    ["half a weight", { action: "weight", server: "a", weight: 0.5 }, "weight: expected"],
  ])("refuses %s", async (_name, body, why) => {
    const { source, post } = createFixture();
    const response = await post("/servers/change", body);
    const { code, message } = (await response.json()) as { code: string; message: string };
    expect([response.status, code]).toEqual([400, "STATUS_BODY"]);
    expect(message).toContain(why);
    expect(source.changes).toEqual([]);
  });

  test("refuses what a form of another site could send", async () => {
    const { source, post } = createFixture();
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonx"]) {
      const response = await post("/servers/change", { action: "drain", server: "a" }, type);
      expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
        415,
        "STATUS_BODY_TYPE",
      ]);
    }
    expect(source.changes).toEqual([]);
  });

  test("refuses a body above 64 KiB, declared or not", async () => {
    const { ask, post } = createFixture();
    const long = JSON.stringify({ action: "drain", server: "x".repeat(65_536) });
    expect((await post("/servers/change", long)).status).toBe(413);
    let pulled = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(1024).fill(32));
      },
    });
    const response = await ask("/servers/change", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: endless,
    });
    expect(((await response.json()) as { code: string }).code).toBe("STATUS_BODY_TOO_LONG");
    expect(pulled).toBeLessThan(80);
  });

  test.each([
    ["SERVER_UNKNOWN", 404],
    ["CHANGES_WAIT", 409],
  ])("tells that the director refused with %s: %d", async (code, status) => {
    const { source, post } = createFixture();
    source.changeResult = { ok: false, code, message: "No" };
    const response = await post("/servers/change", { action: "drain", server: "a" });
    expect([response.status, await response.json()]).toEqual([status, { code, message: "No" }]);
  });
});

describe("POST /reload", () => {
  test.each([
    ["", false],
    ["{}", false],
    ['{"dry_run":true}', true],
  ])("body %p: dry run %p", async (body, dryRun) => {
    const { source, post } = createFixture();
    const response = await post("/reload", body);
    expect(await response.json()).toEqual({
      ok: true,
      plan: ["web: weight of 192.0.2.11:80 from 1 to 2"],
    });
    expect(source.reloads).toEqual([{ dryRun, by: "uid 0" }]);
  });

  test("tells why it was refused", async () => {
    const { source, post } = createFixture();
    source.reloadResult = { ok: false, code: "CONFIG_INVALID", message: "line 3" };
    const response = await post("/reload", {});
    expect([response.status, await response.json()]).toEqual([
      409,
      { code: "CONFIG_INVALID", message: "line 3" },
    ]);
  });
});

describe("POST /upgrade", () => {
  test("names the process that is the director now", async () => {
    const { source, post } = createFixture();
    const response = await post("/upgrade", {});
    expect(await response.json()).toEqual({ ok: true, pid: 4711, version: "9.9.9" });
    expect(source.upgrades).toEqual(["uid 0"]);
    expect((await post("/upgrade", { path: "/tmp/x" })).status).toBe(400);
  });

  test("tells why it did not take place", async () => {
    const { source, post } = createFixture();
    source.upgradeResult = { ok: false, code: "UPGRADE_FAILED", message: "It ended" };
    const response = await post("/upgrade", {});
    expect([response.status, await response.json()]).toEqual([
      409,
      { code: "UPGRADE_FAILED", message: "It ended" },
    ]);
  });

  test("is not for TCP, whatever the token", async () => {
    const source = createFakeStatusSource();
    const token = "a".repeat(32);
    const app = createStatusApp(source, { listenAddress: "127.0.0.1", writeTokens: [token] });
    const headers = { Authorization: `Bearer ${token}`, Host: "127.0.0.1" };
    const request = new Request("http://127.0.0.1/upgrade", { method: "POST", headers });
    const response = await app.fetch(request, { via: "tcp" });
    expect(await response.json()).toMatchObject({ code: "STATUS_CONTROL_ONLY" });
    expect([response.status, source.upgrades]).toEqual([403, []]);
  });
});

test("createStatusApp keeps what went wrong inside from the client", async () => {
  const errors: unknown[] = [];
  const { source, ask } = createFixture({ onError: (error) => errors.push(error) });
  const broken = new Error("secret detail");
  (source as { configuration: FakeStatusSource["configuration"] }).configuration = () => {
    throw broken;
  };
  const response = await ask("/config");
  expect(response.status).toBe(500);
  expect(response.headers.get("X-Content-Type-Options")).toBe("nosniff");
  const text = await response.text();
  expect(JSON.parse(text).code).toBe("STATUS_INTERNAL");
  expect(text).not.toContain("secret");
  expect(errors).toEqual([broken]);
});
