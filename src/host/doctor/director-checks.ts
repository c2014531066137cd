/**
 * Checks of a director and its LAN, a table entry each. Pure.
 *
 * @module
 */

import type { AddressFact, InterfaceFact } from "../access.ts";
import { carriedHere } from "../plan-director.ts";
import type { CarriedService } from "../plan-director.ts";
import type { Plan } from "../plan-realserver.ts";
import { formatStep } from "../step.ts";
import type { LanAnswer, LanAnswers } from "./ask-lan.ts";
import { judgeClientPaths } from "./client-paths.ts";
import type { ClientPathAnswers } from "./client-paths.ts";
import { recommendProfile } from "./lateness.ts";
import type { Lateness } from "./lateness.ts";
import { note, ok, unknown, wrong } from "./outcome.ts";
import type { HostCheck, Outcome } from "./outcome.ts";
import type { Manager, ManagerName } from "./processes.ts";
import { rulesNaming } from "./ruleset.ts";

/** What is looked at. */
export interface DirectorFacts {
  readonly vips: readonly string[];
  /** Addresses of real servers. */
  readonly realServers: readonly string[];
  readonly services: readonly CarriedService[];
  readonly interfaces: readonly InterfaceFact[];
  readonly addresses: readonly AddressFact[];
  /** Answers for virtual addresses and real servers. */
  readonly lan: LanAnswers;
  /** Answers of real servers to packets as of clients. */
  readonly clientPaths: ClientPathAnswers;
  /** What `setup director` would do. */
  readonly plan: Plan;
  readonly descriptorsNeeded: number;
  /** Hard limit of this process; undefined: none. */
  readonly descriptorsLimit: number | undefined;
  readonly lateness: Lateness;
  readonly managers: readonly Manager[];
  /** Rules of nft; undefined: they could not be read. */
  readonly ruleset: string | undefined;
  /** Files with `flush ruleset` that this host runs when it starts. */
  readonly flushFiles: readonly string[];
  /** Undefined: a bpf map could be made; else why not. */
  readonly bpfRefusal: string | undefined;
  readonly hasIpvs: boolean;
}

function isOwn({ addresses, interfaces }: DirectorFacts, vip: string): boolean {
  const real = new Set(interfaces.flatMap((one) => (one.isLoopback ? [] : [one.name])));
  return addresses.some((one) => one.address === vip && real.has(one.interface));
}

/** Real servers by their hardware address. */
function namesOf({ lan, realServers }: DirectorFacts): ReadonlyMap<string, string> {
  const known = lan.answers.filter(({ address }) => realServers.includes(address));
  return new Map(
    known.flatMap(({ address, holders }) => holders.map((one) => [one, address] as const)),
  );
}

function judgeAnswer(
  facts: DirectorFacts,
  { address: vip, interface: name, holders }: LanAnswer,
): Outcome[] {
  const names = namesOf(facts);
  const own = new Set(facts.interfaces.map(({ hardwareAddress }) => hardwareAddress));
  const others = holders.filter((one) => !own.has(one));
  const servers = others.filter((one) => names.has(one));
  const strangers = others.filter((one) => !names.has(one));
  const found = servers.map((one) =>
    wrong(
      `real server ${names.get(one)} (${one}) answers the LAN for ${vip} on ${name}`,
      `on ${names.get(one)}: appliance setup realserver --vip ${vip}`,
    ),
  );
  const where = strangers.join(", ");
  if (strangers.length > 1 || (strangers.length === 1 && isOwn(facts, vip))) {
    const also = isOwn(facts, vip) ? "this host has it, and it is also answered" : "answered";
    const remedy = `find ${where} in the switch's table or in ip neigh; one host may answer`;
    found.push(wrong(`${vip} on ${name}: ${also} by ${where}`, remedy));
  } else if (strangers.length === 1) {
    found.push(note(`${vip} on ${name} is answered by ${where}: the active director?`));
  }
  if (found.length > 0) return found;
  if (isOwn(facts, vip)) return [ok(`nobody else answers for ${vip} on ${name}`)];
  return [note(`nobody answers for ${vip} on ${name}: no director is active for it`)];
}

function judgeLan(facts: DirectorFacts): Outcome[] {
  const answers = facts.lan.answers.filter(({ address }) => facts.vips.includes(address));
  return [
    ...answers.flatMap((answer) => judgeAnswer(facts, answer)),
    ...facts.lan.failures.map(unknown),
  ];
}

function judgeKernel({ plan }: DirectorFacts): Outcome[] {
  const missing = plan.unsupported.map((text) =>
    wrong(text, "install a kernel that has it, or choose another engine"),
  );
  const open = plan.steps.map((step) =>
    wrong(`still to be done: ${formatStep(step)}`, "appliance setup director"),
  );
  if (missing.length + open.length > 0) return [...missing, ...open];
  return [ok("the kernel is set as the services need it")];
}

function judgeEngines({ bpfRefusal, hasIpvs, services }: DirectorFacts): Outcome[] {
  const onBpf = carriedHere(hasIpvs, services).filter(({ engine }) => engine === "bpf");
  const found = note(hasIpvs ? "the kernel has IPVS" : "the kernel has no IPVS (module ip_vs)");
  if (bpfRefusal === undefined) return [found, note("bpf programs are permitted")];
  const text = `bpf programs are not permitted here: ${bpfRefusal}`;
  if (onBpf.length === 0) return [found, note(text)];
  const names = onBpf.map(({ name }) => name).join(", ");
  const cure = "run as root or with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN, or load ip_vs";
  return [found, wrong(`${text}; the engine bpf is to carry ${names}`, cure)];
}

function judgeRules({ vips, ruleset, services, hasIpvs }: DirectorFacts): Outcome[] {
  if (ruleset === undefined) return [unknown("the rules of nft cannot be read")];
  const found = vips.flatMap((vip) => rulesNaming(ruleset, vip));
  if (found.length === 0) return [ok("no rule of nft names a virtual address")];
  const isPassed = carriedHere(hasIpvs, services).some(({ engine }) => engine === "bpf");
  return found.map(({ table, rule }) =>
    isPassed
      ? wrong(
          `${table}: "${rule}" does not see what the engine bpf forwards`,
          "use allow and deny of the service instead",
        )
      : note(`${table}: "${rule}" names a virtual address; it comes before the proxy`),
  );
}

function judgeFlush({ flushFiles, bpfRefusal }: DirectorFacts): Outcome[] {
  return flushFiles.map((path) => {
    const text = `${path} has "flush ruleset" and runs when nftables starts or reloads`;
    if (bpfRefusal === undefined) return note(text);
    return wrong(
      `${text}; without bpf it removes the fence of the virtual addresses for a moment`,
      `replace it in ${path} by "flush table" for the tables that the file makes`,
    );
  });
}

function judgeLimits({ descriptorsNeeded, descriptorsLimit }: DirectorFacts): Outcome[] {
  const limit = descriptorsLimit ?? Number.POSITIVE_INFINITY;
  const needs = `the services need ${descriptorsNeeded} descriptors`;
  if (descriptorsNeeded <= limit) return [ok(`${needs}, the limit is ${limit}`)];
  return [
    wrong(`${needs}, the limit is ${limit}`, "raise LimitNOFILE= of the unit, or ulimit -Hn"),
  ];
}

function judgeLateness({ lateness }: DirectorFacts): Outcome[] {
  const { p99Ms, maxMs } = lateness;
  const { name, advertiseInterval, downAfter } = recommendProfile(lateness);
  const [p99, max] = [p99Ms, maxMs].map((ms) => `${ms.toFixed(1)} ms`);
  const text = `wake-ups are late by ${p99} (99 of 100), ${max} at most`;
  const timing = `advertise_interval = "${advertiseInterval}", down_after = "${downAfter}"`;
  if (name !== "slow") return [ok(`${text}; profile ${name}: ${timing}`)];
  return [wrong(`${text}: too late for a fast takeover`, `use ${timing}, or less load`)];
}

const stopCommand: Readonly<Record<ManagerName, string>> = {
  ldirectord: "systemctl disable --now ldirectord",
  keepalived: "systemctl disable --now keepalived",
  heartbeat: "systemctl disable --now heartbeat",
  appliance: "end one of them",
};

function judgeManagers({ managers }: DirectorFacts): Outcome[] {
  const directors = managers.filter(({ name }) => name === "appliance");
  const others = managers.filter(({ name }) => name !== "appliance");
  const found = others.map(({ name, pid }) =>
    wrong(`${name} runs here, process ${pid}: two cannot manage one host`, stopCommand[name]),
  );
  if (directors.length > 1) {
    const pids = directors.map(({ pid }) => pid).join(", ");
    found.push(wrong(`several directors run here, processes ${pids}`, stopCommand.appliance));
  }
  if (found.length > 0) return found;
  const [director] = directors;
  const running = director === undefined ? "no director runs" : `one runs, process ${director.pid}`;
  return [ok(`nobody else manages this host; ${running}`)];
}

/** All checks, in the order in which they are told. */
export const directorChecks: readonly HostCheck<DirectorFacts>[] = [
  { id: "vip-answers", judge: judgeLan },
  { id: "client-paths", judge: judgeClientPaths },
  { id: "kernel-settings", judge: judgeKernel },
  { id: "engines", judge: judgeEngines },
  { id: "firewall-rules", judge: judgeRules },
  { id: "firewall-flush", judge: judgeFlush },
  { id: "descriptors", judge: judgeLimits },
  { id: "wake-ups", judge: judgeLateness },
  { id: "other-managers", judge: judgeManagers },
];
