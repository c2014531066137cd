/**
 * A highly available pair by direct routing, as in howtos for ldirectord and heartbeat: two
 * directors that share an address, two web servers that have it on `lo`, a fallback page on the
 * directors themselves. Here with the engine bpf.
 *
 * Timings are of the scale of a second: what is asserted is what happens, not how soon.
 *
 * @module
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";

import { KernelLan, virtualAddress } from "../helpers/bpf-director.ts";
import {
  readService,
  runCommand,
  waitForHealth,
  waitForService,
} from "../helpers/director-view.ts";
import { formatRouter } from "../helpers/failover/netns-director.ts";
import type { NetnsDirector } from "../helpers/failover/netns-director.ts";
import { requireBpf } from "../helpers/require-bpf.ts";
import {
  requireAll,
  requireExecutable,
  requireNetns,
  requirePeer,
} from "../helpers/require-peer.ts";
import { waitFor } from "../helpers/wait.ts";

const needs = requireAll(
  requireNetns(),
  requirePeer("nginx", "curl"),
  requireBpf(),
  requireExecutable(),
);
const testTimeoutMs = 90_000;
const setUpTimeoutMs = 30_000;
const vip = virtualAddress.gate;
const url = `http://${vip}/`;
/** Connections that are established when a director dies. */
const heldConnections = 1000;
/** They are opened one by one. */
const heldTimeoutMs = 60_000;

describe.skipIf(needs.skip)(`pair by direct routing on bpf ${needs.reason}`.trim(), () => {
  let lan: KernelLan;
  let folders: Readonly<Record<"one" | "two", string>>;
  let one: NetnsDirector;
  let two: NetnsDirector;

  beforeEach(async () => {
    lan = await KernelLan.create();
    folders = { one: lan.createFolder(), two: lan.createFolder() };
  }, setUpTimeoutMs);
  afterEach(async () => {
    await lan[Symbol.asyncDispose]();
  }, setUpTimeoutMs);

  function config(priority: number, lines: readonly string[] = []): string {
    const { r1, r2 } = lan.hosts;
    return `[director]
engine = "bpf"
[proxy]
workers = 1
[[virtual_service]]
name = "web"
listen = "${vip}:80"
quiescent = true
${lines.length === 0 ? 'fallback = "127.0.0.1:80"' : ""}
check = { type = "negotiate", service = "http", request = "/ldirector.html", \
receive = "Test Page", interval = "300ms", timeout = "1s", fall = 1 }
real_servers = [{ address = "${r1.address}:80" }, { address = "${r2.address}:80" }]
${(lines.length === 0 ? ['forwarding = "gate"', 'scheduler = "rr"'] : lines).join("\n")}

${formatRouter({
  name: "web",
  vrid: 51,
  priority,
  addresses: [`${vip}/24`, `${virtualAddress.gateway}/24`],
  advertise_interval: "100ms",
  down_after: "1s",
})}`;
  }

  function start(name: "one" | "two", lines?: readonly string[]): Promise<NetnsDirector> {
    const priority = name === "one" ? 150 : 100;
    const peer = lan.hosts[name === "one" ? "two" : "one"];
    return lan.startDirector(name, {
      config: config(priority, lines),
      folder: folders[name],
      peer,
    });
  }

  /** The first is active before the second is started, and that hears it. */
  async function startPair(lines?: readonly string[]): Promise<void> {
    for (const name of ["one", "two"] as const) await lan.startWeb(name, `fallback of ${name}`);
    one = await start("one", lines);
    await one.waitForState("active");
    two = await start("two", lines);
    await waitFor(async () => (await two.router()).heard !== null, { what: "the second to hear" });
  }

  /** The one director that is active, once the other one is not. */
  function findOwner(): Promise<NetnsDirector> {
    const find = async (): Promise<NetnsDirector | undefined> => {
      const states = [(await one.router()).state, (await two.router()).state];
      if (states[0] === states[1] || !states.includes("backup")) return undefined;
      return states[0] === "active" ? one : two;
    };
    return waitFor(find, { what: "one active director" });
  }

  async function list(director: NetnsDirector): Promise<string> {
    return (await runCommand(director, "list", "-n")).stdout;
  }

  test(
    "web servers fail and come back, and the fallback is the director's own page",
    async () => {
      await startPair();
      const { r1, r2 } = lan.hosts;
      expect((await lan.get(url, 4)).toSorted()).toEqual(["r1", "r1", "r2", "r2"]);
      expect(await list(one)).toMatch(
        /TCP {2}10\.99\.0\.100:80 rr\n {2}-> 10\.99\.0\.4:80 +Route +1 [\s\S]*-> 10\.99\.0\.5:80 +Route +1 /,
      );
      // Loaded there, too, and nothing is balanced.
      expect(await list(two)).toContain("10.99.0.4:80");
      // Answers go straight to the client.
      const before = await lan.traffic("one");
      expect(await lan.download(`${url}big`)).toBe(2_000_000);
      expect((await lan.traffic("one")).rx - before.rx).toBeLessThan(1_000_000);
      await lan.stopWeb("r1");
      await waitForHealth(one, `${r1.address}:80`, "down");
      expect(await lan.get(url, 2)).toEqual(["r2", "r2"]);
      await lan.stopWeb("r2");
      for (const director of [one, two]) {
        await waitForService(director, ({ state }) => state === "fallback");
      }
      // Who found out first may have handed over to the other one, which was fit a moment longer.
      const owner = await findOwner();
      const page = `fallback of ${owner.host.name}`;
      expect(await lan.get(url, 2)).toEqual([page, page]);
      expect(await list(owner)).toMatch(/-> 127\.0\.0\.1:80 +Local +1 /);
      for (const name of ["r1", "r2"] as const) await lan.startWeb(name);
      for (const { address } of [r1, r2]) {
        for (const director of [one, two]) await waitForHealth(director, `${address}:80`, "up");
      }
      await findOwner();
      expect((await lan.get(url, 4)).toSorted()).toEqual(["r1", "r1", "r2", "r2"]);
    },
    testTimeoutMs,
  );

  test(
    "a server that fails its check keeps its connections, and gets no new ones",
    async () => {
      await startPair();
      const { r1 } = lan.hosts;
      const held = lan.hold(url, 4);
      await held.waitForOutput(/^\d+ \{"r1":2,"r2":2\}$/m);
      rmSync(join(lan.web("r1").root, "ldirector.html"));
      await waitForHealth(one, `${r1.address}:80`, "down");
      await heldLater(held, '{"r1":2,"r2":2}');
      expect(await lan.get(url, 3)).toEqual(["r2", "r2", "r2"]);
      const isListed = async (): Promise<boolean> =>
        /-> 10\.99\.0\.4:80 +Route +0 +2 /.test(await list(one));
      await waitFor(isListed, { what: "a listing with weight 0 and both connections" });
    },
    testTimeoutMs,
  );

  /** Held connections hear this, all of them, in a round that begins after now. */
  async function heldLater(held: ReturnType<KernelLan["hold"]>, what: string): Promise<void> {
    const last = Number(/(\d+) [^\n]*\n$/.exec(held.output())![1]);
    // What was lost under way is sent again after a while; what was closed stays so.
    const isHeard = (): boolean =>
      [...held.output().matchAll(/^(\d+) (.*)$/gm)].some(
        ([, round, heard]) => Number(round) > last + 1 && heard === what,
      );
    try {
      await waitFor(isHeard, { what, timeoutMs: heldTimeoutMs });
    } catch (error) {
      throw new Error(held.output().slice(-500), { cause: error });
    }
  }

  test(
    "killed: the other serves, and who comes back does not take it again",
    async () => {
      await startPair();
      one.process.kill("SIGKILL");
      await two.waitForState("active");
      expect((await lan.get(url, 4)).toSorted()).toEqual(["r1", "r1", "r2", "r2"]);
      await waitFor(async () => !(await lan.addressesOf("one")).includes(vip), {
        what: "the address to go from the dead director",
      });
      await one[Symbol.asyncDispose]();
      one = await start("one");
      await waitFor(async () => (await one.router()).heard !== null, { what: "the first to hear" });
      expect([(await one.router()).state, (await two.router()).state]).toEqual([
        "backup",
        "active",
      ]);
      expect((await lan.get(url, 2)).toSorted()).toEqual(["r1", "r2"]);
      // And back by command.
      expect((await runCommand(two, "standby")).status).toBe(0);
      await one.waitForState("active");
      expect((await lan.get(url, 2)).toSorted()).toEqual(["r1", "r2"]);
    },
    testTimeoutMs,
  );

  test.each(["killed", "frozen", "frozen with its guard"])(
    "%s: who knows only its hardware address is not forwarded to any more",
    async (how) => {
      await startPair();
      await lan.nail(vip, "one");
      expect((await lan.get(url, 2)).toSorted()).toEqual(["r1", "r2"]);
      const guard = await waitFor(() => one.guardPid(), { what: "the guard" });
      if (how === "frozen with its guard") process.kill(guard, "SIGSTOP");
      one.process.kill(how === "killed" ? "SIGKILL" : "SIGSTOP");
      try {
        await two.waitForState("active");
        // The program is still there: it is the lease that has ended.
        expect(await lan.programs("one")).toBeGreaterThan(0);
        for (const answer of await lan.get(url, 3)) expect(answer).toMatch(/^curl: \((7|28)\)/);
        await lan.nail(vip, undefined);
        expect((await lan.get(url, 2)).toSorted()).toEqual(["r1", "r2"]);
      } finally {
        if (how === "frozen with its guard") process.kill(guard, "SIGCONT");
        if (how !== "killed") one.process.kill("SIGCONT");
      }
      if (how === "killed") return;
      // Awake again it is the backup: nobody answers twice.
      await one.waitForState("backup");
      expect((await two.router()).state).toBe("active");
      expect((await lan.get(url, 2)).toSorted()).toEqual(["r1", "r2"]);
    },
    testTimeoutMs,
  );

  test.each(["gate", "masq"] as const)(
    "1,000 established connections of %s outlive their director, by mh without any copied state",
    async (forwarding) => {
      for (const name of ["r1", "r2"] as const) await lan.leadBack(name, virtualAddress.gateway);
      await startPair([`forwarding = "${forwarding}"`, 'scheduler = "mh"']);
      const held = lan.hold(url, heldConnections);
      const match = await held.waitForOutput(/^\d+ (\{"r\d":1000\})$/m, heldTimeoutMs);
      one.process.kill("SIGKILL");
      await two.waitForState("active");
      await heldLater(held, match[1]!);
      const { engine } = await readService(two);
      expect(engine).toBe("bpf");
    },
    2 * testTimeoutMs,
  );
});
