/**
 * Two directors that forward by bpf: the active one dies under established connections, and none of
 * them breaks, by copied state and by equal tables of scheduler mh without any copy.
 *
 * `TAKEOVER_CONNECTIONS` says how many there are, half of them by gate and half by masq.
 *
 * @module
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";

import { KernelLan, virtualAddress } from "../helpers/bpf-director.ts";
import { formatService } from "../helpers/director-config.ts";
import { readMetric, readSnapshot, runCommand } from "../helpers/director-view.ts";
import { holdEcho, serveEcho } from "../helpers/echo-traffic.ts";
import type { EchoConnections } from "../helpers/echo-traffic.ts";
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
const connections = Number(process.env["TAKEOVER_CONNECTIONS"] ?? 200);
const echoPort = 7;
const webPort = 80;
const rr = ['scheduler = "rr"'];
const testTimeoutMs = 180_000;
const gate = [virtualAddress.gate, echoPort] as const;
const masq = [virtualAddress.masq, echoPort] as const;
const copied = 'appliance_peer_entries_taken_total{kind="connections"}';

describe.skipIf(needs.skip)(`takeover on bpf ${needs.reason}`.trim(), () => {
  let lan: KernelLan;
  let folders: { readonly one: string; readonly two: string };

  beforeEach(async () => {
    lan = await KernelLan.create();
    folders = { one: lan.createFolder(), two: lan.createFolder() };
    for (const name of ["r1", "r2"] as const) {
      // Their answers go to whoever has the address of masq.
      await lan.leadBack(name, virtualAddress.masq);
      await serveEcho(lan.hosts[name], echoPort);
    }
  }, testTimeoutMs);
  afterEach(async () => {
    await lan[Symbol.asyncDispose]();
  }, testTimeoutMs);

  function configOf(
    settings: readonly string[],
    router: Parameters<typeof formatRouter>[0],
    ports: readonly number[] = [echoPort],
  ): string {
    const { r1, r2 } = lan.hosts;
    const { gate: byGate, masq: byMasq } = virtualAddress;
    const addresses = [`${byGate}/32`, `${byMasq}/32`];
    const services = ports.flatMap((port) =>
      (["gate", "masq"] as const).map((forwarding) =>
        formatService({
          name: `${forwarding}-${port}`,
          listen: `${virtualAddress[forwarding]}:${port}`,
          servers: [`${r1.address}:${port}`, `${r2.address}:${port}`],
          settings: [`forwarding = "${forwarding}"`, 'check = { type = "on" }', ...settings],
        }),
      ),
    );
    const instance = formatRouter({ name: "web", vrid: 51, addresses, ...router });
    return `[director]\nengine = "bpf"\n${instance}\n${services.join("\n")}`;
  }

  async function start(
    name: "one" | "two",
    config: string,
    peer?: "one" | "two",
  ): Promise<NetnsDirector> {
    const to = peer === undefined ? {} : { peer: lan.hosts[peer] };
    return lan.startDirector(name, { config, folder: folders[name], ...to });
  }

  /** The first is active. */
  async function startPair(
    settings: readonly string[],
    { hasPeer, ports }: { readonly hasPeer: boolean; readonly ports?: readonly number[] },
  ): Promise<readonly [NetnsDirector, NetnsDirector]> {
    const times = { advertise_interval: "20ms", down_after: "300ms" };
    const config = (priority: number): string => configOf(settings, { priority, ...times }, ports);
    const one = await start("one", config(150), hasPeer ? "two" : undefined);
    await one.waitForState("active");
    const two = await start("two", config(100), hasPeer ? "one" : undefined);
    await two.waitForState("backup");
    return [one, two];
  }

  /** Kills a director and its guard at once: the host is gone, but for what the kernel keeps. */
  async function killWithGuard(director: NetnsDirector): Promise<void> {
    process.kill(director.guardPid()!, "SIGKILL");
    director.process.kill("SIGKILL");
    await director.process.exited;
  }

  async function expectUnbroken(held: EchoConnections): Promise<void> {
    expect(await held.progress(5)).toMatchObject({ open: connections, faults: [] });
  }

  async function waitForCopies(director: NetnsDirector, count: number): Promise<void> {
    await waitFor(async () => ((await readMetric(director, copied)) ?? 0) >= count, {
      what: `${count} connections at ${director.host.name}`,
    });
  }

  async function waitForComplete(director: NetnsDirector): Promise<void> {
    const isComplete = async (): Promise<boolean> => {
      const { failover } = await readSnapshot(director);
      return failover?.peer?.copy?.complete === true;
    };
    await waitFor(isComplete, { what: "everything of the other director" });
  }

  test(
    "copied connections go on when the active director and its guard are killed",
    async () => {
      const [one, two] = await startPair(rr, { hasPeer: true });
      const held = await holdEcho(lan.hosts.client, connections / 2, [gate, masq]);
      await waitForCopies(two, connections);
      await waitForComplete(two);
      await killWithGuard(one);
      await two.waitForState("active");
      await expectUnbroken(held);
      // It comes back, and preempts once it was told everything.
      const again = await start("one", configOf(rr, { priority: 150, preempt: true }), "two");
      await again.waitForState("active");
      await expectUnbroken(held);
      expect(await readMetric(again, copied)).toBeGreaterThanOrEqual(connections);
      // And gives the addresses away by command.
      expect((await runCommand(again, "standby")).status).toBe(0);
      await two.waitForState("active");
      await expectUnbroken(held);
    },
    testTimeoutMs,
  );

  test(
    "clients of persistent services keep their real server",
    async () => {
      const { client } = lan.hosts;
      const clients = Array.from({ length: 8 }, (_, index) => `10.99.0.${201 + index}`);
      for (const address of clients) {
        await client.run(["ip", "addr", "add", `${address}/24`, "dev", "eth0"]);
      }
      const pages = async (): Promise<string[]> => {
        const command = ["curl", "-sS", "--max-time", "5", `http://${virtualAddress.gate}/`];
        const answers = clients.map((address) => client.run([...command, "--interface", address]));
        return (await Promise.all(answers)).map(({ stdout, stderr }) => (stdout + stderr).trim());
      };
      const [one, two] = await startPair([...rr, 'persistent = "10m"'], {
        hasPeer: true,
        ports: [webPort],
      });
      const before = await pages();
      expect(new Set(before)).toEqual(new Set(["r1", "r2"]));
      const taken = 'appliance_peer_entries_taken_total{kind="clients"}';
      await waitFor(async () => ((await readMetric(two, taken)) ?? 0) >= clients.length, {
        what: "all clients to be copied",
      });
      await killWithGuard(one);
      await two.waitForState("active");
      expect(await pages()).toEqual(before);
    },
    testTimeoutMs,
  );

  test(
    "with scheduler mh none breaks without any copy",
    async () => {
      const [one, two] = await startPair(['scheduler = "mh"'], { hasPeer: false });
      const held = await holdEcho(lan.hosts.client, connections / 2, [gate, masq]);
      await killWithGuard(one);
      await two.waitForState("active");
      await expectUnbroken(held);
    },
    testTimeoutMs,
  );
});
