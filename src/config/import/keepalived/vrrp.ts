/**
 * `vrrp_instance`, `vrrp_script` and `vrrp_sync_group` to `[[vrrp]]`. Pure.
 *
 * Timings and preemption stay as they are in keepalived, also where its default differs: it takes
 * addresses back unless `nopreempt` says otherwise.
 *
 * @module
 */

import { canonicalAddress, parseNetwork } from "../../../net/address.ts";
import { formatDuration } from "../../duration.ts";
import type { NativeTable, NativeValue } from "../../native.ts";
import { quoted } from "../notes.ts";
import type { Notes } from "../notes.ts";
import { expectNoMore, readBlock } from "./block.ts";
import type { Handlers } from "./block.ts";
import type { Directive } from "./tree.ts";
import { formatCommand, readCommand, readInteger, readTimer } from "./value.ts";

/** What instances take from other blocks of the file. */
export interface VrrpContext {
  readonly notes: Notes;
  /** Entries of `track` by the name of their `vrrp_script`. */
  readonly scripts: ReadonlyMap<string, NativeTable>;
  /** Name of the group by the name of the instance. */
  readonly groups: ReadonlyMap<string, string>;
  /** `vrrp_version` and `default_interface` of `global_defs`. */
  readonly version: 2 | 3 | undefined;
  readonly interface: string | undefined;
}

const intervalRange = { min: 100, max: 86_400_000 };
const timeoutRange = { min: 10, max: 3_600_000 };
/** Default of keepalived, in ms. */
const scriptIntervalMs = 1000;

/** A `vrrp_script` as an entry of `track`; undefined without a program. */
export function readScript(directive: Directive, notes: Notes): NativeTable | undefined {
  let script: readonly string[] | undefined;
  let intervalMs = scriptIntervalMs;
  let timeoutMs: number | undefined;
  const handlers: Handlers = {
    script(one) {
      script = readCommand(one, notes);
    },
    interval(one) {
      intervalMs = readTimer(one, intervalRange, notes) ?? intervalMs;
    },
    timeout(one) {
      timeoutMs = readTimer(one, timeoutRange, notes);
    },
    weight(one) {
      if (one.words[1] !== "0") warnWeight(one, notes);
    },
  };
  readBlock(directive, handlers, notes);
  if (script === undefined) {
    notes.warn(directive, `vrrp_script ${quoted(directive.words[1] ?? "")} is left out`);
    return undefined;
  }
  return {
    script: formatCommand(script),
    interval: formatDuration(intervalMs),
    timeout: timeoutMs === undefined ? undefined : formatDuration(timeoutMs),
  };
}

function warnWeight(at: Directive, notes: Notes): void {
  notes.warn(
    at,
    "weight is left out: what is tracked makes the whole director unfit when it fails",
  );
}

/** Adds the instances of a `vrrp_sync_group` to `groups`. */
export function readSyncGroup(
  directive: Directive,
  groups: Map<string, string>,
  notes: Notes,
): void {
  const name = nameOf(directive.words[1]);
  if (name === undefined) {
    notes.warn(directive, "vrrp_sync_group is left out: it has no name that can be used");
    return;
  }
  const group = (one: Directive): void => {
    for (const { words } of one.block ?? []) for (const word of words) groups.set(word, name);
  };
  readBlock(directive, { group }, notes);
}

/** A name without blanks, quotes and backslashes, as native names are. */
function nameOf(text: string | undefined): string | undefined {
  const name = (text ?? "").replace(/[\s"'`\\\p{C}]+/gu, "-").slice(0, 128);
  return name === "" ? undefined : name;
}

function missingOf(name: string | undefined, { table }: Draft): string | undefined {
  if (name === undefined) return "name";
  if (table["vrid"] === undefined) return "virtual_router_id";
  return table["addresses"] === undefined ? "virtual address" : undefined;
}

/** What is read of one instance so far. */
interface Draft {
  readonly table: Record<string, NativeValue>;
  readonly track: NativeTable[];
  isIpv6: boolean;
  version: 2 | 3 | undefined;
  authPass: string | undefined;
  /** `advert_int` in ms, and where it stands. */
  advertMs: number;
  advert: Directive | undefined;
  startsActive: boolean;
  nopreempt: Directive | undefined;
}

/** A `vrrp_instance` as `[[vrrp]]`; undefined, after a warning, if nothing would be left of it. */
export function readInstance(directive: Directive, context: VrrpContext): NativeTable | undefined {
  const { notes } = context;
  const written = directive.words[1];
  const name = nameOf(written);
  const draft: Draft = {
    table: {},
    track: [],
    isIpv6: false,
    version: context.version,
    authPass: undefined,
    advertMs: 1000,
    advert: undefined,
    startsActive: false,
    nopreempt: undefined,
  };
  const handlers = { ...mainHandlers(draft, notes), ...otherHandlers(draft, context) };
  readBlock(directive, handlers, notes);
  const what = missingOf(name, draft);
  if (name === undefined || what !== undefined) {
    notes.warn(directive, `vrrp_instance is left out: it has no ${what} that can be used`);
    return undefined;
  }
  return instanceTable({ name, group: context.groups.get(written!) }, draft, context);
}

interface Identity {
  readonly name: string;
  readonly group: string | undefined;
}

function instanceTable(
  { name, group }: Identity,
  draft: Draft,
  { interface: byDefault, notes }: VrrpContext,
): NativeTable {
  const { table, track } = draft;
  // keepalived itself speaks version 3 for IPv6, whatever is written.
  const version = draft.isIpv6 ? 3 : (draft.version ?? 2);
  const hasPassword = draft.authPass !== undefined && version === 2;
  return {
    name,
    interface: table["interface"] ?? byDefault,
    vrid: table["vrid"],
    version,
    priority: table["priority"] ?? 100,
    addresses: table["addresses"],
    excluded_addresses: table["excluded_addresses"],
    peers: table["peers"],
    auth: hasPassword ? undefined : "none",
    auth_pass: hasPassword ? draft.authPass : undefined,
    advertise_interval: formatDuration(intervalOf(draft, version, notes)),
    preempt: isPreempting(draft, notes),
    preempt_delay: table["preempt_delay"],
    start_delay: table["start_delay"],
    group,
    track: track.length === 0 ? undefined : track,
    on_active: table["on_active"],
    notify: table["notify"],
  };
}

/** Packets of version 2 say whole seconds; keepalived goes up to the next one, too. */
function intervalOf({ advertMs, advert }: Draft, version: 2 | 3, notes: Notes): number {
  const wholeMs = Math.ceil(advertMs / 1000) * 1000;
  if (version === 3 || wholeMs === advertMs) return advertMs;
  if (advert !== undefined) {
    const text = `advert_int becomes ${formatDuration(wholeMs)}: version 2 has whole seconds`;
    notes.warn(advert, text);
  }
  return wholeMs;
}

/** keepalived drops `nopreempt` for a director that starts as the active one. */
function isPreempting({ nopreempt, startsActive }: Draft, notes: Notes): boolean {
  if (nopreempt === undefined) return true;
  if (startsActive) {
    notes.warn(nopreempt, "nopreempt is left out, as keepalived does beside this state");
  }
  return startsActive;
}

const delayRange = { min: 0, max: 1_000_000 };

function mainHandlers(draft: Draft, notes: Notes): Handlers {
  const { table } = draft;
  const integer = (key: string) => (one: Directive) => {
    table[key] = readInteger(one, { min: 1, max: 255 }, notes);
  };
  const timer = (key: string, min: number, max: number) => (one: Directive) => {
    const timeMs = readTimer(one, { min, max }, notes);
    if (timeMs !== undefined) table[key] = formatDuration(timeMs);
  };
  const addresses = (key: string) => (one: Directive) => {
    const list = readAddresses(one, notes);
    if (list.length > 0) table[key] = list;
  };
  return {
    interface(one) {
      const name = one.words[1] ?? "";
      if (/^[^\s/:\p{C}]{1,15}$/u.test(name)) table["interface"] = name;
      else notes.warn(one, `interface is left out: ${quoted(name)} cannot be one`);
    },
    virtual_router_id: integer("vrid"),
    priority: integer("priority"),
    advert_int(one) {
      draft.advert = one;
      draft.advertMs = readTimer(one, { min: 10, max: 40_950 }, notes) ?? draft.advertMs;
    },
    preempt_delay: timer("preempt_delay", delayRange.min, delayRange.max),
    startup_delay: timer("start_delay", delayRange.min, delayRange.max),
    virtual_ipaddress(one) {
      addresses("addresses")(one);
      draft.isIpv6 = (one.block?.[0]?.words[0] ?? "").includes(":");
    },
    virtual_ipaddress_excluded: addresses("excluded_addresses"),
    unicast_peer(one) {
      const peers = readPeers(one, notes);
      if (peers.length > 0) table["peers"] = peers;
    },
    authentication(one) {
      readAuthentication(one, draft, notes);
    },
  };
}

function otherHandlers(draft: Draft, context: VrrpContext): Handlers {
  const { table } = draft;
  const { notes } = context;
  const program = (key: string) => (one: Directive) => {
    const words = readCommand(one, notes);
    if (words !== undefined) table[key] = formatCommand(words);
  };
  return {
    state(one) {
      draft.startsActive = !/^backup$/i.test(one.words[1] ?? "");
      if (draft.startsActive) {
        const message = `state ${quoted(one.words[1] ?? "")} is left out: the priority decides`;
        notes.warn(one, `${message}, and each director starts as backup`);
      }
    },
    version(one) {
      const version = readInteger(one, { min: 2, max: 3 }, notes);
      if (version !== undefined) draft.version = version === 2 ? 2 : 3;
    },
    preempt: () => {
      draft.nopreempt = undefined;
    },
    nopreempt: (one) => {
      draft.nopreempt = one;
    },
    notify(one) {
      program("notify")(one);
      notes.warn(one, "notify finds what happened in its environment, not in its arguments");
    },
    notify_master: program("on_active"),
    track_interface(one) {
      for (const entry of one.block ?? []) readTracked(draft, entry, context);
    },
    track_script(one) {
      for (const entry of one.block ?? []) readTrackedScript(draft, entry, context);
    },
  };
}

function readTracked(draft: Draft, entry: Directive, { notes }: VrrpContext): void {
  const name = entry.words[0] ?? "";
  if (!/^[^\s/:\p{C}]{1,15}$/u.test(name)) {
    notes.warn(entry, `${quoted(name)} cannot be an interface: it is left out`);
    return;
  }
  if (entry.words.includes("weight")) warnWeight(entry, notes);
  draft.track.push({ interface: name });
}

function readTrackedScript(draft: Draft, entry: Directive, { notes, scripts }: VrrpContext): void {
  const name = entry.words[0] ?? "";
  const script = scripts.get(name);
  if (script === undefined) {
    notes.warn(entry, `There is no vrrp_script ${quoted(name)} that can be used: it is left out`);
    return;
  }
  if (entry.words.includes("weight")) warnWeight(entry, notes);
  draft.track.push(script);
}

function readPeers(directive: Directive, notes: Notes): readonly string[] {
  const peers: string[] = [];
  for (const entry of directive.block ?? []) {
    const address = canonicalAddress(entry.words[0] ?? "");
    if (address === undefined) {
      notes.warn(entry, `${quoted(entry.words[0] ?? "")} is no address: it is left out`);
    } else {
      peers.push(address);
      expectNoMore(entry, 1, notes);
    }
  }
  return peers;
}

function readAuthentication(directive: Directive, draft: Draft, notes: Notes): void {
  let type = "PASS";
  let password: string | undefined;
  const handlers: Handlers = {
    auth_type(one) {
      type = one.words[1] ?? "";
      if (type === "PASS") return;
      const message = `auth_type ${quoted(type)} is left out: use key_file on both directors`;
      notes.warn(one, message);
    },
    auth_pass(one) {
      // keepalived sends eight bytes.
      const text = (one.words[1] ?? "").slice(0, 8);
      if (/^[\x21-\x7e]{1,8}$/.test(text)) password = text;
      else notes.warn(one, "auth_pass is left out: expected 1 to 8 printable ASCII characters");
    },
  };
  readBlock(directive, handlers, notes);
  if (type === "PASS") draft.authPass = password;
}

/** Entries `ADDRESS[/PREFIX] [dev NAME] [label TEXT] …`. */
function readAddresses(directive: Directive, notes: Notes): readonly NativeValue[] {
  const addresses: NativeValue[] = [];
  for (const entry of directive.block ?? []) {
    const [address = ""] = entry.words;
    if (parseNetwork(address) === undefined) {
      notes.warn(entry, `${quoted(address)} is no address: it is left out`);
      continue;
    }
    const { device, label } = readAddressWords(entry, notes);
    const isPlain = device === undefined && label === undefined;
    addresses.push(isPlain ? address : { address, interface: device, label });
  }
  return addresses;
}

function readAddressWords(entry: Directive, notes: Notes) {
  let device: string | undefined;
  let label: string | undefined;
  const rest: string[] = [];
  for (let index = 1; index < entry.words.length; index++) {
    const word = entry.words[index]!;
    const value = entry.words[index + 1] ?? "";
    if (word === "dev" && /^[^\s/:\p{C}]{1,15}$/u.test(value)) device = value;
    else if (word === "label" && /^[^\s/\p{C}]{1,15}$/u.test(value)) label = value;
    else {
      rest.push(word);
      continue;
    }
    index += 1;
  }
  if (rest.length > 0) {
    notes.warn(entry, `${quoted(rest.join(" "))} after the address is left out`);
  }
  return { device, label };
}
