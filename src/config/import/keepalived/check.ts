/**
 * The checks of keepalived to a native `check`. Pure.
 *
 * @module
 */

import type { NativeTable, NativeValue } from "../../native.ts";
import { createPatternCheck } from "../../resolve/index.ts";
import { quoted } from "../notes.ts";
import type { Notes } from "../notes.ts";
import { readBlock } from "./block.ts";
import type { Handlers } from "./block.ts";
import { formatTiming, timingHandlers } from "./timing.ts";
import type { RetryDefaults, Timing } from "./timing.ts";
import type { Directive } from "./tree.ts";
import { readCommand, readInteger, readTimer, shellLine } from "./value.ts";

/** What a check takes from the blocks around it. */
export interface CheckContext {
  readonly notes: Notes;
  readonly timing: Timing;
  readonly virtualHost: string | undefined;
  /** Port of the real server; one that is the same need not be written. */
  readonly port: number | undefined;
}

/** Default of keepalived, in ms. */
const connectTimeoutMs = 5000;
const timeoutRange = { min: 1, max: 3_600_000 };
const portRange = { min: 1, max: 65_535 };

/** What is read of one check so far. */
interface Draft {
  readonly timing: Timing;
  readonly table: Record<string, NativeValue>;
  timeoutMs: number | undefined;
  hasUrl: boolean;
}

interface Kind {
  readonly table: NativeTable;
  readonly retry: RetryDefaults;
  /** The better it tells that a service works, the higher. */
  readonly rank: number;
  readonly handlers: (draft: Draft, context: CheckContext) => Handlers;
}

const seldom = { retries: 1, retryDelayMs: 1000 };
const often = { retries: 3, retryDelayMs: 3000 };
const none = (): Handlers => ({});

function negotiate(service: string): NativeTable {
  return { type: "negotiate", service };
}

const kinds: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ["HTTP_GET", { table: negotiate("http"), retry: often, rank: 5, handlers: httpHandlers }],
  ["SSL_GET", { table: negotiate("https"), retry: often, rank: 5, handlers: httpHandlers }],
  ["SMTP_CHECK", { table: negotiate("smtp"), retry: seldom, rank: 4, handlers: hostHandlers }],
  [
    "DNS_CHECK",
    {
      table: negotiate("dns"),
      retry: { retries: 3, retryDelayMs: 1000 },
      rank: 4,
      handlers: dnsHandlers,
    },
  ],
  ["UDP_CHECK", { table: negotiate("udp"), retry: seldom, rank: 2, handlers: none }],
  [
    "MISC_CHECK",
    {
      table: { type: "external" },
      retry: { retries: 0, retryDelayMs: 1000 },
      rank: 3,
      handlers: miscHandlers,
    },
  ],
  ["TCP_CHECK", { table: { type: "connect" }, retry: seldom, rank: 2, handlers: none }],
  ["PING_CHECK", { table: { type: "ping" }, retry: seldom, rank: 1, handlers: none }],
]);

/** Keywords of checks. */
export const checkKeywords: readonly string[] = [...kinds.keys(), "BFD_CHECK", "FILE_CHECK"];

/** A server without any check is up in keepalived. */
export const alwaysUp: NativeTable = { type: "on" };

/** Translates the checks of one real server; keepalived wants all of them, here there is one. */
export function translateChecks(
  directives: readonly Directive[],
  context: CheckContext,
): NativeTable {
  if (directives.length === 0) return alwaysUp;
  const { notes } = context;
  const rank = ({ words: [keyword] }: Directive): number => kinds.get(keyword!)?.rank ?? 0;
  let best = directives[0]!;
  for (const directive of directives) if (rank(directive) > rank(best)) best = directive;
  for (const directive of directives) {
    if (directive === best) continue;
    const message = `${directive.words[0]} is left out: a real server has one check here`;
    notes.warn(directive, `${message}, and it is the ${best.words[0]} of line ${best.line}`);
  }
  return translateCheck(best, context);
}

function translateCheck(directive: Directive, context: CheckContext): NativeTable {
  const { notes, port } = context;
  const keyword = directive.words[0]!;
  const kind = kinds.get(keyword);
  const timing = { ...context.timing };
  const warn = (message: string): void => notes.warn(directive, message);
  if (kind === undefined) {
    notes.warn(directive, `${keyword} has no equal here: the check is a connect instead`);
    return { type: "connect", ...formatTiming(timing, connectTimeoutMs, { ...seldom, warn }) };
  }
  const draft: Draft = { timing, table: {}, timeoutMs: undefined, hasUrl: false };
  const handlers = { ...commonHandlers(draft, notes), ...kind.handlers(draft, context) };
  readBlock(directive, handlers, notes);
  const isExternal = kind.table["type"] === "external";
  if (isExternal && draft.table["command"] === undefined) {
    notes.warn(directive, `${keyword} has no program: the check is a connect instead`);
    return { type: "connect", ...formatTiming(timing, connectTimeoutMs, { ...seldom, warn }) };
  }
  const timeoutMs = draft.timeoutMs ?? (isExternal ? undefined : connectTimeoutMs);
  const hasOwnPort = draft.table["port"] !== undefined && draft.table["port"] !== port;
  return {
    ...kind.table,
    ...draft.table,
    port: hasOwnPort ? draft.table["port"] : undefined,
    ...formatTiming(timing, timeoutMs, { ...kind.retry, warn }),
  };
}

function commonHandlers(draft: Draft, notes: Notes): Handlers {
  const { table } = draft;
  return {
    ...timingHandlers(draft.timing, notes),
    connect_port(one) {
      table["port"] = readInteger(one, portRange, notes) ?? table["port"];
    },
    connect_timeout(one) {
      draft.timeoutMs = readTimer(one, timeoutRange, notes) ?? draft.timeoutMs;
    },
    // Nothing is sent to a server before its first check, so it starts as with alpha.
    alpha() {},
  };
}

function httpHandlers(draft: Draft, context: CheckContext): Handlers {
  const { notes } = context;
  const { table } = draft;
  setHost(table, context.virtualHost);
  return {
    url(one) {
      if (draft.hasUrl) notes.warn(one, "url is left out: a check asks for one page here");
      else readUrl(one, table, notes);
      draft.hasUrl = true;
    },
    virtualhost(one) {
      setHost(table, one.words[1]);
    },
    // The name is always sent.
    enable_sni() {},
  };
}

function setHost(table: Record<string, NativeValue>, host: string | undefined): void {
  if (host !== undefined && /^[\x21-\x7e]{1,255}$/.test(host)) table["virtual_host"] = host;
}

function readUrl(directive: Directive, table: Record<string, NativeValue>, notes: Notes): void {
  const handlers: Handlers = {
    path(one) {
      const path = one.words[1] ?? "";
      if (/^\/[\x21-\x7e]{0,4000}$/.test(path)) table["request"] = path;
      else notes.warn(one, `path is left out: ${quoted(path)} is no path`);
    },
    status_code(one) {
      const statuses = readStatuses(one, notes);
      if (statuses.length > 0) table["statuses"] = statuses;
    },
    virtualhost(one) {
      setHost(table, one.words[1]);
    },
    regex(one) {
      const pattern = one.words[1] ?? "";
      const fault = pattern === "" ? "it is empty" : createPatternCheck()(pattern);
      if (fault === undefined) table["receive"] = pattern;
      else notes.warn(one, `regex is left out: ${fault}`);
    },
  };
  readBlock(directive, handlers, notes);
}

/** Statuses and ranges; what is none is told and left out. */
function readStatuses(directive: Directive, notes: Notes): readonly NativeValue[] {
  const statuses: NativeValue[] = [];
  for (const word of directive.words.slice(1)) {
    const [first = NaN, last = first] = word.split("-").map(Number);
    const isRange = /^\d{3}(?:-\d{3})?$/.test(word) && first >= 100 && first <= last && last <= 599;
    if (isRange) statuses.push(first === last ? first : word);
    else notes.warn(directive, `status_code ${quoted(word)} is left out: it is no status`);
  }
  return statuses;
}

function miscHandlers(draft: Draft, { notes }: CheckContext): Handlers {
  return {
    misc_path(one) {
      const words = readCommand(one, notes);
      // An external check gets four arguments more; to the shell they are names of its own.
      if (words !== undefined) {
        draft.table["command"] = ["/bin/sh", "-c", `exec ${shellLine(words)}`];
      }
    },
    misc_timeout(one) {
      draft.timeoutMs = readTimer(one, timeoutRange, notes) ?? draft.timeoutMs;
    },
  };
}

function dnsHandlers(draft: Draft, { notes }: CheckContext): Handlers {
  return {
    name(one) {
      const name = one.words[1] ?? "";
      if (/^[\w.-]{1,253}$/.test(name)) draft.table["request"] = name;
      else notes.warn(one, `name is left out: ${quoted(name)} is no name`);
    },
  };
}

/** Older files have the port of an SMTP_CHECK in a block of its own. */
function hostHandlers(draft: Draft, { notes }: CheckContext): Handlers {
  return {
    host(one) {
      readBlock(one, commonHandlers(draft, notes), notes);
    },
  };
}
