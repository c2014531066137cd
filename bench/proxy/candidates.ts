/**
 * Who is measured: HAProxy in two configurations, this project in three, and no proxy at all.
 *
 * All of them run in TCP mode with one thread, with timeouts and a health check, in front of the
 * same real server.
 *
 * @module
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { spawnDirector } from "../../test/helpers/director.ts";
import { freePort } from "../../test/helpers/port.ts";
import { startProcess } from "../../test/helpers/process.ts";
import type { StartedProcess } from "../../test/helpers/process.ts";
import { requireExecutable, requirePeer } from "../../test/helpers/require-peer.ts";
import type { Requirement } from "../../test/helpers/require-peer.ts";
import { createTempFolder } from "../../test/helpers/temp-folder.ts";

/** What a candidate needs to start. */
export interface CandidateSetting {
  /** `address:port` of the real server. */
  readonly realServer: string;
  /** Put before the command, to pin it to a core. */
  readonly prefix: readonly string[];
}

/** A candidate in front of a real server. */
export interface RunningCandidate extends AsyncDisposable {
  /** Undefined for `direct`. */
  readonly process: StartedProcess | undefined;
  /** Where clients connect, on 127.0.0.1. */
  readonly port: number;
  /** `performance.now()` just before its process was spawned. */
  readonly spawnedMs: number;
}

/** One party of a comparison. */
export interface Candidate {
  readonly name: string;
  /** What it lacks on this machine. */
  requirement(): Requirement;
  /** Starts it, without waiting until it accepts. */
  start(setting: CandidateSetting): Promise<RunningCandidate>;
}

/** As many connections as the descriptor limit of 20,000 allows, with some to spare. */
const haproxyConnectionsMax = 9_200;

function haproxyConfiguration(port: number, realServer: string, splice: boolean): string {
  const options = splice ? "  option splice-request\n  option splice-response\n" : "";
  return `global
  nbthread 1
  maxconn ${haproxyConnectionsMax}
  maxpipes 500
  log /dev/null local0
defaults
  mode tcp
  timeout connect 5s
  timeout client 300s
  timeout server 300s
listen bench
  bind 127.0.0.1:${port} backlog 16384
${options}  server real ${realServer} check inter 2s
`;
}

function haproxy(name: string, splice: boolean): Candidate {
  return {
    name,
    requirement: () => requirePeer("haproxy"),
    async start({ realServer, prefix }) {
      const port = await freePort();
      const folder = createTempFolder();
      const path = join(folder.path, "haproxy.cfg");
      writeFileSync(path, haproxyConfiguration(port, realServer, splice));
      const spawnedMs = performance.now();
      const child = startProcess([...prefix, "haproxy", "-db", "-f", path]);
      return {
        process: child,
        port,
        spawnedMs,
        async [Symbol.asyncDispose]() {
          await child.stop();
          folder[Symbol.dispose]();
        },
      };
    },
  };
}

function applianceConfiguration(port: number, realServer: string, proxy: string): string {
  return `[director]
stop_timeout = "0s"
[proxy]
workers = 1
${proxy}
[[virtual_service]]
name = "bench"
listen = "127.0.0.1:${port}"
scheduler = "wrr"
check = { type = "connect", interval = "2s", timeout = "1s" }
timeouts = { connect = "5s", idle = "5m", half_closed = "30s" }
real_servers = [{ address = "${realServer}" }]
`;
}

/** @param proxy More lines for the table `[proxy]`. */
function appliance(name: string, proxy: string): Candidate {
  return {
    name,
    requirement: requireExecutable,
    async start({ realServer, prefix }) {
      const port = await freePort();
      const config = applianceConfiguration(port, realServer, proxy);
      const director = await spawnDirector({ config, prefix });
      return {
        process: director.process,
        port,
        spawnedMs: director.spawnedMs,
        [Symbol.asyncDispose]: () => director[Symbol.asyncDispose](),
      };
    },
  };
}

const direct: Candidate = {
  name: "direct",
  requirement: () => ({ skip: false, reason: "" }),
  start: ({ realServer }) =>
    Promise.resolve({
      process: undefined,
      port: Number(realServer.split(":")[1]),
      spawnedMs: performance.now(),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
};

/** Every candidate, in the order of the tables. The first proxy is what others are compared to. */
export const candidates: readonly Candidate[] = [
  direct,
  haproxy("haproxy", false),
  haproxy("haproxy-splice", true),
  appliance("appliance", 'engine = "native"'),
  appliance("appliance-portable", 'engine = "portable"'),
  appliance("appliance-sockmap", 'engine = "native"\nexperimental_sockmap = true'),
];

/**
 * The candidates of these names that can run here; why the others cannot goes to stderr.
 *
 * @throws {Error} for a name that none has.
 */
export function chooseCandidates(names: readonly string[]): Candidate[] {
  const unknown = names.filter((name) => candidates.every((candidate) => candidate.name !== name));
  if (unknown.length > 0) {
    const known = candidates.map(({ name }) => name).join(", ");
    throw new Error(`Unknown candidate ${unknown.join(", ")}, expected one of ${known}`);
  }
  return candidates.filter((candidate) => {
    if (!names.includes(candidate.name)) return false;
    const { skip, reason } = candidate.requirement();
    if (skip) process.stderr.write(`left out: ${candidate.name}: ${reason}\n`);
    return !skip;
  });
}
