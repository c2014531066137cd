/**
 * The live page of a director that is one of two, in a real browser: a takeover is seen without
 * anybody touching the page.
 *
 * The director is in a network of its own, which a browser does not reach; its control socket is a
 * file, so a server beside the browser hands the requests on.
 */
import { expect, test } from "bun:test";
import { join } from "node:path";

import { startBrowser } from "../helpers/browser.ts";
import { formatService } from "../helpers/director-config.ts";
import { formatRouter, startNetnsDirector } from "../helpers/failover/netns-director.ts";
import type { NetnsDirector } from "../helpers/failover/netns-director.ts";
import { createLan } from "../helpers/netns.ts";
import { requireBpf } from "../helpers/require-bpf.ts";
import {
  requireAll,
  requireExecutable,
  requireNetns,
  requirePeer,
} from "../helpers/require-peer.ts";

const needs = requireAll(
  requirePeer("chromium"),
  requireNetns(),
  requireBpf(),
  requireExecutable(),
);

const virtual = "10.99.0.100";

function configuration(priority: number): string {
  const service = formatService({
    listen: `${virtual}:80`,
    servers: ["10.99.0.9:80"],
    settings: ['check = { type = "on" }'],
  });
  const router = formatRouter({
    name: "web",
    vrid: 51,
    addresses: [`${virtual}/24`],
    advertise_interval: "100ms",
    down_after: "1s",
    priority,
  });
  return `[proxy]\nworkers = 1\n\n${service}\n${router}`;
}

/** The director's routes at an address of this host. */
function serveControlSocket({ environment }: NetnsDirector): Bun.Server<undefined> {
  const unix = join(environment.APPLIANCE_RUNTIME_DIR, "control.sock");
  return Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    fetch: ({ url, headers }) =>
      fetch(`http://localhost${new URL(url).pathname}`, {
        unix,
        keepalive: false,
        headers: { Accept: headers.get("Accept") ?? "*/*" },
      }),
  });
}

test.skipIf(needs.skip)(
  "the page shows who owns the address, and follows a takeover",
  async () => {
    await using lan = await createLan(["one", "two"]);
    const { one: oneHost, two: twoHost } = lan.hosts;
    await using one = await startNetnsDirector(oneHost, {
      config: configuration(150),
      peer: { address: twoHost.address },
    });
    await one.waitForState("active");
    await using two = await startNetnsDirector(twoHost, {
      config: configuration(100),
      peer: { address: oneHost.address },
    });
    await using web = serveControlSocket(two);
    await using browser = await startBrowser();
    const look = { width: 1280, height: 900 };
    await using page = await browser.open(`http://127.0.0.1:${web.port}/`, look);

    const cell = (name: string): string =>
      `document.querySelector("#failover td[data-label='${name}']").innerText`;
    await page.waitUntil(`${cell("Owner")} === "${oneHost.address}"`, { what: "the other owner" });
    expect(await page.evaluate<string>(cell("State here"))).toBe("○ backup");
    await page.waitUntil(
      `document.querySelector("[aria-label='Peer channel']").innerText.includes("● reachable")`,
      { what: "reachable peer" },
    );

    await one.process.stop();
    await page.waitUntil(`${cell("Owner")} === "this director"`, { what: "takeover" });
    expect(await page.evaluate<string>(cell("State here"))).toBe("● active");
    expect(await page.evaluate<string>(cell("Why"))).toContain("the active director resigned");
    const announced = "document.querySelector('main [role=status]').textContent";
    await page.waitUntil(`${announced}.startsWith("1 of 1 services up, active for 1 of 1 ")`, {
      what: "announcement",
    });
    await page.waitUntil(
      `document.querySelector(".now").innerText.includes("The peer is not reachable")`,
      { what: "warning of the peer" },
    );
    expect(page.problems()).toEqual([]);
  },
  60_000,
);
