/**
 * Reads a ha.cf. Total: whatever the text is, the answer is a value, and each directive has either
 * a meaning in it or a warning.
 *
 * Facts: ha.cf(5) and the behaviour of Heartbeat 2.1 and 3.0. Pure.
 *
 * @module
 */

import { suggestNote } from "../../suggest.ts";
import { quoted } from "../notes.ts";
import type { Origin } from "../notes.ts";
import { haCfRules, readLines } from "./line.ts";
import type { Line, NamedText, Placed } from "./line.ts";
import { directivesWithoutEqual, reasonOf } from "./no-equal.ts";
import type { Told } from "./told.ts";
import { isInterfaceName, isNodeName, parseSwitch, parseTimeMs } from "./value.ts";

/** More nodes than Heartbeat itself ever had; two are what a pair of directors has. */
const nodesMax = 64;

/** A path that heartbeats take. */
export interface Medium extends Origin {
  readonly interface: string;
  /** Address or name of the other node, or of this one; undefined: multicast or broadcast. */
  readonly peer: string | undefined;
}

/** Times that were written, in ms. */
export type TimeName = "keepalive" | "deadtime" | "initdead";

/** What a ha.cf says that has a meaning here. */
export interface HaCf {
  readonly file: string;
  readonly nodes: readonly Placed<string>[];
  readonly media: readonly Medium[];
  readonly times: ReadonlyMap<TimeName, Placed<number>>;
  /** As written; undefined: Heartbeat's default, `legacy`. */
  readonly autoFailback: Placed<"on" | "off" | "legacy"> | undefined;
  /** Addresses or names; groups are taken apart. */
  readonly pings: readonly Placed<string>[];
  /** True if ipfail, or something like it, heeds the ping nodes. */
  readonly hasIpfail: boolean;
}

interface Draft {
  readonly file: string;
  readonly nodes: Placed<string>[];
  readonly media: Medium[];
  readonly times: Map<TimeName, Placed<number>>;
  autoFailback: Placed<"on" | "off" | "legacy"> | undefined;
  niceFailback: Placed<boolean> | undefined;
  readonly pings: Placed<string>[];
  hasIpfail: boolean;
}

type Handler = (line: Line, draft: Draft, told: Told) => void;

/** Reads a file. Never throws. */
export function readHaCf(named: NamedText, told: Told): HaCf {
  const draft: Draft = {
    file: named.file,
    nodes: [],
    media: [],
    times: new Map(),
    autoFailback: undefined,
    niceFailback: undefined,
    pings: [],
    hasIpfail: false,
  };
  for (const line of readLines(named, haCfRules)) readDirective(line, draft, told);
  return { ...draft, autoFailback: draft.autoFailback ?? failbackOf(draft.niceFailback) };
}

/** The older directive says the opposite of the newer one. */
function failbackOf(nice: Placed<boolean> | undefined): HaCf["autoFailback"] {
  return nice && { ...nice, value: nice.value ? "off" : "on" };
}

function readDirective(line: Line, draft: Draft, told: Told): void {
  const directive = line.words[0]!;
  const handler = Object.hasOwn(handlers, directive) ? handlers[directive] : undefined;
  if (handler !== undefined) return handler(line, draft, told);
  const reason = reasonOf(directive);
  if (reason !== undefined) {
    told.warn(line, `${directive} is left out: ${reason}`);
    return;
  }
  const known = [...Object.keys(handlers), ...directivesWithoutEqual];
  const note = suggestNote(directive, known) ?? "ha.cf has no such directive";
  told.warn(line, `${quoted(directive)} is left out: ${note}`);
}

const handlers: Readonly<Record<string, Handler>> = {
  keepalive: readTime("keepalive"),
  deadtime: readTime("deadtime"),
  initdead: readTime("initdead"),
  node: readNodes,
  bcast: readBroadcast,
  mcast: readMulticast,
  mcast6: readMulticast,
  ucast: readUnicast,
  ucast6: readUnicast,
  auto_failback: readAutoFailback,
  nice_failback: readNiceFailback,
  ping: readPings(1),
  ping6: readPings(1),
  ping_group: readPings(2),
  respawn: readRespawn,
  crm: readManager,
  pacemaker: readManager,
  autojoin: readAutojoin,
  realtime: readRealtime,
};

function readTime(name: TimeName): Handler {
  return (line, { times }, told) => {
    const value = parseTimeMs(line.words[1] ?? "");
    if (value === undefined || value === 0) {
      const found = quoted(line.words[1] ?? "");
      told.warn(line, `${name} is left out: expected a time such as 2 or 500ms, got ${found}`);
      return;
    }
    const before = times.get(name);
    if (before !== undefined) told.warn(before, `${name} is left out: it comes again below`);
    times.set(name, { file: line.file, line: line.line, value });
    warnRest(line, 2, told);
  };
}

function warnRest(line: Line, count: number, told: Told): void {
  const rest = line.words.slice(count);
  if (rest.length === 0) return;
  told.warn(line, `${quoted(rest.join(" "))} after ${line.words[0]!} is left out`);
}

function place(line: Line): Origin {
  return { file: line.file, line: line.line };
}

function warnEmpty(line: Line, what: string, told: Told): void {
  if (line.words.length === 1)
    told.warn(line, `${line.words[0]!} is left out: it names no ${what}`);
}

function readNodes(line: Line, { nodes }: Draft, told: Told): void {
  for (const name of line.words.slice(1)) {
    if (!isNodeName(name)) told.warn(line, `node ${quoted(name)} is left out: it is no node name`);
    else if (nodes.length >= nodesMax) {
      told.warn(line, `node ${quoted(name)} is left out: there are ${nodesMax} already`);
    } else if (nodes.some(({ value }) => value === name)) {
      told.warn(line, `node ${quoted(name)} is left out: it is there already`);
    } else nodes.push({ ...place(line), value: name });
  }
  warnEmpty(line, "node", told);
}

function readBroadcast(line: Line, { media }: Draft, told: Told): void {
  for (const name of line.words.slice(1)) {
    if (!isInterfaceName(name)) {
      told.warn(line, `bcast ${quoted(name)} is left out: it cannot be an interface`);
    } else media.push({ ...place(line), interface: name, peer: undefined });
  }
  warnEmpty(line, "interface", told);
}

function readMulticast(line: Line, { media }: Draft, told: Told): void {
  const [directive, name = "", ...rest] = line.words;
  if (!isInterfaceName(name)) {
    told.warn(line, `${directive!} ${quoted(name)} is left out: it cannot be an interface`);
    return;
  }
  media.push({ ...place(line), interface: name, peer: undefined });
  if (rest.length === 0) return;
  const message = `${quoted(rest.join(" "))} after ${directive!} is left out`;
  told.warn(line, `${message}: VRRP has a multicast group of its own, 224.0.0.18 and ff02::12`);
}

function readUnicast(line: Line, { media }: Draft, told: Told): void {
  const [directive, name = "", peer = ""] = line.words;
  const isPeer = peer !== "" && peer.length <= 253 && /^[\w.:-]+$/.test(peer);
  if (!isInterfaceName(name) || !isPeer) {
    const found = quoted(line.words.slice(1).join(" "));
    told.warn(
      line,
      `${directive!} is left out: expected an interface and an address, got ${found}`,
    );
    return;
  }
  media.push({ ...place(line), interface: name, peer });
  warnRest(line, 3, told);
}

function readAutoFailback(line: Line, draft: Draft, told: Told): void {
  const word = (line.words[1] ?? "").toLowerCase();
  const isOn = parseSwitch(word);
  if (isOn === undefined && word !== "legacy") {
    const found = quoted(line.words[1] ?? "");
    told.warn(line, `auto_failback is left out: expected on, off or legacy, got ${found}`);
    return;
  }
  const value = isOn === undefined ? "legacy" : isOn ? "on" : "off";
  draft.autoFailback = { ...place(line), value };
  warnRest(line, 2, told);
}

function readNiceFailback(line: Line, draft: Draft, told: Told): void {
  const value = parseSwitch(line.words[1] ?? "");
  if (value === undefined) told.warn(line, "nice_failback is left out: expected on or off");
  else {
    draft.niceFailback = { ...place(line), value };
    told.warn(line, "nice_failback counts only where there is no auto_failback");
  }
}

function readPings(first: 1 | 2): Handler {
  return (line, { pings }, told) => {
    for (const value of line.words.slice(first)) pings.push({ ...place(line), value });
    if (line.words.length <= first) warnEmpty({ ...line, words: ["ping"] }, "address", told);
    else if (first === 2 && line.words.length > 3) {
      told.warn(line, "ping_group is taken apart: each of its addresses counts by itself");
    }
  };
}

/** Programs that give resources away when ping nodes are out of reach. */
const witnessPrograms: ReadonlySet<string> = new Set(["ipfail", "pingd"]);

function readRespawn(line: Line, draft: Draft, told: Told): void {
  const [, , program = ""] = line.words;
  const name = program.slice(program.lastIndexOf("/") + 1);
  if (witnessPrograms.has(name)) draft.hasIpfail = true;
  else {
    const unit = "a systemd unit with Restart= takes its place";
    told.warn(line, `respawn of ${quoted(program)} is left out: ${unit}`);
  }
}

function readManager(line: Line, _: Draft, told: Told): void {
  // `respawn` and `manual` turn it on as well.
  if (parseSwitch(line.words[1] ?? "") === false) return;
  const message = `${line.words[0]!} is left out: its resources are not in haresources`;
  told.warn(line, `${message}; Heartbeat itself does not read that file beside it`);
}

function readAutojoin(line: Line, _: Draft, told: Told): void {
  if (line.words[1] === "none") return;
  told.warn(line, "autojoin is left out: a director is known by its configuration only");
}

function readRealtime(line: Line, _: Draft, told: Told): void {
  if (parseSwitch(line.words[1] ?? "") === true) return;
  told.warn(line, `realtime is left out: ${reasonOf("rtprio")!}`);
}
