/**
 * How the live page looks and sounds in a real browser, Debian's Chromium: narrow and wide, light
 * and dark, by keyboard and to a screen reader, with everything in it that can be shown.
 *
 * With APPLIANCE_PHOTOGRAPHS=FOLDER each look is left there as a picture, for people.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { startStatusServer } from "../../src/status/index.ts";
import type { FailoverSnapshot, ServerSnapshot, StatusServer } from "../../src/status/index.ts";
import { startBrowser } from "../helpers/browser.ts";
import type { Browser, BrowserPage, PageLook } from "../helpers/browser.ts";
import { copiedEntries } from "../helpers/copied-entries.ts";
import {
  createFakeStatusSource,
  failoverSnapshot,
  serverSnapshot,
  serviceSnapshot,
  statusEvent,
} from "../helpers/fake-status-source.ts";
import type { FakeStatusSource } from "../helpers/fake-status-source.ts";
import { requirePeer } from "../helpers/require-peer.ts";

const needs = requirePeer("chromium");

const writeToken = "w".repeat(40);
/** A browser's start takes seconds on a busy machine. */
const testTimeoutMs = 60_000;

const rates = { cps: 343.42, inPps: 1, outPps: 1, inBps: 15_234, outBps: 1_234_567 };

function down(key: string, host: string, reason: string): ServerSnapshot {
  const check = {
    type: "http",
    at: "2026-03-01T10:00:59.000Z",
    tookMs: 4,
    ok: false,
    detail: reason,
    failures: 2,
  };
  const health = "down" as const;
  return serverSnapshot({ key, host, health, effectiveWeight: 0, reason, rates, check });
}

/** Three virtual routers, of which one is well; without fence, guard and peer. */
function troubledFailover(): FailoverSnapshot {
  const addresses = Array.from({ length: 9 }, (_, index) => `192.0.2.${100 + index}`);
  const healthy = failoverSnapshot({ addresses });
  const one = healthy.routers[0]!;
  const heard = { address: "192.0.2.3", priority: 200, at: "2026-03-01T10:00:59.700Z" };
  const backup = { state: "backup", leaseRemainingMs: 0 } as const;
  return {
    ...healthy,
    fence: { kind: "none", reason: "the kernel refuses BPF programs" },
    guard: false,
    peer: {
      reachable: false,
      heardAgeMs: 4200,
      answeredAgeMs: null,
      roundTripMs: 0.4,
      configuration: "different",
      tables: "same",
      boots: 1,
      sent: 10,
      unsent: 0,
      dropped: 0,
      unmatched: 0,
      received: {},
      copy: {
        connected: false,
        complete: false,
        lagMs: 2300,
        clientsSent: 1,
        clientsReceived: 1,
        clientsTaken: 1,
        clients: copiedEntries,
        connections: copiedEntries,
      },
    },
    routers: [
      one,
      { ...one, ...backup, name: "inside", vrid: 52, addresses: ["10.0.0.1"], heard },
      {
        ...one,
        ...backup,
        name: "third",
        vrid: 53,
        addresses: ["2001:db8::53"],
        cause: "startup",
        blockedBy: "carrier",
        conflicts: 3,
      },
    ],
  };
}

function troubledDirector(): FakeStatusSource {
  return createFakeStatusSource({
    failover: troubledFailover(),
    services: [
      serviceSnapshot({
        name: "api",
        rates,
        fallback: { key: "127.0.0.1:8080", active: false },
        realServers: [
          serverSnapshot({ rates }),
          down("192.0.2.12:80", "192.0.2.12", "status 503, expected 200-299"),
          serverSnapshot({
            key: "192.0.2.13:80",
            host: "web3.a-rather-long-name.example.net",
            admin: "draining",
            effectiveWeight: 0,
            reason: "draining by uid 0",
            rates,
          }),
        ],
      }),
      serviceSnapshot({
        name: "a service with quite a long name",
        state: "down",
        reason: "no real server is up",
        forwarding: "gate",
        engine: "bpf",
        engineReason: "the kernel has no ip_vs",
        listen: ["192.0.2.100:443", "[2001:db8:1111:2222:3333:4444:5555:6666]:443"],
        rates,
        realServers: [
          down("[2001:db8::1]:80", "2001:db8::1", `answered ${"unexpectedly".repeat(8)}`),
          down("192.0.2.32:80", "192.0.2.32", "timeout"),
        ],
      }),
    ],
    events: Array.from({ length: 8 }, (_, index) =>
      statusEvent(8 - index, { text: "Real server is down: status 503" }),
    ),
  });
}

/** Texts of the page that stand out too little from what is behind them (WCAG 2.2, 1.4.3). */
const faintTexts = `(() => {
  const numbers = (color) => color.match(/[0-9.]+/g).map(Number);
  const luminance = (color) => {
    const [red, green, blue] = numbers(color).map((part) => {
      const value = part / 255;
      return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (node) => {
    for (let at = node; at !== null; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (numbers(color)[3] !== 0) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const faint = [];
  for (const node of document.querySelectorAll("body *")) {
    const hasText = [...node.childNodes].some((one) => one.nodeType === 3 && one.data.trim());
    if (!hasText || !node.checkVisibility() || node.localName === "script") continue;
    const pair = [luminance(getComputedStyle(node).color), luminance(behind(node))];
    const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    if (ratio < 4.5) faint.push(node.textContent + " " + ratio.toFixed(2));
  }
  return faint;
})()`;

describe.skipIf(needs.skip)("the page with everything in it", () => {
  let browser: Browser;
  let server: StatusServer;
  let source: FakeStatusSource;

  beforeAll(async () => {
    source = troubledDirector();
    const listen = { address: "127.0.0.1", port: 0 };
    server = await startStatusServer({ source, listen, writeTokens: [writeToken] });
    browser = await startBrowser();
  }, testTimeoutMs);
  afterAll(async () => {
    await browser[Symbol.asyncDispose]();
    await server.stop();
  }, testTimeoutMs);

  function open(look: PageLook): Promise<BrowserPage> {
    return browser.open(`http://127.0.0.1:${server.endpoint!.port}/`, look);
  }

  async function allowChanges(page: BrowserPage): Promise<void> {
    await page.click("#access summary");
    await page.click("#write-token");
    await page.type(writeToken);
    await page.press("Enter");
    await page.waitUntil("document.documentElement.dataset.write !== undefined", {
      what: "permission",
    });
  }

  test.each([
    ["phone", { width: 390, height: 844 }],
    ["phone-dark", { width: 390, height: 844, isDark: true }],
    ["small-phone", { width: 320, height: 640 }],
    ["tablet", { width: 800, height: 1100 }],
    ["wide", { width: 1280, height: 900 }],
    ["wide-dark", { width: 1280, height: 900, isDark: true }],
  ] satisfies [string, PageLook][])(
    "fits a window of the kind %s, and every text stands out from what is behind it",
    async (name, look) => {
      await using page = await open(look);
      await allowChanges(page);
      expect(await page.evaluate<string[]>(faintTexts)).toEqual([]);
      const [content, window] = await page.evaluate<[number, number]>(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]",
      );
      expect(content).toBeLessThanOrEqual(window);
      const folder = process.env["APPLIANCE_PHOTOGRAPHS"];
      if (folder === undefined) return;
      mkdirSync(folder, { recursive: true });
      await page.photograph(join(folder, `${name}.png`));
    },
    testTimeoutMs,
  );

  test.each([
    ["wide", 1280, ["cell 192.0.2.3", "cell ▲ backup, blocked", "cell ✕ down"]],
    // Without heads of columns each cell has the name of its own.
    ["phone", 390, ["cell Owner 192.0.2.3", "cell State here ▲ backup, blocked"]],
  ] as const)(
    "tells a screen reader headings, tables and states: %s",
    async (_name, width, cells) => {
      await using page = await open({ width, height: 900 });
      const told = await page.readAloud();
      for (const part of [
        "main",
        "heading appliance",
        "heading Now",
        "region What needs attention",
        "heading Failover",
        "region Failover",
        "list Protection",
        "list Peer channel",
        "table This director owns the addresses of 1 of 3 virtual routers",
        "columnheader Owner",
        "rowheader inside VRID 52 10.0.0.1",
        "region Virtual service api",
        "table 2 of 3 real servers up",
        ...cells,
        "region Last events",
      ]) {
        expect(told).toContain(part);
      }
      expect(told.filter((part) => part.startsWith("heading "))).toEqual([
        "heading appliance",
        "heading Now",
        "heading Failover",
        "heading a service with quite a long name",
        "heading api",
        "heading Last events",
      ]);
    },
    testTimeoutMs,
  );

  test(
    "announces the headline and the newest event, not each number that moves",
    async () => {
      await using page = await open({ width: 1280, height: 900 });
      await page.evaluate(`{
        window.announced = [];
        new MutationObserver(() => {
          window.announced.push(document.querySelector("main [role=status]").textContent);
        }).observe(document.querySelector("main [role=status]"), {
          characterData: true, childList: true, subtree: true,
        });
      }`);
      const services = source
        .snapshot()
        .services.map((service, index) =>
          index === 0 ? { ...service, activeConnections: 4711 } : service,
        );
      source.set({ services });
      const event = statusEvent(9, { text: "public is backup (outranked)", kind: "failover" });
      const text = "1 of 2 services up, active for 1 of 3 virtual routers. " + event.text;
      await page.waitUntil("document.querySelector('main').innerText.includes('4,711')", {
        what: "new number",
      });
      expect(await page.evaluate<string[]>("window.announced")).toEqual([]);
      source.emit(event);
      await page.waitUntil("window.announced.length > 0", { what: "announcement" });
      expect(await page.evaluate<string[]>("window.announced")).toEqual([text]);
      const live = "[...document.querySelectorAll('[role=status], [role=alert], [aria-live]')]";
      expect(await page.evaluate<string[]>(`${live}.map((node) => node.localName)`)).toEqual([
        "p",
        "p",
        "p",
      ]);
    },
    testTimeoutMs,
  );

  test(
    "is walked through by Tab in the order shown, and shows where one is",
    async () => {
      await using page = await open({ width: 1280, height: 900 });
      const focused = "document.activeElement.ariaLabel ?? document.activeElement.textContent";
      const walked: string[] = [];
      for (let step = 0; step < 9; step++) {
        await page.press("Tab");
        const outline = "getComputedStyle(document.activeElement).outlineStyle";
        expect(await page.evaluate<string>(outline)).toBe("solid");
        walked.push(await page.evaluate<string>(focused));
      }
      expect(walked).toEqual([
        "Filter real servers",
        "Change servers",
        "Failover",
        "Failover",
        "a service with quite a long name",
        "Failover",
        "Failover",
        "api",
        "3 more addresses",
      ]);
    },
    testTimeoutMs,
  );
});
