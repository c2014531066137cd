/**
 * Who holds the address: this project's director with its proxy, and keepalived with HAProxy, each
 * at several timings. `appliance` has its peer channel, `appliance-two-paths` a second link to the
 * peer as well, `appliance-vrrp` neither. Priorities are 254 and 253 for all, so that the skew time
 * of a backup plays no part.
 *
 * @module
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { formatService } from "../../test/helpers/director-config.ts";
import { runCommand } from "../../test/helpers/director-view.ts";
import { formatRouter, startNetnsDirector } from "../../test/helpers/failover/netns-director.ts";
import type { NetnsDirector } from "../../test/helpers/failover/netns-director.ts";
import type { Host } from "../../test/helpers/netns.ts";
import { createTempFolder } from "../../test/helpers/temp-folder.ts";
import { waitFor } from "../../test/helpers/wait.ts";

/** The address that moves. */
export const virtual = "10.99.0.100";
/** A link between the directors alone. */
export const secondDevice = "ha0";

/** What both directors are told. */
export interface NodeSetting {
  readonly priority: number;
  /** `address:port` of the real server. */
  readonly realServer: string;
  /** The other director. */
  readonly peer: Host;
  /** Its address on the second link, {@link secondDevice}. */
  readonly peerSecond: string;
}

/** A director of any kind. */
export interface RunningNode extends AsyncDisposable {
  /** Settles once it has the address, or waits for it. */
  waitFor(state: "active" | "backup"): Promise<void>;
  /** Process that stops gracefully. */
  readonly mainPid: number;
  /** What dies with the program: all but the guard. */
  readonly ownPids: readonly number[];
  /** What dies with the host. */
  readonly allPids: readonly number[];
  /** Hands the address over; undefined if it has no such command. */
  readonly standby: (() => Promise<void>) | undefined;
  /** How often it became active. */
  promotions(): Promise<number>;
}

/** One side of the comparison. */
export interface Party {
  readonly name: string;
  /** Silence after which a backup takes over, ms. */
  readonly deadTimeMs: number;
  start(host: Host, setting: NodeSetting): Promise<RunningNode>;
}

async function hasAddress(host: Host): Promise<boolean> {
  const { stdout } = await host.run(["ip", "-o", "addr", "show", "dev", "eth0"]);
  return stdout.includes(` ${virtual}/`);
}

function applianceNode(director: NetnsDirector, guard: number): RunningNode {
  const { pid } = director.process;
  return {
    async waitFor(state) {
      await director.waitForState(state);
      // Heard once: it knows that somebody is there.
      if (state === "active") return;
      const hears = async (): Promise<boolean> => (await director.router()).heard !== null;
      await waitFor(hears, { what: "the active director to be heard" });
    },
    mainPid: pid,
    ownPids: [pid],
    // The guard first: it must not see the other die.
    allPids: [guard, pid],
    async standby() {
      const { status, stderr } = await runCommand(director, "standby");
      if (status !== 0) throw new Error(stderr);
    },
    async promotions() {
      const { transitions, state } = await director.router();
      // initialize, backup, active, backup, active …
      return Math.floor((transitions - (state === "active" ? 0 : 1)) / 2);
    },
    [Symbol.asyncDispose]: () => director[Symbol.asyncDispose](),
  };
}

interface ApplianceTiming {
  readonly intervalMs: number;
  readonly deadTimeMs: number;
  /** Plain VRRP; with the peer channel; with that and VRRP over a second link as well. */
  readonly paths: "vrrp" | "peer" | "two";
}

function appliance(name: string, { intervalMs, deadTimeMs, paths }: ApplianceTiming): Party {
  return {
    name,
    deadTimeMs,
    async start(host, { priority, realServer, peer, peerSecond }) {
      const executable = process.env["APPLIANCE_BENCH_EXECUTABLE"];
      const check = 'check = { type = "connect", interval = "1s", timeout = "500ms" }';
      const service = { listen: `${virtual}:80`, servers: [realServer], settings: [check] };
      const router = {
        name: "V",
        vrid: 51,
        priority,
        addresses: [`${virtual}/24`],
        ...(paths === "two" ? { interface: undefined, interfaces: ["eth0", secondDevice] } : {}),
        advertise_interval: `${intervalMs}ms`,
        down_after: `${deadTimeMs}ms`,
      };
      const config = `[proxy]\nworkers = 1\n\n${formatService(service)}\n${formatRouter(router)}`;
      const which = executable === undefined ? {} : { executable };
      const link = paths === "two" ? { address: peerSecond } : peer;
      const channel = paths === "vrrp" ? {} : { peer: link };
      const director = await startNetnsDirector(host, { config, ...which, ...channel });
      try {
        const guard = await waitFor(() => director.guardPid(), { what: "the guard" });
        return applianceNode(director, guard);
      } catch (error) {
        await director[Symbol.asyncDispose]();
        throw error;
      }
    },
  };
}

function haproxyConfiguration(realServer: string): string {
  return `global
  nbthread 1
defaults
  mode tcp
  timeout connect 1s
  timeout client 5s
  timeout server 5s
listen f
  bind *:80
  server rs1 ${realServer} check inter 1s
`;
}

interface KeepalivedTiming {
  /** Seconds. */
  readonly interval: number;
  /** Intervals without a packet; its default is 3. */
  readonly adverts: number;
}

function keepalivedConfiguration(
  { interval, adverts }: KeepalivedTiming,
  { priority }: NodeSetting,
): string {
  return `global_defs {
  router_id n${priority}
  vrrp_version 3
}
vrrp_instance V {
  state BACKUP
  nopreempt
  interface eth0
  virtual_router_id 51
  priority ${priority}
  advert_int ${interval}
  down_timer_adverts ${adverts}
  virtual_ipaddress {
    ${virtual}/24 dev eth0
  }
}
`;
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8")
      .trim()
      .split(" ")
      .filter((child) => child !== "")
      .map(Number),
  );
}

function keepalived(name: string, timing: KeepalivedTiming): Party {
  return {
    name,
    deadTimeMs: timing.interval * timing.adverts * 1000,
    async start(host, setting) {
      const folder = createTempFolder();
      const path = (file: string): string => join(folder.path, file);
      mkdirSync(folder.path, { recursive: true });
      writeFileSync(path("haproxy.cfg"), haproxyConfiguration(setting.realServer));
      writeFileSync(path("keepalived.conf"), keepalivedConfiguration(timing, setting));
      const proxy = host.spawn(["haproxy", "-db", "-f", path("haproxy.cfg")]);
      const pidFiles = ["-p", path("a.pid"), "-r", path("b.pid")];
      const flags = ["--dont-fork", "--log-console", "--log-detail", "--vrrp"];
      const daemon = host.spawn([
        "keepalived",
        ...flags,
        "-f",
        path("keepalived.conf"),
        ...pidFiles,
      ]);
      await daemon.waitForOutput(/Entering BACKUP STATE/);
      // The parent first: it must not start its child again.
      const pids = [daemon.pid, ...childrenOf(daemon.pid), proxy.pid];
      const promotions = (): number => daemon.output().match(/Entering MASTER STATE/g)?.length ?? 0;
      return {
        async waitFor(state) {
          const isActive = state === "active";
          await waitFor(async () => (await hasAddress(host)) === isActive, { what: state });
        },
        mainPid: daemon.pid,
        ownPids: pids,
        allPids: pids,
        standby: undefined,
        promotions: async () => promotions(),
        async [Symbol.asyncDispose]() {
          await Promise.all([daemon.stop(), proxy.stop()]);
          folder[Symbol.dispose]();
        },
      };
    },
  };
}

/** All of them. The number of keepalived is its interval; dead time 300 ms, or 3 s. */
export const parties: readonly Party[] = [
  appliance("appliance", { intervalMs: 20, deadTimeMs: 300, paths: "peer" }),
  appliance("appliance-two-paths", { intervalMs: 20, deadTimeMs: 300, paths: "two" }),
  appliance("appliance-vrrp", { intervalMs: 20, deadTimeMs: 300, paths: "vrrp" }),
  keepalived("keepalived-20ms", { interval: 0.02, adverts: 15 }),
  keepalived("keepalived-100ms", { interval: 0.1, adverts: 3 }),
  appliance("appliance-vrrp-1s", { intervalMs: 1000, deadTimeMs: 3000, paths: "vrrp" }),
  keepalived("keepalived-1s", { interval: 1, adverts: 3 }),
];
