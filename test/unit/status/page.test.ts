import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";

import * as fc from "fast-check";

import type { Snapshot } from "../../../src/status/index.ts";
import { pageScript } from "../../../src/status/page-script.ts";
import { headline } from "../../../src/status/page-view.ts";
import { pagePolicy, renderLockedPage, renderPage } from "../../../src/status/page.ts";
import {
  directorSnapshot,
  failoverSnapshot,
  serverSnapshot,
  serviceSnapshot,
  statusEvent,
} from "../../helpers/fake-status-source.ts";

const numRuns = Number(process.env["FUZZ_RUNS"] ?? 50);
const seed = process.env["FUZZ_SEED"];
const parameters = { numRuns, ...(seed === undefined ? {} : { seed: Number(seed) }) };

/** Tags of a page, without attributes: `<b>` of a text would show up here. */
function tagsOf(page: string): string[] {
  return [...page.matchAll(/<(\/?[a-z!][a-z0-9]*)/gi)].map(([, tag]) => tag!);
}

/** Text that a reader sees within `main`. */
function textOf(page: string): string {
  const main = /<main[^>]*>([\s\S]*)<\/main>/.exec(page)![1]!;
  return main.replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ");
}

/** A snapshot in which every text is `text`. */
function filledWith(text: string): Snapshot {
  const server = serverSnapshot({
    key: text,
    host: `${text}2`,
    reason: text,
    check: { type: text, at: text, tookMs: 1, ok: false, detail: `${text}3`, failures: 1 },
  });
  return directorSnapshot({
    ready: false,
    notReady: [text],
    program: { version: text, commit: text },
    configuration: {
      files: [text],
      loadedAt: text,
      lastReloadSuccessful: false,
      lastReloadError: text,
    },
    services: [
      serviceSnapshot({
        name: text,
        listen: [text],
        engine: text,
        scheduler: text,
        state: "down",
        reason: text,
        fallback: { key: text, active: true },
        realServers: [server],
      }),
    ],
    failover: {
      ...failoverSnapshot({
        name: text,
        addresses: Array.from({ length: 7 }, () => text),
        cause: text,
        blockedBy: `${text}2`,
        changedAt: text,
        heard: { address: text, priority: 1, at: text },
      }),
      fence: { kind: "none", reason: text },
    },
    events: [statusEvent(1, { at: text, service: text, server: text, text })],
  });
}

describe("renderPage", () => {
  test("shows services, real servers with state, check and reason, and events", () => {
    const down = serverSnapshot({
      key: "192.0.2.12:80",
      host: "192.0.2.12",
      health: "down",
      effectiveWeight: 0,
      reason: "status 503, expected 200-299",
      check: {
        type: "http",
        at: "2026-03-01T10:00:59.000Z",
        tookMs: 4,
        ok: false,
        detail: "status 503, expected 200-299",
        failures: 2,
      },
    });
    const services = [serviceSnapshot({ realServers: [serverSnapshot(), down] })];
    const events = [statusEvent(1, { text: "Real server is down: status 503" })];
    const text = textOf(renderPage(directorSnapshot({ services, events })));
    for (const part of [
      "1 of 1 services up",
      "web ● up",
      "tcp 192.0.2.100:80 · proxy · wlc",
      "1 of 2 real servers up",
      "192.0.2.11:80 ● up 1 3 134 281 kB 384 kB http ok, 1.5 ms, 2 s ago",
      "192.0.2.12:80 ✕ down 0 (of 1) 3 134 281 kB 384 kB http failed, 4 ms, 1 s ago status 503, expected 200-299",
      "30 s ago web 192.0.2.11:80 Real server is down: status 503",
    ]) {
      expect(text).toContain(part);
    }
  });

  test("has rates in place of totals once they are known", () => {
    const rates = { cps: 3.42, inPps: 1, outPps: 1, inBps: 15_234, outBps: 1_234_567 };
    const services = [serviceSnapshot({ rates, realServers: [serverSnapshot({ rates })] })];
    const text = textOf(renderPage(directorSnapshot({ services })));
    expect(text).toContain("new 3.4/s in 15 kB/s out 1.2 MB/s");
  });

  test("adds what the last check said when the reason is another one", () => {
    const server = serverSnapshot({
      reason: "draining by uid 0",
      admin: "draining",
      check: {
        type: "http",
        at: "2026-03-01T10:00:59.000Z",
        tookMs: 4,
        ok: false,
        detail: "refused",
        failures: 1,
      },
    });
    const page = renderPage(
      directorSnapshot({ services: [serviceSnapshot({ realServers: [server] })] }),
    );
    expect(textOf(page)).toContain("draining by uid 0 (last check: refused)");
  });

  test("keeps a service with 500 real servers readable: what needs attention first", () => {
    const realServers = Array.from({ length: 500 }, (_, index) =>
      serverSnapshot({
        key: `192.0.2.1:${index + 1}`,
        ...(index === 400 ? { health: "down" as const } : {}),
      }),
    );
    const page = renderPage(directorSnapshot({ services: [serviceSnapshot({ realServers })] }));
    const [before, after] = page.split("<details>") as [string, string];
    expect(before.match(/<tr role="row" data-key=/g)!.length).toBe(1);
    expect(before).toContain("192.0.2.1:401");
    expect(after.match(/<tr role="row" data-key=/g)!.length).toBe(500);
  });

  test("is bounded for 5,000 services", () => {
    const services = Array.from({ length: 5000 }, (_, index) =>
      serviceSnapshot({ name: `s${index}` }),
    );
    const page = renderPage(directorSnapshot({ services }));
    expect(page.match(/aria-label="Virtual service/g)!.length).toBe(3000);
    expect(textOf(page)).toContain("5,000 of 5,000 services up");
  });

  test("shows a service that is down before those that are up", () => {
    const services = [
      serviceSnapshot({ name: "good" }),
      serviceSnapshot({ name: "bad", state: "down", reason: "no real server is up" }),
    ];
    const text = textOf(renderPage(directorSnapshot({ services })));
    expect(text.indexOf("bad ✕ down")).toBeLessThan(text.indexOf("good ● up"));
  });

  test.each([
    ["192.0.2.1:80", "192.0.2.1", ""],
    ["[2001:db8::1]:80", "2001:db8::1", ""],
    ["web.example:80", "web.example", ""],
    ["192.0.2.1:80", "web.example", " web.example"],
    ["[2001:db8::1]:80", "web.example", " web.example"],
  ])("shows %s of %s with its name if it has one", (key, host, name) => {
    const realServers = [serverSnapshot({ key, host, port: 80 })];
    const page = renderPage(directorSnapshot({ services: [serviceSnapshot({ realServers })] }));
    expect(textOf(page)).toContain(`Last check Why ${key}${name} ● up`);
  });

  test("makes no markup from any text", () => {
    const render = (text: string): string => renderPage(filledWith(text), { isChangeable: true });
    const plain = tagsOf(render("x"));
    const hostile = fc.oneof(
      fc.constantFrom(
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "'><svg/onload=alert(1)>",
        "</main></body><script>",
        "</style><!--",
        "&lt;b&gt;",
      ),
      fc.string({ minLength: 1 }),
    );
    fc.assert(
      fc.property(hostile, (text) => {
        const page = render(text);
        expect(tagsOf(page)).toEqual(plain);
        expect(page).not.toContain("<script>alert");
      }),
      parameters,
    );
  });

  test("has no external asset and no handler in an attribute", () => {
    const page = renderPage(directorSnapshot());
    expect(page).not.toMatch(/(?:src|href)="(?!data:)/);
    expect(page).not.toMatch(/ on[a-z]+="/);
    expect(page).not.toMatch(/ style="/);
    expect(page).toContain('name="viewport"');
    expect(page).toContain('lang="en"');
  });
});

test.each([
  ["renderPage", renderPage(directorSnapshot()), false],
  ["renderPage", renderPage(directorSnapshot(), { isChangeable: true }), true],
  ["renderLockedPage", renderLockedPage("A token is needed"), false],
  ["renderLockedPage", renderLockedPage("A token is needed", { isChangeable: true }), true],
])("%s asks for a write token only where there is one %#", (_name, page, expected) => {
  expect(page.includes('id="write-token"')).toBe(expected);
  expect(page).not.toMatch(/<html[^>]*data-write/);
});

test.each([
  [{}, "1 of 1 services up"],
  [
    { failover: failoverSnapshot({ state: "backup" }) },
    "1 of 1 services up, active for 0 of 1 virtual router",
  ],
])("headline of %j", (changes, expected) => {
  expect(headline(directorSnapshot(changes))).toBe(expected);
});

describe("pagePolicy", () => {
  function hash(text: string): string {
    return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  }

  test.each([
    ["the page", renderPage(directorSnapshot())],
    ["the page that asks for the token", renderLockedPage("A token is needed")],
  ])("allows exactly style and script of %s", (_name, page) => {
    const script = /<script>([\s\S]*?)<\/script>/.exec(page)![1]!;
    const style = /<style>([\s\S]*?)<\/style>/.exec(page)![1]!;
    expect(pagePolicy).toBe(
      [
        "default-src 'none'",
        `script-src ${hash(script)}`,
        `style-src ${hash(style)}`,
        "img-src data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
      ].join("; "),
    );
  });
});

describe("pageScript", () => {
  test("keeps the write token in memory", () => {
    expect(pageScript).not.toContain("localStorage");
    const stored = [...pageScript.matchAll(/sessionStorage[.]setItem[(]([^)]*)[)]/g)];
    expect(stored.map(([, what]) => what)).toEqual(['"appliance-token", token']);
  });

  test("is a script that parses", () => {
    expect(() => new Bun.Transpiler({ loader: "js" }).transformSync(pageScript)).not.toThrow();
  });

  test("never makes markup from text", () => {
    expect(pageScript).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval/);
  });
});
