/**
 * Two hosts in all, each a director and a real server: the active one balances between both, the
 * other one delivers what it is sent and never balances it again.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { KernelLan, virtualAddress } from "../helpers/bpf-director.ts";
import { readService, runCommand, waitForHealth } from "../helpers/director-view.ts";
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
const testTimeoutMs = 60_000;
const vip = virtualAddress.gate;
const url = `http://${vip}/`;
/** More than a packet that goes round could need. */
const requests = 20;

describe.skipIf(needs.skip)(`two hosts in all ${needs.reason}`.trim(), () => {
  let lan: KernelLan;
  let directors: Record<"one" | "two", NetnsDirector>;

  beforeAll(async () => {
    lan = await KernelLan.create();
    for (const name of ["one", "two"] as const) {
      await lan.prepare(name);
      await lan.startWeb(name);
    }
    const one = await start("one");
    await one.waitForState("active");
    const two = await start("two");
    directors = { one, two };
    for (const director of [one, two]) {
      for (const name of ["one", "two"] as const) {
        await waitForHealth(director, `${lan.hosts[name].address}:80`, "up");
      }
    }
    await waitFor(async () => (await two.router()).heard !== null, { what: "the second to hear" });
  }, testTimeoutMs);
  afterAll(async () => {
    await lan[Symbol.asyncDispose]();
  }, testTimeoutMs);

  function start(name: "one" | "two"): Promise<NetnsDirector> {
    const { one, two } = lan.hosts;
    const config = `[director]
engine = "bpf"
[proxy]
workers = 1
[[virtual_service]]
name = "web"
listen = "${vip}:80"
forwarding = "gate"
scheduler = "rr"
check = { type = "connect", interval = "300ms", timeout = "300ms" }
real_servers = [{ address = "${one.address}:80" }, { address = "${two.address}:80" }]

${formatRouter({
  name: "web",
  vrid: 51,
  priority: name === "one" ? 150 : 100,
  addresses: [`${vip}/24`],
  advertise_interval: "100ms",
  down_after: "1s",
})}`;
    const peer = name === "one" ? two : one;
    return lan.startDirector(name, { config, folder: lan.createFolder(), peer });
  }

  async function connections(name: "one" | "two"): Promise<number> {
    return (await readService(directors[name])).connections;
  }

  /** Both serve, half each, and only the active one has balanced anything. */
  async function expectBalancedOnce(active: "one" | "two", backup: "one" | "two"): Promise<void> {
    // The backup's fence lets in what the other host sends within a second.
    await waitFor(async () => (await lan.get(url, 2)).toSorted().join(" ") === "one two", {
      what: "answers of both hosts",
    });
    const before = [await connections(active), await connections(backup)];
    const answers = await lan.get(url, requests);
    const half = requests / 2;
    expect(answers.filter((text) => text === "one")).toHaveLength(half);
    expect(answers.filter((text) => text === "two")).toHaveLength(half);
    const after = [await connections(active), await connections(backup)];
    expect([after[0]! - before[0]!, after[1]! - before[1]!]).toEqual([requests, 0]);
  }

  test(
    "no packet is balanced twice, takeover works both ways, and one host alone serves",
    async () => {
      await expectBalancedOnce("one", "two");
      expect((await runCommand(directors.one, "standby")).status).toBe(0);
      await directors.two.waitForState("active");
      await directors.one.waitForState("backup");
      await expectBalancedOnce("two", "one");
      expect((await runCommand(directors.one, "takeover")).status).toBe(0);
      await directors.one.waitForState("active");
      await directors.two.waitForState("backup");
      await expectBalancedOnce("one", "two");

      // A host dies: the other one is director and only real server.
      directors.one.process.kill("SIGKILL");
      await lan.stopWeb("one");
      await directors.two.waitForState("active");
      await waitForHealth(directors.two, `${lan.hosts.one.address}:80`, "down");
      expect(await lan.get(url, 4)).toEqual(["two", "two", "two", "two"]);
    },
    testTimeoutMs,
  );
});
