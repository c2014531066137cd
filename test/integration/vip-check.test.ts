/**
 * Checks of a client's path by the built executable, in namespaces on one bridge: they find what a
 * plain connect check cannot see.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";

import type { NamedOutcome } from "../../src/host/index.ts";
import type { ServerSnapshot } from "../../src/status/index.ts";
import { KernelLan, virtualAddress } from "../helpers/bpf-director.ts";
import type { KernelHostName } from "../helpers/bpf-director.ts";
import { formatService } from "../helpers/director-config.ts";
import { readService, runCommand } from "../helpers/director-view.ts";
import { routerText } from "../helpers/failover-pair.ts";
import type { NetnsDirector } from "../helpers/failover/netns-director.ts";
import { requireBpf } from "../helpers/require-bpf.ts";
import {
  executablePath,
  requireAll,
  requireExecutable,
  requireNetns,
  requirePeer,
} from "../helpers/require-peer.ts";
import { waitFor } from "../helpers/wait.ts";

const needs = requireAll(
  requireNetns(),
  requirePeer("nginx", "curl", "setpriv"),
  requireBpf(),
  requireExecutable(),
);
const testTimeoutMs = 60_000;
const gate6 = "fd99::100";
const masq6 = "fd99::101";
const tunnel6 = "fd99::102";
/** Both families; nginx has port 80 of IPv4. */
const port = 81;
const listener = `Bun.listen({ hostname: "::", port: ${port}, socket: { data() {} } })`;

function check(type: string): string {
  const times = 'interval = "300ms", timeout = "300ms", fast_interval = "100ms"';
  return `check = { type = "${type}", ${times} }`;
}

describe.skipIf(needs.skip)(`vip check ${needs.reason}`.trim(), () => {
  let lan: KernelLan;
  /** It has the virtual addresses, `two` does not. */
  let one: NetnsDirector;
  let two: NetnsDirector;

  beforeAll(async () => {
    lan = await KernelLan.create();
    for (const name of ["r1", "r2"] as const) {
      lan.hosts[name].spawn([process.execPath, "-e", listener]);
      await ip(name, "addr", "add", `${gate6}/128`, "dev", "lo");
      await decapsulate(name);
    }
    for (const address of [virtualAddress.gate, virtualAddress.masq]) {
      await lan.giveAddress("one", address);
    }
    // As failover gives it: no source of this host's own packets.
    const own = ["dev", "eth0", "nodad", "preferred_lft", "0"];
    await ip("one", "addr", "add", `${gate6}/128`, ...own);
    one = await lan.startDirector("one", { config: config(), folder: lan.createFolder() });
    two = await lan.startDirector("two", { config: config(), folder: lan.createFolder() });
  }, testTimeoutMs);
  afterAll(async () => {
    await lan[Symbol.asyncDispose]();
  }, testTimeoutMs);

  async function ip(name: KernelHostName, ...args: readonly string[]): Promise<void> {
    const { status, stderr } = await lan.hosts[name].run(["ip", ...args]);
    if (status !== 0) throw new Error(stderr);
  }

  async function decapsulate(name: KernelHostName): Promise<void> {
    const script = new URL("../helpers/decapsulator-host.ts", import.meta.url).pathname;
    const host = lan.hosts[name].spawn([process.execPath, script, "eth0"]);
    await host.waitForOutput(/decapsulating/);
  }

  function config(type = "vip"): string {
    const { r1, r2 } = lan.hosts;
    const kernel = (name: string, listen: string, settings: readonly string[]): string => {
      const at = listen.slice(listen.lastIndexOf(":") + 1).replace("8080", String(port));
      const servers = [r1, r2].map(({ address, address6 }) =>
        listen.startsWith("[") ? `[${address6}]:${at}` : `${address}:${at}`,
      );
      return formatService({ name, listen, servers, settings });
    };
    const [gate, masq, ipip] = ["gate", "masq", "ipip"].map((forwarding) => {
      return [`forwarding = "${forwarding}"`, check(type)];
    });
    return [
      '[director]\nengine = "bpf"',
      kernel("gate", `${virtualAddress.gate}:${port}`, gate!),
      kernel("gate6", `[${gate6}]:${port}`, gate!),
      kernel("masq", `${virtualAddress.masq}:${port}`, masq!),
      kernel("masq6", `[${masq6}]:${port}`, masq!),
      kernel("ipip", `${virtualAddress.gateway}:${port}`, ipip!),
      kernel("ipip6", `[${tunnel6}]:${port}`, ipip!),
      kernel("closed", `${virtualAddress.gate}:82`, gate!),
      kernel("web", `${virtualAddress.gate}:80`, gate!),
      kernel("plain", `${virtualAddress.masq}:8080`, ['forwarding = "masq"', check("connect")]),
    ].join("\n");
  }

  /** Waits until a server of a service is up, or down for this reason. */
  async function expectHealth(
    director: NetnsDirector,
    service: string,
    host: KernelHostName,
    wanted: RegExp | "up",
  ): Promise<void> {
    let seen: ServerSnapshot | undefined;
    const { address, address6 } = lan.hosts[host];
    const isSo = async (): Promise<boolean> => {
      const { realServers } = await readService(director, service);
      seen = realServers.find((server) => [address, address6].includes(server.host))!;
      if (wanted === "up") return seen.health === "up";
      return seen.health === "down" && wanted.test(seen.reason);
    };
    try {
      await waitFor(isSo, { what: `${service}, ${host}: ${String(wanted)}` });
    } catch (error) {
      throw new Error(`${String(error)}\n${JSON.stringify(seen)}`, { cause: error });
    }
  }

  test(
    "gate: finds the real server without the address on lo, on both directors",
    async () => {
      for (const director of [one, two]) {
        for (const host of ["r1", "r2"] as const) await expectHealth(director, "gate", host, "up");
      }
      await ip("r2", "addr", "del", `${virtualAddress.gate}/32`, "dev", "lo");
      const reason =
        /^timeout: no answer from 10\.99\.0\.100 at 10\.99\.0\.5: is the address on its lo\? appliance setup realserver$/;
      for (const director of [one, two]) await expectHealth(director, "gate", "r2", reason);
      await expectHealth(one, "plain", "r2", "up");
      await expectHealth(one, "gate", "r1", "up");
      await ip("r2", "addr", "add", `${virtualAddress.gate}/32`, "dev", "lo");
      for (const director of [one, two]) await expectHealth(director, "gate", "r2", "up");
    },
    testTimeoutMs,
  );

  test(
    "gate over IPv6",
    async () => {
      for (const host of ["r1", "r2"] as const) await expectHealth(two, "gate6", host, "up");
      await ip("r1", "addr", "del", `${gate6}/128`, "dev", "lo");
      await expectHealth(one, "gate6", "r1", /no answer from fd99::100 at fd99::4: is the address/);
      await ip("r1", "addr", "add", `${gate6}/128`, "dev", "lo");
      await expectHealth(one, "gate6", "r1", "up");
    },
    testTimeoutMs,
  );

  test(
    "masq: finds the real server whose default route does not lead through the director",
    async () => {
      const reason =
        /^timeout: no answer from 10\.99\.0\.4: does its way back lead through this director\?$/;
      await expectHealth(one, "masq", "r1", reason);
      await ip("r1", "route", "replace", "default", "via", lan.hosts.one.address);
      await expectHealth(one, "masq", "r1", "up");
      // It leads through the other one, and not through this one.
      await expectHealth(two, "masq", "r1", /way back/);
      await expectHealth(one, "masq", "r2", /way back/);
      await expectHealth(one, "plain", "r2", "up");
      await ip("r1", "route", "del", "default");
      await expectHealth(one, "masq", "r1", reason);
    },
    testTimeoutMs,
  );

  test(
    "masq over IPv6",
    async () => {
      await expectHealth(one, "masq6", "r1", /no answer from fd99::4: does its way back/);
      await ip("r1", "-6", "route", "replace", "default", "via", lan.hosts.one.address6);
      await expectHealth(one, "masq6", "r1", "up");
      await ip("r1", "-6", "route", "del", "default");
    },
    testTimeoutMs,
  );

  test(
    "ipip: finds the real server without the address",
    async () => {
      for (const host of ["r1", "r2"] as const) {
        await expectHealth(two, "ipip", host, /no answer from 10\.99\.0\.102 at /);
        await ip(host, "addr", "add", `${virtualAddress.gateway}/32`, "dev", "lo");
        await expectHealth(two, "ipip", host, "up");
      }
      await ip("r1", "addr", "add", `${tunnel6}/128`, "dev", "lo");
      await expectHealth(one, "ipip6", "r1", "up");
      await expectHealth(one, "ipip6", "r2", /no answer from fd99::102 at fd99::5/);
    },
    testTimeoutMs,
  );

  test(
    "nobody listens: refused, by the address",
    async () => {
      await expectHealth(one, "closed", "r1", /^refused: .* nobody listens at 10\.99\.0\.100 at /);
    },
    testTimeoutMs,
  );

  test(
    "what an ended check has left does not touch others: the backup is a client of the address",
    async () => {
      const answers = await lan.get(`http://${virtualAddress.gate}/`, 8, "two");
      expect([...new Set(answers)].toSorted()).toEqual(["r1", "r2"]);
    },
    testTimeoutMs,
  );

  test(
    "doctor names the real server, and what mends it",
    async () => {
      await ip("r2", "addr", "del", `${virtualAddress.gate}/32`, "dev", "lo");
      const folder = lan.createFolder();
      writeFileSync(`${folder}/appliance.toml`, config());
      const command = [executablePath, "doctor", "director", "--json"];
      const { stdout, stderr } = await lan.hosts.one.run(
        [...command, "--config", `${folder}/appliance.toml`],
        { env: { APPLIANCE_STATE_DIR: folder } },
      );
      expect(stderr).toBe("");
      const { reports } = JSON.parse(stdout) as {
        readonly reports: readonly { readonly outcomes: readonly NamedOutcome[] }[];
      };
      const found = reports[0]!.outcomes.filter(({ id }) => id === "client-paths");
      const told = (service: string): unknown[] =>
        found
          .filter(({ text }) => text.startsWith(`${service}:`))
          .map(({ state, remedy }) => [state, remedy].filter((part) => part !== undefined));
      const mend = "on 10.99.0.5: appliance setup realserver --vip 10.99.0.100";
      expect(told("gate")).toEqual([["ok"], ["wrong", mend]]);
      expect(told("gate6")).toEqual([["ok"], ["ok"]]);
      const route = "ip route replace default via ADDRESS, one of this director";
      expect(told("masq")).toEqual([
        ["wrong", `on 10.99.0.4: ${route}`],
        ["wrong", `on 10.99.0.5: ${route}`],
      ]);
      // Nobody listens at this port.
      expect(told("closed")).toEqual([["unknown"], ["unknown"]]);
      expect(await lan.programs("one")).toBe(2);
      await ip("r2", "addr", "add", `${virtualAddress.gate}/32`, "dev", "lo");
    },
    testTimeoutMs,
  );

  test(
    "only there while a check needs it",
    async () => {
      expect(await lan.programs("two")).toBe(2);
      two.configure(config("connect"));
      expect((await runCommand(two, "reload")).stderr).toBe("");
      // The balancer stays.
      const isOff = async (): Promise<boolean> => (await lan.programs("two")) === 1;
      await waitFor(isOff, { what: "an interface without the program" });
      two.configure(config());
      expect((await runCommand(two, "reload")).stderr).toBe("");
      await waitFor(async () => (await lan.programs("two")) === 2, { what: "the program again" });
      await two.process.stop();
      const isClean = async (): Promise<boolean> => (await lan.programs("two")) === 0;
      await waitFor(isClean, { what: "an interface without programs" });
      two = await lan.startDirector("two", { config: config(), folder: lan.createFolder() });
    },
    testTimeoutMs,
  );

  test(
    "without the capabilities for bpf the start says what is missing",
    async () => {
      const dropped = "-bpf,-perfmon,-sys_admin,-net_admin";
      const place = lan.createFolder();
      const path = `${place}/appliance.toml`;
      writeFileSync(path, config().replace('engine = "bpf"', ""));
      const limit = ["setpriv", `--bounding-set=${dropped}`, `--inh-caps=${dropped}`];
      const started = lan.hosts.two.spawn([...limit, executablePath, "run", "--config", path], {
        env: { APPLIANCE_RUNTIME_DIR: `${place}/run`, APPLIANCE_STATE_DIR: `${place}/state` },
      });
      expect(await started.exited).not.toBe(0);
      expect(started.output()).toContain(
        'The check type "vip" of gate, gate6, masq, masq6, ipip, ipip6, closed, web cannot be used ' +
          "here: bpf may not be used: CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF missing",
      );
    },
    testTimeoutMs,
  );
});

describe.skipIf(needs.skip)(`vip check behind the fence ${needs.reason}`.trim(), () => {
  test(
    "real servers of a leased address are seen by the active director and by the backup",
    async () => {
      await using lan = await KernelLan.create();
      const { r1, r2 } = lan.hosts;
      const service = formatService({
        name: "gate",
        listen: `${virtualAddress.gate}:80`,
        servers: [`${r1.address}:80`, `${r2.address}:80`],
        settings: ['forwarding = "gate"', 'engine = "bpf"', check("vip")],
      });
      const start = (name: "one" | "two", priority: number): Promise<NetnsDirector> =>
        lan.startDirector(name, {
          config: `${routerText({ priority })}\n${service}`,
          folder: lan.createFolder(),
        });
      const directors = [await start("one", 200), await start("two", 100)];
      const both = async (health: readonly string[]): Promise<void> => {
        for (const director of directors) {
          const isSo = async (): Promise<boolean> => {
            const { realServers } = await readService(director, "gate");
            return Bun.deepEquals(
              realServers.map((server) => server.health),
              health,
            );
          };
          await waitFor(isSo, { what: health.join(", ") });
        }
      };
      await both(["up", "up"]);
      const hasAddress = async (): Promise<boolean> =>
        (await lan.addressesOf("one")).some((address) => address.startsWith(virtualAddress.gate));
      await waitFor(hasAddress, { what: "an active director" });
      expect(await lan.addressesOf("two")).toEqual(["10.99.0.3"]);
      const address = [`${virtualAddress.gate}/32`, "dev", "lo"];
      await r1.run(["ip", "addr", "del", ...address]);
      await both(["down", "up"]);
      await r1.run(["ip", "addr", "add", ...address]);
      await both(["up", "up"]);
    },
    testTimeoutMs,
  );
});
