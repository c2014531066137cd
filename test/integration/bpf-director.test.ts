/**
 * The built executable as a director that forwards by bpf, in namespaces on one bridge: what clients
 * get, and what goes on without it.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { KernelLan, virtualAddress } from "../helpers/bpf-director.ts";
import { formatService } from "../helpers/director-config.ts";
import { readMetric, readService, runCommand, waitForServer } from "../helpers/director-view.ts";
import type { NetnsDirector } from "../helpers/failover/netns-director.ts";
import type { StartedProcess } from "../helpers/process.ts";
import { requireBpf } from "../helpers/require-bpf.ts";
import {
  executablePath,
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
  requirePeer("nginx", "curl", "wrk", "setpriv"),
  requireBpf(),
  requireExecutable(),
);
const testTimeoutMs = 60_000;
const check = 'check = { type = "connect", interval = "500ms", timeout = "500ms" }';

describe.skipIf(needs.skip)(`director on bpf ${needs.reason}`.trim(), () => {
  let lan: KernelLan;
  let folder: string;
  let director: NetnsDirector;

  beforeAll(async () => {
    lan = await KernelLan.create();
    for (const name of ["gate", "masq"] as const) {
      await lan.giveAddress("one", virtualAddress[name]);
    }
    for (const name of ["r1", "r2"] as const) await lan.leadBack(name, lan.hosts.one.address);
    folder = lan.createFolder();
    director = await start();
  }, testTimeoutMs);
  afterAll(async () => {
    await lan[Symbol.asyncDispose]();
  }, testTimeoutMs);

  function config(scheduler = "rr"): string {
    const { r1, r2 } = lan.hosts;
    const servers = [`${r1.address}:80`, `${r2.address}:80`];
    const service = (name: "gate" | "masq", port: number): string =>
      formatService({
        name,
        listen: `${virtualAddress[name]}:${port}`,
        servers,
        settings: [`forwarding = "${name}"`, `scheduler = "${scheduler}"`, check],
      });
    return `[director]\nengine = "bpf"\n${service("gate", 80)}\n${service("masq", 8080)}`;
  }

  function start(): Promise<NetnsDirector> {
    return lan.startDirector("one", { config: config(), folder });
  }

  /** A new connection for each request. */
  function load(url: string): WrkRun {
    const prefix = ["ip", "netns", "exec", lan.hosts.client.netns];
    return startWrk({ url, connections: 4, close: true, prefix });
  }

  /** Waits until real servers have got new connections. */
  async function progress(): Promise<void> {
    const count = async (): Promise<number> => {
      return (await lan.requests("r1")) + (await lan.requests("r2"));
    };
    const before = await count();
    await waitFor(async () => (await count()) > before + 20, { what: "more requests" });
  }

  /** Both real servers answer, in an order that others mix up. */
  async function expectBoth(url: string): Promise<void> {
    expect([...new Set(await lan.get(url, 16))].toSorted()).toEqual(["r1", "r2"]);
  }

  /** Everything that is pinned. */
  function pins(): string[] {
    return readdirSync(join(folder, "run/bpf"), { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.name.endsWith(".debug"))
      .map(({ name }) => name);
  }

  const gateUrl = `http://${virtualAddress.gate}/`;
  const masqUrl = `http://${virtualAddress.masq}:8080/`;

  test(
    "gate and masq reach both real servers, and status says by which engine",
    async () => {
      expect((await lan.get(gateUrl, 4)).toSorted()).toEqual(["r1", "r1", "r2", "r2"]);
      expect((await lan.get(masqUrl, 4)).toSorted()).toEqual(["r1", "r1", "r2", "r2"]);
      const { engine, engineReason, state } = await readService(director, "gate");
      expect([engine, engineReason, state]).toEqual(["bpf", "it is configured", "up"]);
      const sample = 'appliance_service_engine{service="masq",engine="bpf"}';
      expect(await readMetric(director, sample)).toBe(1);
    },
    testTimeoutMs,
  );

  test(
    "answers of gate bypass the director, those of masq do not",
    async () => {
      const before = await lan.traffic("one");
      expect(await lan.download(`${gateUrl}big`)).toBe(2_000_000);
      const between = await lan.traffic("one");
      // It saw the acknowledgements of the client.
      expect(between.rx - before.rx).toBeLessThan(1_000_000);
      expect(await lan.download(`${masqUrl}big`)).toBe(2_000_000);
      const after = await lan.traffic("one");
      expect(after.rx - between.rx).toBeGreaterThan(2_000_000);
      expect(after.tx - between.tx).toBeGreaterThan(2_000_000);
    },
    testTimeoutMs,
  );

  test(
    "list shows the table, what it has counted, and its connections",
    async () => {
      const held = lan.hold(gateUrl, 2);
      await held.waitForOutput(/"r1":1,"r2":1/);
      const list = async (...args: readonly string[]): Promise<string> =>
        (await runCommand(director, "list", "-n", ...args)).stdout;
      const shows = (pattern: RegExp): Promise<unknown> =>
        waitFor(async () => pattern.test(await list()), { what: String(pattern) });
      await shows(/-> 10\.99\.0\.[45]:80 +Route +1 +1 +/);
      expect(await list()).toContain("TCP  10.99.0.100:80 rr");
      expect(await list("--connections")).toMatch(
        /TCP +\d+:\d+ +ESTABLISHED +10\.99\.0\.1:\d+ +10\.99\.0\.100:80 +10\.99\.0\.[45]:80/,
      );
      const stats = await list("--stats");
      expect(stats).toMatch(/-> 10\.99\.0\.4:80 +[1-9]\d* +[1-9]/);
      expect(await list("--rate")).toContain("10.99.0.5:80");
      await held.stop();
    },
    testTimeoutMs,
  );

  test(
    "drain, weight and disable by command",
    async () => {
      const { r1, r2 } = lan.hosts;
      const key = `${r1.address}:80`;
      await runCommand(director, "drain", key, "--service", "gate");
      expect(await lan.get(gateUrl, 3)).toEqual(["r2", "r2", "r2"]);
      await runCommand(director, "enable", key, "--service", "gate");
      await runCommand(director, "weight", `${r2.address}:80`, "0");
      expect(await lan.get(gateUrl, 3)).toEqual(["r1", "r1", "r1"]);
      await runCommand(director, "weight", `${r2.address}:80`, "1");
      await runCommand(director, "disable", key);
      expect(await lan.get(masqUrl, 2)).toEqual(["r2", "r2"]);
      await runCommand(director, "enable", key);
      await waitForServer(director, key, ({ effectiveWeight }) => effectiveWeight === 1);
    },
    testTimeoutMs,
  );

  test(
    "reload under load costs no request",
    async () => {
      await using gate = load(gateUrl);
      await using masq = load(masqUrl);
      for (const scheduler of ["wlc", "mh", "rr"]) {
        director.configure(config(scheduler));
        const { status, stderr } = await runCommand(director, "reload");
        expect([status, stderr]).toEqual([0, ""]);
        await progress();
      }
      for (const run of [gate, masq]) {
        const { errors, requests } = await run.finish();
        expect(errors).toBe("");
        expect(requests).toBeGreaterThan(0);
      }
    },
    testTimeoutMs,
  );

  test(
    "killed under load: forwarding goes on, and the next process takes over",
    async () => {
      await using gate = load(gateUrl);
      await using masq = load(masqUrl);
      await progress();
      director.process.kill("SIGKILL");
      await director.process.exited;
      // New clients, too.
      for (const url of [gateUrl, masqUrl]) await expectBoth(url);
      director = await start();
      await progress();
      await expectBoth(gateUrl);
      for (const run of [gate, masq]) {
        const { errors, requests } = await run.finish();
        expect(errors).toBe("");
        expect(requests).toBeGreaterThan(0);
      }
      const { connections } = await readService(director, "gate");
      expect(connections).toBeGreaterThan(0);
    },
    testTimeoutMs,
  );

  test(
    "a clean stop leaves nothing behind",
    async () => {
      expect(await lan.programs("one")).toBe(1);
      expect(pins()).not.toEqual([]);
      await director.process.stop();
      expect(pins()).toEqual([]);
      // The kernel lets go of a link a moment after its pin is gone.
      const isOff = async (): Promise<boolean> => (await lan.programs("one")) === 0;
      await waitFor(isOff, { what: "an interface without the program" });
      director = await start();
    },
    testTimeoutMs,
  );

  describe("without the capabilities for bpf", () => {
    /** Runs the executable with a configuration of one service, as root that may not use bpf. */
    function startWithout(lines: string): StartedProcess {
      const { r1, two } = lan.hosts;
      const dropped = "-bpf,-perfmon,-sys_admin,-net_admin";
      const place = lan.createFolder();
      const path = join(place, "appliance.toml");
      writeFileSync(
        path,
        `[[virtual_service]]
name = "web"
listen = "${two.address}:80"
${lines}
real_servers = [{ address = "${r1.address}:80" }]
`,
      );
      const limit = ["setpriv", `--bounding-set=${dropped}`, `--inh-caps=${dropped}`];
      return lan.hosts.two.spawn([...limit, executablePath, "run", "--config", path], {
        env: { APPLIANCE_RUNTIME_DIR: `${place}/run`, APPLIANCE_STATE_DIR: `${place}/state` },
      });
    }

    test(
      "gate is refused with what is missing",
      async () => {
        const started = startWithout('forwarding = "gate"\nengine = "bpf"');
        expect(await started.exited).not.toBe(0);
        expect(started.output()).toContain(
          "virtual service web: forwarding gate needs the engine bpf: " +
            "bpf may not be used: CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF missing",
        );
      },
      testTimeoutMs,
    );

    test(
      "masq runs on the proxy, with a warning",
      async () => {
        const started = startWithout('forwarding = "masq"');
        await started.waitForOutput(
          /warning engine service=web reason="forwarding masq runs on the proxy, .*CAP_BPF missing/,
        );
        await started.waitForOutput(/ready/);
        expect(await started.stop()).toBe(0);
      },
      testTimeoutMs,
    );
  });
});
