/**
 * Gathers the facts of a host for the checks. Changes nothing.
 *
 * @module
 */

import { createBpfMap } from "../../../ffi/bpf.ts";
import { BPF_MAP_TYPE_ARRAY } from "../../../ffi/constants/bpf.ts";
import { closeDescriptor } from "../../../ffi/socket.ts";
import { errorText } from "../../errors/index.ts";
import { runProgram } from "../../process/index.ts";
import type { HostAccess } from "../access.ts";
import { arpSettings, interfaceKey } from "../arp-policy.ts";
import { keepsAll } from "../persistence.ts";
import { planDirector } from "../plan-director.ts";
import type { DirectorWish } from "../plan-director.ts";
import { detectInit, planRealServer, tunnelsFor } from "../plan-realserver.ts";
import type { RealServerWish } from "../plan-realserver.ts";
import { parseListeners } from "../proc-text.ts";
import { askLan } from "./ask-lan.ts";
import type { ClientPathAnswers } from "./client-paths.ts";
import { directorChecks } from "./director-checks.ts";
import type { DirectorFacts } from "./director-checks.ts";
import { measureLateness } from "./lateness.ts";
import { judgeAll } from "./outcome.ts";
import type { NamedOutcome } from "./outcome.ts";
import { findManagers } from "./processes.ts";
import { realServerChecks } from "./real-server-checks.ts";
import type { ExpectedPort, RealServerFacts } from "./real-server-checks.ts";
import { flushesAll } from "./ruleset.ts";

/** `nft list ruleset` of a large host takes a while. */
const rulesetTimeoutMs = 10_000;
const rulesetBytesMax = 8 * 1024 * 1024;

/** Where rules are loaded from when nftables starts (Debian, Fedora). */
const rulesetFiles = ["/etc/nftables.conf", "/etc/sysconfig/nftables.conf"];
const nftablesLinks = ["sysinit.target.wants", "multi-user.target.wants"].map(
  (target) => `/etc/systemd/system/${target}/nftables.service`,
);

/** What a real server is expected to be. */
export interface RealServerExpectation {
  readonly wish: RealServerWish;
  readonly ports: readonly ExpectedPort[];
}

function readSettings(host: HostAccess): Map<string, string> {
  const names = ["all", ...host.interfaces().map(({ name }) => name)];
  const keys = names.flatMap((name) =>
    [...arpSettings, "rp_filter"].map((setting) => interfaceKey(name, setting)),
  );
  return new Map(
    keys.flatMap((key) => {
      const value = host.readSysctl(key);
      return value === undefined ? [] : [[key, value] as const];
    }),
  );
}

function readListeners(host: HostAccess): RealServerFacts["listeners"] {
  return (["tcp", "udp"] as const).flatMap((protocol) =>
    ["", "6"].flatMap((suffix) =>
      parseListeners(host.readProcNet(`${protocol}${suffix}`), protocol),
    ),
  );
}

/** Facts of a real server. */
export function gatherRealServer(
  host: HostAccess,
  { wish, ports }: RealServerExpectation,
): RealServerFacts {
  const { vips, method } = wish;
  const { steps } = planRealServer(host, { ...wish, persist: true });
  return {
    vips,
    method,
    interfaces: host.interfaces(),
    addresses: host.addresses(),
    settings: readSettings(host),
    tunnels: tunnelsFor(vips, method),
    listeners: readListeners(host),
    ports,
    init: detectInit(host),
    fileSteps: steps.filter(
      (step) => (step.kind === "file" && !keepsAll(step)) || step.kind === "link",
    ),
  };
}

/** Checks this host as a real server. */
export function examineRealServer(
  host: HostAccess,
  expectation: RealServerExpectation,
): readonly NamedOutcome[] {
  return judgeAll(realServerChecks, gatherRealServer(host, expectation));
}

/** What a director is expected to carry. */
export interface DirectorExpectation {
  readonly wish: DirectorWish;
  readonly vips: readonly string[];
  readonly realServers: readonly string[];
  /** What real servers have answered to packets as of clients; the asker sits above this folder. */
  readonly clientPaths: ClientPathAnswers;
}

async function readRuleset(): Promise<string | undefined> {
  const result = await runProgram({
    command: ["nft", "list", "ruleset"],
    timeoutMs: rulesetTimeoutMs,
    outputBytesMax: rulesetBytesMax,
    user: "root",
  });
  return result.outcome === "exited" && result.status === 0 ? result.output : undefined;
}

function findFlushFiles(host: HostAccess): string[] {
  if (!nftablesLinks.some((path) => host.exists(path))) return [];
  return rulesetFiles.filter((path) => flushesAll(host.readFile(path) ?? ""));
}

/** Why this process cannot use bpf; undefined if it can. Found out by making a map. */
function findBpfRefusal(): string | undefined {
  try {
    closeDescriptor(
      createBpfMap({ type: BPF_MAP_TYPE_ARRAY, keyBytes: 4, valueBytes: 4, entriesMax: 1 }),
    );
    return undefined;
  } catch (error) {
    return errorText(error);
  }
}

/** Hard limit of open files in the text of /proc/self/limits; undefined if there is none. */
export function parseDescriptorLimit(text: string): number | undefined {
  const hard = /^Max open files +\S+ +(\d+)/m.exec(text)?.[1];
  return hard === undefined ? undefined : Number(hard);
}

/** Facts of a director; takes two seconds, since it measures how late wake-ups are. */
export async function gatherDirector(
  host: HostAccess,
  { wish, vips, realServers, clientPaths }: DirectorExpectation,
): Promise<DirectorFacts> {
  const [interfaces, addresses] = [host.interfaces(), host.addresses()];
  const lan = await askLan([...vips, ...realServers], { interfaces, addresses });
  const ruleset = await readRuleset();
  // Alone, so that nothing of this program is what makes it late.
  const lateness = await measureLateness();
  return {
    vips,
    realServers,
    clientPaths,
    services: wish.services,
    interfaces,
    addresses,
    lan,
    plan: planDirector(host, wish),
    descriptorsNeeded: wish.descriptors,
    descriptorsLimit: parseDescriptorLimit(host.readLimits()),
    lateness,
    managers: findManagers(),
    ruleset,
    flushFiles: findFlushFiles(host),
    bpfRefusal: findBpfRefusal(),
    hasIpvs: host.moduleState("ip_vs") !== "missing",
  };
}

/** Checks this host as a director, and who answers on its LAN. */
export async function examineDirector(
  host: HostAccess,
  expectation: DirectorExpectation,
): Promise<readonly NamedOutcome[]> {
  return judgeAll(directorChecks, await gatherDirector(host, expectation));
}
