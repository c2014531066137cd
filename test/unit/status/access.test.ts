import { describe, expect, test } from "bun:test";

import { hostOf, isHostAllowed } from "../../../src/status/access.ts";
import type { RequestOrigin } from "../../../src/status/access.ts";
import { createStatusApp } from "../../../src/status/app.ts";
import { createFakeStatusSource } from "../../helpers/fake-status-source.ts";

const readToken = "read-0123456789abcdef0123456789ab";
const writeToken = "write-0123456789abcdef0123456789a";
const change = JSON.stringify({ action: "drain", server: "192.0.2.11:80" });

interface Ask {
  readonly path?: string;
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly origin?: RequestOrigin;
}

function createFixture(tokens: { readTokens?: string[]; writeTokens?: string[] }) {
  const source = createFakeStatusSource();
  const app = createStatusApp(source, { ...tokens, listenAddress: "192.0.2.1" });
  const ask = async (method: "GET" | "POST", { path, token, headers, origin }: Ask = {}) => {
    const isChange = method === "POST";
    const request = new Request(
      `http://127.0.0.1:9780${path ?? (isChange ? "/servers/change" : "/status")}`,
      {
        method,
        headers: {
          Host: "127.0.0.1:9780",
          "Content-Type": "application/json",
          ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
          ...headers,
        },
        ...(isChange ? { body: change } : {}),
      },
    );
    const response = await app.fetch(request, origin ?? { via: "tcp" });
    const text = await response.text();
    const { code } = (text.startsWith("{") ? JSON.parse(text) : {}) as { code?: string };
    return { status: response.status, code, text, headers: response.headers };
  };
  return { source, ask };
}

describe("accessControl over TCP, by configured tokens and the token sent", () => {
  const both = { readTokens: [readToken], writeTokens: [writeToken] };
  const write = { writeTokens: [writeToken] };
  const read = { readTokens: [readToken] };
  test.each([
    ["no token configured, none sent", {}, undefined, 200, 403],
    ["no token configured, one sent", {}, writeToken, 200, 403],
    ["write token configured, none sent", write, undefined, 200, 401],
    ["write token configured, a wrong one sent", write, "wrong", 200, 401],
    ["write token configured, it is sent", write, writeToken, 200, 200],
    ["read token configured, none sent", read, undefined, 401, 403],
    ["read token configured, it is sent", read, readToken, 200, 403],
    ["both configured, none sent", both, undefined, 401, 401],
    ["both configured, a wrong one sent", both, "wrong", 401, 401],
    ["both configured, a longer one sent", both, `${readToken}x`, 401, 401],
    ["both configured, the read token sent", both, readToken, 200, 403],
    ["both configured, the write token sent", both, writeToken, 200, 200],
  ])("%s", async (_name, tokens, token, get, post) => {
    const { source, ask } = createFixture(tokens);
    expect((await ask("GET", { token })).status).toBe(get);
    expect((await ask("POST", { token })).status).toBe(post);
    expect(source.changes.length).toBe(post === 200 ? 1 : 0);
  });

  test.each([
    "/",
    "/status",
    "/status/schema",
    "/metrics",
    "/events",
    "/config",
    "/connections",
    "/nowhere",
  ])("%s needs the read token", async (path) => {
    const { ask } = createFixture(both);
    const { status, code, headers } = await ask("GET", { path });
    expect([status, code, headers.get("WWW-Authenticate")]).toEqual([
      401,
      "STATUS_TOKEN",
      'Bearer realm="appliance"',
    ]);
  });

  test.each(["/healthz", "/readyz"])("%s needs none", async (path) => {
    const { ask } = createFixture(both);
    expect((await ask("GET", { path })).status).toBe(200);
  });

  test("takes a token from the Authorization header only", async () => {
    const { ask } = createFixture(both);
    const elsewhere = [
      { path: `/status?token=${readToken}` },
      { path: `/status?access_token=${readToken}` },
      { headers: { Cookie: `token=${readToken}` } },
      { headers: { Authorization: `Basic ${readToken}` } },
      { headers: { Authorization: readToken } },
    ];
    for (const asked of elsewhere) expect((await ask("GET", asked)).status).toBe(401);
  });

  test("gives a browser a page that asks for the token, without data", async () => {
    const { ask } = createFixture(both);
    const { status, text } = await ask("GET", { path: "/", headers: { Accept: "text/html,*/*" } });
    expect(status).toBe(401);
    expect(text).toContain('id="token"');
    expect(text).not.toContain("192.0.2.11");
  });

  test("says why nothing can be changed", async () => {
    const { ask } = createFixture({});
    const { code, text } = await ask("POST");
    expect(code).toBe("STATUS_READ_ONLY");
    expect(text).toContain("No write token is configured");
  });

  test("writes down a change as one by token", async () => {
    const { source, ask } = createFixture(both);
    await ask("POST", { token: writeToken });
    expect(source.changes[0]!.by).toBe("http token");
  });

  test("a request without an origin counts as TCP", async () => {
    const app = createStatusApp(createFakeStatusSource(), { readTokens: [readToken] });
    const response = await app.fetch(
      new Request("http://localhost/status", { headers: { Host: "localhost" } }),
      undefined as never,
    );
    expect(response.status).toBe(401);
  });
});

describe("accessControl, Host and Origin", () => {
  test.each([
    ["evil.example", 403],
    ["192.0.2.2:9780", 403],
    ["localhost.evil.example", 403],
    ["", 403],
    ["192.0.2.1:9780", 200],
    ["localhost:9780", 200],
    ["[::1]:9780", 200],
  ])("Host %p: %d", async (Host, expected) => {
    const { ask } = createFixture({});
    const { status, code } = await ask("GET", { headers: { Host } });
    expect(status).toBe(expected);
    if (expected === 403) expect(code).toBe("STATUS_HOST");
  });

  test("a foreign Host is refused on /healthz and with a token as well", async () => {
    const { ask } = createFixture({ readTokens: [readToken] });
    const headers = { Host: "evil.example" };
    expect((await ask("GET", { path: "/healthz", headers })).status).toBe(403);
    expect((await ask("GET", { token: readToken, headers })).status).toBe(403);
  });

  test.each([
    [{ Origin: "http://127.0.0.1:9780" }, 200],
    [{ "Sec-Fetch-Site": "same-origin", Origin: "http://127.0.0.1:9780" }, 200],
    [{ Origin: "http://evil.example" }, 403],
    [{ Origin: "https://127.0.0.1:9780" }, 403],
    [{ Origin: "http://127.0.0.1:9781" }, 403],
    [{ Origin: "null" }, 403],
    [{ "Sec-Fetch-Site": "cross-site" }, 403],
    [{ "Sec-Fetch-Site": "same-site" }, 403],
  ] as [Record<string, string>, number][])("POST with %j: %d", async (headers, expected) => {
    const { source, ask } = createFixture({ writeTokens: [writeToken] });
    const { status, code } = await ask("POST", { token: writeToken, headers });
    expect(status).toBe(expected);
    if (expected === 403) expect(code).toBe("STATUS_ORIGIN");
    expect(source.changes.length).toBe(expected === 200 ? 1 : 0);
  });
});

describe("accessControl over the control socket", () => {
  test("needs no token and no Host", async () => {
    const { source, ask } = createFixture({ readTokens: [readToken], writeTokens: [writeToken] });
    const origin = { via: "control", uid: 1000 } as const;
    const headers = { Host: "whatever", Origin: "http://evil.example" };
    expect((await ask("GET", { origin, headers })).status).toBe(200);
    expect((await ask("POST", { origin, headers })).status).toBe(200);
    expect(source.changes[0]!.by).toBe("uid 1000");
  });

  test("says so when the uid is not known", async () => {
    const { source, ask } = createFixture({});
    await ask("POST", { origin: { via: "control" } });
    expect(source.changes[0]!.by).toBe("control socket");
  });
});

describe("hostOf", () => {
  test.each([
    ["localhost", "localhost"],
    ["LocalHost:80", "localhost"],
    ["192.0.2.1:65535", "192.0.2.1"],
    ["[2001:DB8:0:0::1]:80", "2001:db8::1"],
    ["2001:db8::1", undefined],
    ["a b", undefined],
    ["host:", undefined],
    ["user@host", undefined],
    ["host/path", undefined],
  ])("%p is %p", (header, expected) => expect(hostOf(header)).toBe(expected));
});

describe("isHostAllowed", () => {
  const names = { hostNames: ["lb1"] };
  test.each([
    ["lb1:9780", "192.0.2.1", true],
    ["lb2:9780", "192.0.2.1", false],
    ["198.51.100.1", "0.0.0.0", true],
    ["[2001:db8::1]", "::", true],
    ["evil.example", "0.0.0.0", false],
    ["198.51.100.1", undefined, false],
  ])("%p at %p: %p", (header, listenAddress, expected) => {
    expect(isHostAllowed(header, { ...names, listenAddress })).toBe(expected);
  });

  test("a request without the header is refused", () => {
    expect(isHostAllowed(undefined, { ...names, listenAddress: "127.0.0.1" })).toBe(false);
  });
});
