/**
 * `virtual_server` to `[[virtual_service]]`. Pure.
 *
 * @module
 */

import { formatDuration } from "../../duration.ts";
import type { NativeTable, NativeValue } from "../../native.ts";
import { quoted } from "../notes.ts";
import type { Notes } from "../notes.ts";
import { readBlock } from "./block.ts";
import type { Handlers } from "./block.ts";
import { forwardingDefault, forwardingOf, schedulerOf } from "./forwarding.ts";
import { isOn, translateNotify, translateServer } from "./real-server.ts";
import type { ImportedServer } from "./real-server.ts";
import { readTargets } from "./target.ts";
import type { ServerGroups, Target } from "./target.ts";
import { timingHandlers } from "./timing.ts";
import type { Timing } from "./timing.ts";
import type { Directive } from "./tree.ts";
import {
  formatCommand,
  formatServer,
  readCommand,
  readInteger,
  readServer,
  readTimer,
} from "./value.ts";

/** A native table with the places of what is in it. */
export interface ImportedService {
  readonly directive: Directive;
  readonly servers: readonly ImportedServer[];
  readonly table: NativeTable;
}

/** What virtual servers share while they are translated. */
export interface ServiceContext {
  readonly notes: Notes;
  readonly groups: ServerGroups;
  /** Identities given so far. */
  readonly names: Set<string>;
  /** Line of what listens, by protocol and address. */
  readonly listeners: Map<string, number>;
}

/** Default of keepalived, in ms. */
const persistenceMs = 360_000;
const persistenceRange = { min: 1000, max: 2_073_600_000 };
const quorumRange = { min: 1, max: 4_294_967_295 };

/** What is read of one virtual server so far. */
interface Draft {
  readonly timing: Timing;
  readonly table: Record<string, NativeValue>;
  readonly servers: Directive[];
  protocol: string;
  forwarding: "masq" | "gate" | "ipip";
  mask: Directive | undefined;
  fallback: Directive | undefined;
  virtualHost: string | undefined;
  isQuiescent: boolean;
}

/** Translates a virtual server: one service, or several for a group with marks. */
export function translateService(
  directive: Directive,
  context: ServiceContext,
): readonly ImportedService[] {
  const { notes } = context;
  const draft: Draft = {
    timing: {},
    table: {},
    servers: [],
    protocol: "TCP",
    forwarding: forwardingDefault,
    mask: undefined,
    fallback: undefined,
    virtualHost: undefined,
    isQuiescent: false,
  };
  const targets = readTargets(directive, context.groups, notes);
  if (targets.length === 0) return [];
  readBlock(directive, { ...mainHandlers(draft, notes), ...hookHandlers(draft, notes) }, notes);
  if (draft.protocol !== "TCP" && draft.protocol !== "UDP") {
    const message = `virtual_server is left out: protocol ${quoted(draft.protocol)}`;
    notes.warn(directive, `${message} is neither TCP nor UDP`);
    return [];
  }
  readFallback(draft, singlePort(targets) !== undefined, notes);
  const servers = translateServers(draft, targets, notes);
  if (servers.length === 0 && draft.table["fallback"] === undefined) {
    notes.warn(directive, "virtual_server is left out: it has no real_server that can be used");
    return [];
  }
  const shared = sharedTable(draft, servers, notes);
  return targets.flatMap((target) => {
    const head = takeTarget(directive, target, { ...context, protocol: draft.protocol });
    return head === undefined ? [] : [{ directive, servers, table: { ...head, ...shared } }];
  });
}

function translateServers(
  draft: Draft,
  targets: readonly Target[],
  notes: Notes,
): readonly ImportedServer[] {
  const { timing, virtualHost, forwarding } = draft;
  const context = { notes, timing, virtualHost, forwarding, port: singlePort(targets) };
  const seen = new Set<string>();
  return draft.servers.flatMap((directive) => {
    const server = translateServer(directive, context);
    if (server === undefined) return [];
    const address = formatServer(server.address);
    if (seen.has(address)) {
      notes.warn(directive, `real_server is left out: ${address} is there already`);
      return [];
    }
    seen.add(address);
    return [server];
  });
}

/** The port that all addresses have; undefined if there is none, or more than one. */
function singlePort(targets: readonly Target[]): number | undefined {
  const listen = targets.flatMap((target) => ("listen" in target ? target.listen : []));
  const ports = new Set(listen.map((text) => text.slice(text.lastIndexOf(":") + 1)));
  const [port = ""] = ports;
  return ports.size === 1 && /^[1-9]\d*$/.test(port) ? Number(port) : undefined;
}

interface TargetOptions extends ServiceContext {
  readonly protocol: string;
}

/** Name and address of a service; undefined if another one has the address. */
function takeTarget(
  directive: Directive,
  target: Target,
  { notes, names, listeners, protocol }: TargetOptions,
): NativeTable | undefined {
  const isMark = "fwmark" in target;
  const addresses = isMark ? [`mark ${target.fwmark}`] : target.listen;
  for (const address of addresses) {
    const line = listeners.get(`${protocol} ${address}`);
    if (line !== undefined) {
      const message = `virtual_server is left out: ${address} is that of line ${line} already`;
      notes.warn(directive, message);
      return undefined;
    }
  }
  for (const address of addresses) listeners.set(`${protocol} ${address}`, directive.line);
  const listen = !isMark && target.listen.length === 1 ? target.listen[0] : addresses;
  return {
    name: uniqueName(protocol === "UDP" && !isMark ? `${target.name}/udp` : target.name, names),
    ...(isMark ? { fwmark: target.fwmark } : { listen }),
    // keepalived, too, takes no notice of the protocol beside a mark.
    protocol: protocol === "UDP" && !isMark ? "udp" : undefined,
  };
}

function uniqueName(wanted: string, names: Set<string>): string {
  let name = wanted;
  for (let number = 2; names.has(name); number++) name = `${wanted}-${number}`;
  names.add(name);
  return name;
}

/** Everything but name and address. */
function sharedTable(draft: Draft, servers: readonly ImportedServer[], notes: Notes): NativeTable {
  const { table } = draft;
  const checks = new Set(servers.map(({ check }) => JSON.stringify(check)));
  const isShared = checks.size === 1;
  const notify = translateNotify(servers, notes);
  return {
    forwarding: draft.forwarding,
    scheduler: table["scheduler"],
    one_packet: table["one_packet"],
    persistent: table["persistent"],
    persistence_mask: readMask(draft, notes),
    quiescent: isQuiescent(draft, servers, notes) ? true : undefined,
    fallback: table["fallback"],
    check: isShared ? servers[0]!.check : undefined,
    real_servers: servers.map((server) =>
      isShared ? server.table : { ...server.table, check: server.check },
    ),
    quorum: table["quorum"],
    quorum_up: table["quorum_up"],
    quorum_down: table["quorum_down"],
    on_service_up: notify.up && formatCommand(notify.up),
    on_service_down: notify.down && formatCommand(notify.down),
  };
}

/** Here it holds for all servers of a service. */
function isQuiescent(draft: Draft, servers: readonly ImportedServer[], notes: Notes): boolean {
  const own = servers.map((server) => server.isQuiescent ?? draft.isQuiescent);
  const isAll = own.length > 0 && own.every(Boolean);
  for (const [index, isOne] of own.entries()) {
    if (!isOne || isAll) continue;
    const message = "inhibit_on_failure is left out: not all real servers of the service have it";
    notes.warn(servers[index]!.directive, message);
  }
  return isAll;
}

/** A netmask or prefix length as a prefix length; undefined without persistence. */
function readMask({ mask, table }: Draft, notes: Notes): number | undefined {
  if (mask === undefined) return undefined;
  const text = mask.words[1] ?? "";
  const bits = /^\d{1,3}$/.test(text) ? Number(text) : maskBits(text);
  const isUsed = table["persistent"] !== undefined;
  if (isUsed && bits !== undefined && bits >= 1 && bits <= 128) return bits;
  const why = isUsed ? `${quoted(text)} is no network mask` : "there is no persistence_timeout";
  notes.warn(mask, `persistence_granularity is left out: ${why}`);
  return undefined;
}

function maskBits(text: string): number | undefined {
  const bytes = /^\d{1,3}(?:\.\d{1,3}){3}$/.test(text) ? text.split(".").map(Number) : [];
  const binary = bytes.map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return /^1{1,32}0*$/.test(binary) && binary.length === 32
    ? binary.replaceAll("0", "").length
    : undefined;
}

function readFallback(
  { fallback, forwarding, table }: Draft,
  hasPort: boolean,
  notes: Notes,
): void {
  if (fallback === undefined) return;
  const address = readServer(fallback.words[1] ?? "", fallback.words[2]);
  if (address === undefined) {
    const text = quoted(fallback.words.slice(1).join(" "));
    notes.warn(fallback, `${fallback.words[0]} is left out: ${text} is no address and port`);
    return;
  }
  const keepsPort = forwarding !== "masq" && hasPort;
  table["fallback"] = formatServer(keepsPort ? { ...address, port: undefined } : address);
  if (Number(table["quorum"] ?? 1) > 1) {
    const message = "fallback serves once no real server can, not already below the quorum";
    notes.warn(fallback, message);
  }
}

function mainHandlers(draft: Draft, notes: Notes): Handlers {
  const { table } = draft;
  const scheduler = (one: Directive): void => {
    table["scheduler"] = schedulerOf(one, notes) ?? table["scheduler"];
  };
  const forwarding = (one: Directive): void => {
    draft.forwarding = forwardingOf(one, notes) ?? draft.forwarding;
  };
  return {
    ...timingHandlers(draft.timing, notes),
    lvs_sched: scheduler,
    lb_algo: scheduler,
    lvs_method: forwarding,
    lb_kind: forwarding,
    protocol(one) {
      draft.protocol = (one.words[1] ?? "").toUpperCase();
    },
    persistence_timeout(one) {
      const timeoutMs =
        one.words.length === 1 ? persistenceMs : readTimer(one, persistenceRange, notes);
      if (timeoutMs !== undefined) table["persistent"] = formatDuration(timeoutMs);
    },
    persistence_granularity(one) {
      draft.mask = one;
    },
    ops(one) {
      if (draft.protocol === "UDP") table["one_packet"] = true;
      else notes.warn(one, "ops is left out: expected protocol UDP above it");
    },
    real_server(one) {
      draft.servers.push(one);
    },
    sorry_server(one) {
      draft.fallback = one;
    },
  };
}

function hookHandlers(draft: Draft, notes: Notes): Handlers {
  const { table } = draft;
  const program = (key: string) => (one: Directive) => {
    const words = readCommand(one, notes);
    if (words !== undefined) table[key] = formatCommand(words);
  };
  return {
    quorum(one) {
      table["quorum"] = readInteger(one, quorumRange, notes) ?? table["quorum"];
    },
    quorum_up: program("quorum_up"),
    quorum_down: program("quorum_down"),
    virtualhost(one) {
      draft.virtualHost = one.words[1];
    },
    inhibit_on_failure(one) {
      draft.isQuiescent = isOn(one);
    },
    // Nothing is sent to a server before its first check.
    alpha() {},
    ip_family() {},
  };
}
