/**
 * The live page of the built executable in a real browser, Debian's Chromium: it follows what
 * happens, and changes what it is told to.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { startBrowser } from "../helpers/browser.ts";
import type { Browser, BrowserPage, PageLook } from "../helpers/browser.ts";
import { formatService, quickHttpCheck } from "../helpers/director-config.ts";
import { readServer, waitForHealth } from "../helpers/director-view.ts";
import { startDirector } from "../helpers/director.ts";
import type { Director } from "../helpers/director.ts";
import { startMoodyServer } from "../helpers/moody-server.ts";
import type { MoodyServer } from "../helpers/moody-server.ts";
import { freePort } from "../helpers/port.ts";
import { requireAll, requireExecutable, requirePeer } from "../helpers/require-peer.ts";
import { createTempFolder } from "../helpers/temp-folder.ts";

const needs = requireAll(requirePeer("chromium"), requireExecutable());

const wide: PageLook = { width: 1280, height: 900 };
const readToken = "r".repeat(40);
const writeToken = "w".repeat(40);
/** For tests that start a browser's page and a director on a busy machine. */
const testTimeoutMs = 60_000;

interface Site extends AsyncDisposable {
  readonly director: Director;
  readonly one: MoodyServer;
  readonly two: MoodyServer;
}

/** A director with one service of two real servers, and tokens for the page. */
async function startSite(tokens: { readonly read?: boolean; readonly write?: boolean } = {}) {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(createTempFolder());
  const one = stack.use(startMoodyServer("one"));
  const two = stack.use(startMoodyServer("two"));
  const tokenLine = (kind: "read" | "write", token: string): string => {
    if (tokens[kind] !== true) return "";
    const path = join(folder.path, kind);
    writeFileSync(path, `${token}\n`, { mode: 0o600 });
    return `${kind}_token_file = ${JSON.stringify(path)}\n`;
  };
  const service = formatService({
    listen: `127.0.0.1:${await freePort()}`,
    servers: [one.address, two.address],
    settings: [quickHttpCheck],
  });
  // What comes first is still in the table [status], which the helper opens.
  const config = tokenLine("read", readToken) + tokenLine("write", writeToken) + service;
  const director = stack.use(await startDirector({ config }));
  const owned = stack.move();
  const site: Site = { director, one, two, [Symbol.asyncDispose]: () => owned.disposeAsync() };
  return site;
}

/** Text of the page as it is shown, without what is hidden. */
function shownText(page: BrowserPage): Promise<string> {
  return page.evaluate<string>("document.querySelector('main').innerText");
}

/** An expression that is true once the page shows `text`. */
function shows(text: string, selector = "main"): string {
  return `document.querySelector(${JSON.stringify(selector)}).innerText.includes(${JSON.stringify(text)})`;
}

function buttonOf(action: string, server: string): string {
  return `button[data-action="${action}"][data-server="${server}"]`;
}

async function allowChanges(page: BrowserPage, token: string): Promise<void> {
  await page.evaluate("document.getElementById('access').open = true");
  await page.click("#write-token");
  await page.type(token);
  await page.press("Enter");
}

describe.skipIf(needs.skip)("the page in Chromium", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await startBrowser();
  }, testTimeoutMs);
  afterAll(async () => {
    await browser[Symbol.asyncDispose]();
  }, testTimeoutMs);

  test(
    "follows a real server that goes down and comes back, and leaves the rest of the page alone",
    async () => {
      await using site = await startSite();
      const { director, two } = site;
      await using page = await browser.open(`${director.statusUrl}/`, wide);
      expect(await page.evaluate<string>("document.title")).toBe("1 of 1 services up – appliance");
      expect(await shownText(page)).toContain("Nothing needs attention.");
      await page.evaluate(`{
        window.kept = document.querySelector("[data-key='${site.one.address} 127.0.0.1']");
        document.getElementById("filter").focus();
      }`);

      two.feel("ill");
      await waitForHealth(director, two.address, "down");
      const fault = `1 of 2 real servers down: ${two.address} (`;
      await page.waitUntil(shows(fault, ".now"), { what: fault });
      await page.waitUntil(shows("✕ down", `[data-key="${two.address} 127.0.0.1"]`), {
        what: "row of the server that is down",
      });
      expect(await page.evaluate<boolean>("window.kept.isConnected")).toBe(true);
      expect(await page.evaluate<string>("document.activeElement.id")).toBe("filter");

      two.feel("well");
      await page.waitUntil(shows("Nothing needs attention."), { what: "all well again" });
      expect(page.problems()).toEqual([]);
      expect(await page.evaluate<boolean>("document.getElementById('access') === null")).toBe(true);
    },
    testTimeoutMs,
  );

  test(
    "drains and enables by keyboard with the write token, and keeps the token nowhere",
    async () => {
      await using site = await startSite({ write: true });
      const { director, one } = site;
      await using page = await browser.open(`${director.statusUrl}/`, wide);
      const isShown = (selector: string): Promise<boolean> =>
        page.evaluate<boolean>(`document.querySelector('${selector}').checkVisibility()`);
      expect(await isShown(buttonOf("drain", one.address))).toBe(false);

      await allowChanges(page, "wrong".repeat(8));
      await page.waitUntil(shows("Not allowed: The token is not known", "#told"), {
        what: "refusal",
      });
      expect(await isShown(buttonOf("drain", one.address))).toBe(false);

      await allowChanges(page, writeToken);
      await page.waitUntil(shows("Changes are allowed", "#told"), { what: "permission" });
      expect(await isShown(buttonOf("drain", one.address))).toBe(true);

      await page.evaluate(`document.querySelector('${buttonOf("drain", one.address)}').focus()`);
      await page.press("Enter");
      await page.waitUntil(shows(`Drained ${one.address} of web.`, "#told"), { what: "drained" });
      expect(page.questions()).toEqual([`Drain ${one.address} of web? It gets nothing new.`]);
      expect((await readServer(director, one.address)).admin).toBe("draining");
      await page.waitUntil(`document.querySelector('${buttonOf("enable", one.address)}')`, {
        what: "button that enables",
      });
      // The same button, with another word: who works by keyboard is where they were.
      expect(await page.evaluate<string>("document.activeElement.textContent")).toBe("Enable");

      await page.click(buttonOf("enable", one.address));
      await page.waitUntil(shows(`Enabled ${one.address} of web.`, "#told"), { what: "enabled" });
      expect((await readServer(director, one.address)).admin).toBe("enabled");

      const kept = "JSON.stringify([localStorage, sessionStorage, document.cookie])";
      expect(await page.evaluate<string>(kept)).toBe('[{},{},""]');
      await page.click("#forget");
      expect(await isShown("button[data-action]")).toBe(false);
    },
    testTimeoutMs,
  );

  test(
    "asks for the read token, and then is live",
    async () => {
      await using site = await startSite({ read: true });
      await using page = await browser.open(`${site.director.statusUrl}/`, wide);
      expect(await shownText(page)).toStartWith("A token is needed. Read token:");
      await page.click("#token");
      await page.type(readToken);
      await page.press("Enter");
      await page.waitUntil(shows("Nothing needs attention."), { what: "page" });
      site.one.feel("ill");
      await page.waitUntil(shows("1 of 2 real servers down", ".now"), { what: "live page" });
    },
    testTimeoutMs,
  );

  test(
    "says that the director does not answer any more",
    async () => {
      await using site = await startSite();
      await using page = await browser.open(`${site.director.statusUrl}/`, wide);
      await site.director.process.stop();
      await page.waitUntil("document.getElementById('link').checkVisibility()", {
        what: "warning",
      });
      expect(await shownText(page)).toContain("1 of 1 services up");
    },
    testTimeoutMs,
  );

  test(
    "stays readable and live with 500 real servers",
    async () => {
      await using ill = startMoodyServer("ill");
      const port = Number(ill.address.split(":")[1]);
      // Every address of 127.0.0.0/8 is this host, but only 127.0.0.1 is listened on.
      const others = Array.from(
        { length: 499 },
        (_, index) => `127.1.${Math.floor(index / 250)}.${(index % 250) + 1}:${port}`,
      );
      const service = formatService({
        listen: `127.0.0.1:${await freePort()}`,
        servers: [ill.address, ...others],
        settings: ['check = { type = "on" }'],
      });
      const own = formatService({
        name: "own",
        listen: `127.0.0.1:${await freePort()}`,
        servers: [ill.address],
        settings: [quickHttpCheck],
      });
      await using director = await startDirector({ config: `${service}\n${own}` });
      await using page = await browser.open(`${director.statusUrl}/`, wide);
      expect(await shownText(page)).toContain("500 of 500 real servers up");
      const rows = "document.querySelectorAll('tbody tr').length";
      expect(await page.evaluate<number>(rows)).toBe(501);

      await page.click("summary");
      await page.evaluate("window.last = [...document.querySelectorAll('#s0 tbody tr')].at(-1)");
      ill.feel("ill");
      await page.waitUntil(shows("✕ down", "#s1"), { what: "the other service down" });
      expect(await page.evaluate<boolean>("window.last.checkVisibility()")).toBe(true);

      await page.click("#filter");
      await page.type("127.1.1.249");
      const shown = "[...document.querySelectorAll('#s0 tbody tr')].filter((row) => !row.hidden)";
      expect(await page.evaluate<number>(`${shown}.length`)).toBe(1);
      expect(await page.evaluate<boolean>("document.getElementById('s1').hidden")).toBe(true);
      expect(page.problems()).toEqual([]);
    },
    testTimeoutMs,
  );
});
