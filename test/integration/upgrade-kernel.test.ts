/**
 * `appliance upgrade` of a director that forwards in the kernel: what is there stays there, also
 * when the old process ends, and the new one is the one that changes it.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";

import { KernelLan, virtualAddress } from "../helpers/bpf-director.ts";
import { formatService } from "../helpers/director-config.ts";
import { readService, readSnapshot, runCommand } from "../helpers/director-view.ts";
import type { NetnsDirector } from "../helpers/failover/netns-director.ts";
import { createInstalled, endSuccessor } from "../helpers/installed.ts";
import { requireBpf } from "../helpers/require-bpf.ts";
import {
  requireAll,
  requireExecutable,
  requireNetns,
  requirePeer,
} from "../helpers/require-peer.ts";
import { waitFor } from "../helpers/wait.ts";
import { startWrk } from "../helpers/wrk.ts";
import type { WrkRun } from "../helpers/wrk.ts";

const needs = requireAll(
  requireNetns(),
  requirePeer("nginx", "curl", "wrk"),
  requireBpf(),
  requireExecutable(),
);
const testTimeoutMs = 90_000;

describe.skipIf(needs.skip)(`director on bpf ${needs.reason}`.trim(), () => {
  const installed = createInstalled();
  let lan: KernelLan;
  let folder: string;
  let director: NetnsDirector;

  beforeAll(async () => {
    lan = await KernelLan.create();
    for (const address of Object.values(virtualAddress)) await lan.giveAddress("one", address);
    for (const name of ["r1", "r2"] as const) await lan.leadBack(name, lan.hosts.one.address);
    folder = lan.createFolder();
    director = await lan.startDirector("one", {
      config: config(),
      folder,
      executable: installed.path,
    });
  }, testTimeoutMs);
  afterAll(async () => {
    await endSuccessor(director).catch(() => undefined);
    await lan[Symbol.asyncDispose]();
    installed[Symbol.dispose]();
  }, testTimeoutMs);

  function config(): string {
    const { r1, r2 } = lan.hosts;
    const service = (name: "gate" | "masq", port: number): string =>
      formatService({
        name,
        listen: `${virtualAddress[name]}:${port}`,
        servers: [`${r1.address}:80`, `${r2.address}:80`],
        settings: [
          `forwarding = "${name}"`,
          'scheduler = "rr"',
          'check = { type = "connect", interval = "500ms", timeout = "500ms" }',
        ],
      });
    return `[director]\nengine = "bpf"\n${service("gate", 80)}\n${service("masq", 8080)}`;
  }

  function pins(): string[] {
    return readdirSync(join(folder, "run/bpf"), { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.name.endsWith(".debug"))
      .map(({ name }) => name)
      .toSorted();
  }

  function load(url: string, close: boolean): WrkRun {
    const prefix = ["ip", "netns", "exec", lan.hosts.client.netns];
    return startWrk({ url, connections: 4, close, prefix });
  }

  const gateUrl = `http://${virtualAddress.gate}/`;
  const masqUrl = `http://${virtualAddress.masq}:8080/`;

  test(
    "replaced under load: no request is lost, connections go on in the kernel",
    async () => {
      await using stack = new AsyncDisposableStack();
      const loads = [gateUrl, masqUrl].flatMap((url) =>
        [true, false].map((close) => stack.use(load(url, close))),
      );
      const progress = async (): Promise<void> => {
        const count = async (): Promise<number> =>
          (await lan.requests("r1")) + (await lan.requests("r2"));
        const before = await count();
        await waitFor(async () => (await count()) > before + 100, { what: "more requests" });
      };
      await progress();
      const before = pins();
      for (let round = 1; round <= 2; round++) {
        const { pid } = await readSnapshot(director);
        const { status, stderr } = await runCommand(director, "upgrade");
        expect([status, stderr]).toEqual([0, ""]);
        await waitFor(() => !readdirSync("/proc").includes(String(pid)), {
          what: "end of the old process",
        });
        await progress();
        expect(pins()).toEqual(before);
      }
      expect((await readService(director, "gate")).engine).toBe("bpf");
      const reports = await Promise.all(loads.map((one) => one.finish()));
      expect(reports.map(({ errors }) => errors)).toEqual(["", "", "", ""]);
      // The new process is the one that decides.
      const { r1 } = lan.hosts;
      expect((await runCommand(director, "drain", `${r1.address}:80`)).status).toBe(0);
      expect(new Set(await lan.get(gateUrl, 8))).toEqual(new Set(["r2"]));
      expect((await runCommand(director, "enable", `${r1.address}:80`)).status).toBe(0);
      await waitFor(async () => new Set(await lan.get(gateUrl, 8)).size === 2, { what: "both" });
    },
    testTimeoutMs,
  );

  test(
    "one that does not come up leaves the kernel as it is",
    async () => {
      await using all = load(masqUrl, true);
      const before = pins();
      installed.installScript("exit 1");
      expect((await runCommand(director, "upgrade")).status).toBe(69);
      installed.installWell();
      director.configure("nonsense");
      expect((await runCommand(director, "upgrade")).status).toBe(69);
      director.configure(config());
      expect(pins()).toEqual(before);
      expect((await lan.get(gateUrl, 4)).toSorted()).toEqual(["r1", "r1", "r2", "r2"]);
      expect((await all.finish()).errors).toBe("");
    },
    testTimeoutMs,
  );
});
