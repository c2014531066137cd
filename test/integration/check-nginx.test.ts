/**
 * Health checks against nginx, over HTTP, HTTPS and behind the PROXY protocol: what a user's real
 * servers do when they are well, ill, stuck or dead.
 *
 * @module
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { createCheckFactory, createHealthRunner } from "../../src/check/index.ts";
import type { CheckFactory } from "../../src/check/index.ts";
import { systemClock } from "../../src/clock/index.ts";
import type { HttpCheckSpec } from "../../src/model/index.ts";
import { createAuthority } from "../helpers/certificates.ts";
import type { Authority } from "../helpers/certificates.ts";
import { checkSpec, checkTarget, httpSpec, negotiateSpec } from "../helpers/check-fixture.ts";
import { startNginx } from "../helpers/nginx.ts";
import type { Nginx } from "../helpers/nginx.ts";
import { freePorts } from "../helpers/port.ts";
import { runProcess } from "../helpers/process.ts";
import { requirePeer } from "../helpers/require-peer.ts";
import { waitFor } from "../helpers/wait.ts";

const peers = requirePeer("nginx", "openssl");

/** Ports of one nginx: TLS with a good, a wrongly named and an expired certificate, PROXY. */
interface Site {
  readonly nginx: Nginx;
  readonly good: number;
  readonly expired: number;
  readonly proxy: number;
}

async function startSite(authority: Authority): Promise<Site> {
  const good = authority.issue("good", "DNS:www.example.org");
  const old = authority.issue("old", "DNS:www.example.org", { expired: true });
  const [goodPort, expired, proxy] = await freePorts(3);
  const tls = (port: number, { certFile, keyFile }: typeof good): string =>
    `server { listen 127.0.0.1:${port} ssl; ssl_certificate ${certFile}; ` +
    `ssl_certificate_key ${keyFile}; location / { return 200 "Test Page over TLS\n"; } }`;
  // The block that the helper writes is left and entered again.
  const directives = `
    location = /error { return 503; }
    location = /away { return 302 /index.html; }
    location = /login { return 302 https://www.example.org:${goodPort}/; }
    location = /name { return 200 "$host\n"; }
  }
  ${tls(goodPort!, good)} ${tls(expired!, old)}
  server {
    listen 127.0.0.1:${proxy} proxy_protocol;
    location / { return 200 "Test Page\n"; }`;
  const pages = { "index.html": "<h1>Test Page</h1>\n", "wrong.html": "Maintenance\n" };
  return {
    nginx: await startNginx({ pages, directives }),
    good: goodPort!,
    expired: expired!,
    proxy: proxy!,
  };
}

describe.skipIf(peers.skip)("a check of nginx", () => {
  let authority: Authority;
  let site: Site;
  let factory: CheckFactory;

  beforeAll(async () => {
    authority = createAuthority();
    site = await startSite(authority);
    factory = createCheckFactory(systemClock, "nobody");
  });
  afterAll(async () => {
    factory.close();
    await site.nginx[Symbol.asyncDispose]();
    authority[Symbol.dispose]();
  });
  afterEach(() => site.nginx.process.kill("SIGCONT"));

  async function outcome(
    http: Partial<HttpCheckSpec>,
    port = site.nginx.port,
    target: Parameters<typeof checkTarget>[1] = {},
  ): Promise<string> {
    const spec = negotiateSpec(httpSpec({ receive: "Test Page", ...http }));
    const result = await factory.create(spec, "tcp").run(checkTarget(port, target), 2000);
    return result.up ? "up" : `${result.reason}: ${result.detail}`;
  }

  test.each<[string, Partial<HttpCheckSpec>, string | RegExp]>([
    ["the page", { request: "/index.html" }, "up"],
    [
      "a page without what is looked for",
      { request: "/wrong.html" },
      "no-match: Test Page is not in the 12 bytes of the page",
    ],
    ["no page", { request: "/none.html" }, "bad-status: status 404, expected 200-299"],
    ["an error", { request: "/error" }, "bad-status: status 503, expected 200-299"],
    [
      "an error that the user wants",
      { request: "/error", statuses: [[503, 503]], receive: undefined },
      "up",
    ],
    [
      "a redirect that is not followed",
      { request: "/away" },
      /^bad-status: status 302 to \S+, expected 200-299$/,
    ],
    ["a redirect that is followed", { request: "/away", redirectsMax: 1 }, "up"],
    [
      "a virtual host",
      { request: "/name", virtualHost: "web.example.org", receive: "^web.example.org$" },
      "up",
    ],
  ])("of %s", async (_name, http, expected) => {
    const found = await outcome(http);
    if (typeof expected === "string") expect(found).toBe(expected);
    else expect(found).toMatch(expected);
  });

  test.each(["v1", "v2"] as const)("with the PROXY header %s", async (sendProxy) => {
    expect(await outcome({}, site.proxy, { sendProxy })).toBe("up");
  });

  test("without the PROXY header that it expects", async () => {
    expect(await outcome({}, site.proxy)).toBe("closed: closed before an answer");
  });

  describe("over TLS", () => {
    const named = { tls: true, virtualHost: "www.example.org" };

    test("of a certificate of the authority", async () => {
      expect(await outcome({ ...named, caFile: authority.caFile }, site.good)).toBe("up");
    });

    test("of a redirect from http", async () => {
      const http = { request: "/login", redirectsMax: 1, caFile: authority.caFile };
      expect(await outcome(http)).toBe("up");
    });

    test("of a certificate for another name", async () => {
      const http = { ...named, caFile: authority.caFile, serverName: "other.example.org" };
      expect(await outcome(http, site.good)).toMatch(/^tls: ERR_TLS_CERT_ALTNAME_INVALID: /);
    });

    test("of a certificate that has expired", async () => {
      const http = { ...named, caFile: authority.caFile };
      expect(await outcome(http, site.expired)).toBe(
        "tls: CERT_HAS_EXPIRED: certificate has expired",
      );
    });

    test("of a certificate that the system does not know", async () => {
      expect(await outcome(named, site.good)).toMatch(/^tls: UNABLE_TO_/);
    });

    test("of any certificate, without verification", async () => {
      expect(await outcome({ ...named, verify: false }, site.expired)).toBe("up");
    });

    test("with a file of authorities that is missing", async () => {
      const http = { ...named, caFile: "/nonexistent/ca.pem" };
      expect(await outcome(http, site.good)).toMatch(/^tls: Cannot read \/nonexistent\/ca.pem: /);
    });

    test("of a port that speaks plain HTTP", async () => {
      expect(await outcome({ ...named, verify: false })).toMatch(/^tls: /);
    });
  });

  test("that is stopped: the handshake passes, the page does not come", async () => {
    site.nginx.process.kill("SIGSTOP");
    const target = checkTarget(site.nginx.port);
    const page = factory.create(negotiateSpec(httpSpec()), "tcp");
    const port = factory.create(checkSpec(), "tcp");
    expect(await page.run(target, 200)).toMatchObject({ up: false, reason: "timeout" });
    expect(await port.run(target, 200)).toMatchObject({ up: true });
  });

  test("leaves no connection in TIME_WAIT on either side", async () => {
    const { port } = site.nginx;
    for (let round = 0; round < 20; round++)
      expect(await outcome({ request: "/index.html" })).toBe("up");
    const connect = factory.create(checkSpec(), "tcp");
    for (let round = 0; round < 20; round++) await connect.run(checkTarget(port), 1000);
    const states = await runProcess([
      "ss",
      "-Htan",
      "state",
      "time-wait",
      `( sport = :${port} or dport = :${port} )`,
    ]);
    expect(states.status).toBe(0);
    expect(states.stdout).toBe("");
  });
});

test.skipIf(peers.skip)("the runner follows an nginx through its troubles", async () => {
  await using nginx = await startNginx({ pages: { "index.html": "Test Page\n" } });
  const page = join(nginx.root, "index.html");
  const changes: string[] = [];
  const runner = createHealthRunner({
    clock: systemClock,
    concurrencyMax: 100,
    scriptUser: "nobody",
    onChange: (_id, { health, reason }) => void changes.push(`${health}: ${reason}`),
  });
  const spec = negotiateSpec(httpSpec({ receive: "Test Page" }), {
    intervalMs: 50,
    timeoutMs: 150,
    fastIntervalMs: 10,
  });
  const next = async (expected: string): Promise<void> => {
    await waitFor(() => changes.length > 0, { what: expected });
    expect(changes.shift()).toBe(expected);
  };
  runner.apply([{ id: "web", spec, target: checkTarget(nginx.port) }]);
  await next("up: the check passed");
  nginx.process.kill("SIGSTOP");
  await next("down: timeout: no complete answer within 150 ms");
  nginx.process.kill("SIGCONT");
  await next("up: the check passed");
  writeFileSync(page, "Maintenance\n");
  await next("down: no-match: Test Page is not in the 12 bytes of the page");
  writeFileSync(page, "Test Page\n");
  await next("up: the check passed");
  rmSync(page);
  await next("down: bad-status: status 403, expected 200-299");
  writeFileSync(page, "Test Page\n");
  await next("up: the check passed");
  nginx.process.kill("SIGKILL");
  await waitFor(() => changes.length > 0, { what: "down after the kill" });
  expect(changes.shift()).toMatch(/^down: (?:refused|closed|reset): /);
  expect(runner.metrics().failures["timeout"]).toBeGreaterThan(1);
  await runner.close();
});
