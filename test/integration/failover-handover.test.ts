/**
 * Planned handovers while clients work: not one page fails, no download breaks, and never do two
 * directors answer ARP for the address.
 *
 * A SYN that nobody took shows in the client's own count of repeated SYNs, also on a machine that
 * is too busy for its pages to come in time: only after a second the kernel sends another one.
 *
 * @module
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";

import { formatService } from "../helpers/director-config.ts";
import { runCommand } from "../helpers/director-view.ts";
import { formatRouter, startNetnsDirector } from "../helpers/failover/netns-director.ts";
import type { NetnsDirector } from "../helpers/failover/netns-director.ts";
import { ownerChanges, sharedMs, startObserver } from "../helpers/failover/observation.ts";
import type { Observation } from "../helpers/failover/observation.ts";
import { synRepetitions } from "../helpers/failover/syn-repetitions.ts";
import { createLan } from "../helpers/netns.ts";
import type { Host, Lan } from "../helpers/netns.ts";
import { requireBpf } from "../helpers/require-bpf.ts";
import {
  requireAll,
  requireExecutable,
  requireNetns,
  requirePeer,
} from "../helpers/require-peer.ts";
import { waitFor } from "../helpers/wait.ts";

const needs = requireAll(requireNetns(), requirePeer("curl"), requireBpf(), requireExecutable());
const virtual = "10.99.0.100";
const virtual6 = "fd99::100";
const routerNames = ["web", "six"];
const handovers = 10;
const attemptsMax = 5;
/** Causes of what nobody asked for. */
const accidents = /vrrp-state .*\((stall|guard|silence|outranked|send-failure)\)/;
/** A piece each 50 ms: longer than a handover takes, shorter than connections may take. */
const pieces = 30;
const pieceBytes = 1000;
const downloadsFrom = [virtual, virtual, `[${virtual6}]`];

const pageServer = `
  async function* pieces() {
    for (let piece = 0; piece < ${pieces}; piece++) {
      yield new Uint8Array(${pieceBytes});
      await Bun.sleep(50);
    }
  }
  const answer = (url) => new Response(url.endsWith("/long") ? pieces() : "page");
  Bun.serve({ hostname: "0.0.0.0", port: 80, fetch: ({ url }) => answer(url) });
  console.log("serving");`;

/** Undefined: the round proves nothing. */
type Seen = Observation | undefined;

describe.skipIf(needs.skip)(`planned handovers ${needs.reason}`.trim(), () => {
  let lan: Lan<"client" | "one" | "two" | "server">;
  let stack: AsyncDisposableStack;
  let one: NetnsDirector;
  let two: NetnsDirector;

  function start(host: Host, priority: number, peer: Host): Promise<NetnsDirector> {
    const { server } = lan.hosts;
    // The profile for machines that are late at times.
    const common = { vrid: 51, priority, advertise_interval: "50ms", down_after: "1s" };
    const routers = [
      formatRouter({ ...common, name: "web", addresses: [`${virtual}/24`] }),
      formatRouter({ ...common, name: "six", addresses: [`${virtual6}/64`] }),
    ];
    const check = 'check = { type = "connect", interval = "1s", timeout = "500ms" }';
    const servers = [`${server.address}:80`];
    const listen = [`${virtual}:80`, `[${virtual6}]:80`];
    const service = formatService({ listen, servers, settings: [check] });
    const config = `[proxy]\nworkers = 1\n\n${service}\n${routers.join("\n")}`;
    return startNetnsDirector(host, { config, peer });
  }

  async function hears(director: NetnsDirector): Promise<void> {
    for (const name of routerNames) {
      const isHeard = async (): Promise<boolean> => (await director.router(name)).heard !== null;
      await waitFor(isHeard, { what: `${director.host.name} to hear the other for ${name}` });
    }
  }

  async function isActive(director: NetnsDirector): Promise<void> {
    for (const name of routerNames) await director.waitForState("active", name);
  }

  async function get(path: string, host = virtual): Promise<string> {
    const { client } = lan.hosts;
    const url = `http://${host}${path}`;
    const report = "%{http_code} %{size_download} %{exitcode}";
    return (
      await client.run(["curl", "-sS", "-m", "60", "-o", "/dev/null", "-w", report, url])
    ).stdout.trim();
  }

  beforeEach(async () => {
    stack = new AsyncDisposableStack();
    lan = stack.use(await createLan(["client", "one", "two", "server"]));
    const pages = lan.hosts.server.spawn([process.execPath, "-e", pageServer]);
    await pages.waitForOutput(/serving/);
    one = await start(lan.hosts.one, 150, lan.hosts.two);
    await isActive(one);
    two = await start(lan.hosts.two, 100, lan.hosts.one);
    await hears(two);
    await waitFor(async () => (await get("/")) === "200 4 0", { what: "a page" });
  }, 60_000);
  afterEach(async () => {
    await Promise.all([one[Symbol.asyncDispose](), two[Symbol.asyncDispose]()]);
    await stack.disposeAsync();
  }, 60_000);

  /** Long downloads one after the other, until `isOver`; what became of each. */
  async function download(host: string, isOver: () => boolean, outcomes: string[]): Promise<void> {
    while (!isOver()) outcomes.push(await get("/long", host));
  }

  /** All that both directors have said so far. */
  function said(): readonly string[] {
    return [one, two].flatMap(({ process }) => process.output().split("\n"));
  }

  /** True if addresses moved that nobody moved: this machine had no time for a director. */
  function isDisturbed(before: readonly string[]): boolean {
    const known = new Set(before);
    return said().some((line) => !known.has(line) && accidents.test(line));
  }

  /** Has clients at work while `work` is done; `seconds` is longer than that takes. */
  async function watch(seconds: number, work: () => Promise<void>): Promise<Seen> {
    const { client, one: first, two: other } = lan.hosts;
    const synsBefore = await synRepetitions(client);
    const saidBefore = said();
    const outcomes: string[] = [];
    const state = { isOver: false };
    const { observation } = await startObserver({
      client,
      directors: [first, other],
      virtual,
      seconds,
      askIntervalMs: 2,
      pageIntervalMs: 4,
      pagePatienceMs: 10_000,
    });
    const downloads = downloadsFrom.map((from) => download(from, () => state.isOver, outcomes));
    let trouble: unknown;
    try {
      await work();
    } catch (error) {
      trouble = error;
    }
    state.isOver = true;
    await Promise.all(downloads);
    const observed = await observation;
    const repetitions = (await synRepetitions(client)) - synsBefore;
    if (isDisturbed(saidBefore)) return undefined;
    if (trouble !== undefined) throw trouble;
    expect(new Set(outcomes)).toEqual(new Set([`200 ${pieces * pieceBytes} 0`]));
    expect(repetitions).toBe(0);
    expect(new Set(observed.pages.map(([, , outcome]) => outcome))).toEqual(new Set(["ok"]));
    expect(observed.pages.length).toBeGreaterThan(100);
    expect(sharedMs(observed, 2, "arp")).toBe(0);
    return observed;
  }

  /** Repeats what proves nothing, because a director stood still for longer than its lease. */
  async function undisturbed(round: () => Promise<Seen>): Promise<Observation> {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const seen = await round();
      if (seen !== undefined) return seen;
    }
    throw new Error(`The machine had no time in ${attemptsMax} rounds:\n${said().join("\n")}`);
  }

  /** The active director and the one that waits, once that is settled. */
  async function pair(): Promise<readonly [active: NetnsDirector, backup: NetnsDirector]> {
    const stateOf = async (director: NetnsDirector): Promise<string> => {
      const routers = await Promise.all(routerNames.map((name) => director.router(name)));
      const isHearing = routers.every(({ heard }) => heard !== null);
      const states = new Set(routers.map(({ state }) => state));
      return `${[...states].join("+")}${isHearing ? " hears" : ""}`;
    };
    return await waitFor(
      async () => {
        const states = await Promise.all([stateOf(one), stateOf(two)]);
        if (states.join() === "active,backup hears") return [one, two] as const;
        return states.join() === "backup hears,active" ? ([two, one] as const) : undefined;
      },
      { what: "one active director, and one that hears it", timeoutMs: 30_000 },
    );
  }

  /** Connections that a director has with clients of the address. */
  async function connections({ host }: NetnsDirector): Promise<number> {
    const filter = ["state", "established", "src", virtual];
    return (await host.run(["ss", "-Htn", ...filter])).stdout.split("\n").length - 1;
  }

  /** The address is where it should be, and gone where it was. */
  async function hasMoved(from: NetnsDirector, to: NetnsDirector): Promise<void> {
    await isActive(to);
    await waitFor(
      async () => {
        const { stdout } = await from.host.run(["ip", "-o", "addr", "show", "dev", "eth0"]);
        return !stdout.includes(` ${virtual}/`);
      },
      { what: `the address to leave ${from.host.name}`, timeoutMs: 30_000 },
    );
  }

  test(`${handovers} by standby`, async () => {
    const seen = await undisturbed(() =>
      watch(14, async () => {
        for (let count = 0; count < handovers; count++) {
          const [active, backup] = await pair();
          expect((await runCommand(active, "standby")).status).toBe(0);
          await isActive(backup);
          // Downloads go on over several of them.
          await Bun.sleep(400);
        }
      }),
    );
    expect(ownerChanges(seen, 2, "arp")).toBe(handovers);
    const [active, backup] = await pair();
    await hasMoved(backup, active);
  }, 240_000);

  /** Stops the active director while clients work, and starts it again as the backup. */
  async function stopAndStart(): Promise<Seen> {
    const [active, backup] = await pair();
    const seen = await watch(2, async () => {
      // The downloads have begun, and not all in the same millisecond of the director's beat.
      await Bun.sleep(300 + Math.random() * 50);
      active.process.kill("SIGTERM");
      await isActive(backup);
      expect(await active.process.exited).toBe(0);
    });
    await active[Symbol.asyncDispose]();
    const again = await start(active.host, active === one ? 150 : 100, backup.host);
    if (active === one) one = again;
    else two = again;
    return seen;
  }

  test(`${handovers} by SIGTERM`, async () => {
    for (let count = 0; count < handovers; count++) {
      expect(ownerChanges(await undisturbed(stopAndStart), 2, "arp")).toBe(1);
    }
  }, 400_000);

  test("where every handshake is by SYN cookie, which leaves no socket until it ends", async () => {
    for (const { host } of [one, two]) {
      const setting = "/proc/sys/net/ipv4/tcp_syncookies";
      const { status } = await host.run(["sh", "-c", `echo 2 >${setting}`]);
      expect(status).toBe(0);
    }
    for (let count = 0; count < 3; count++) await undisturbed(stopAndStart);
  }, 240_000);

  test("killed while it drains: the addresses go at once, and new clients notice nothing", async () => {
    // Whether its client is told depends on who is first, the dying process or the guard.
    void get("/long");
    await waitFor(async () => (await connections(one)) > 0, { what: "the download to begin" });
    expect((await runCommand(one, "standby")).status).toBe(0);
    await isActive(two);
    one.process.kill("SIGKILL");
    // Its guard closes the fence and takes the addresses off; the other one sends nothing on.
    await hasMoved(one, two);
    expect(await get("/")).toBe("200 4 0");
  }, 60_000);

  test("by takeover, and back by preemption's way: the other one asks for it", async () => {
    const seen = await undisturbed(() =>
      watch(6, async () => {
        for (let count = 0; count < 2; count++) {
          const [, backup] = await pair();
          expect((await runCommand(backup, "takeover")).status).toBe(0);
          await isActive(backup);
          await Bun.sleep(400);
        }
      }),
    );
    expect(ownerChanges(seen, 2, "arp")).toBe(2);
  }, 120_000);
});
