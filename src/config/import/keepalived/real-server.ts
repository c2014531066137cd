/**
 * `real_server` to an element of `real_servers`. Pure.
 *
 * @module
 */

import type { NativeTable } from "../../native.ts";
import { quoted } from "../notes.ts";
import type { Notes } from "../notes.ts";
import { expectNoMore, readBlock } from "./block.ts";
import type { Handlers } from "./block.ts";
import { checkKeywords, translateChecks } from "./check.ts";
import { forwardingOf } from "./forwarding.ts";
import { timingHandlers } from "./timing.ts";
import type { Timing } from "./timing.ts";
import type { Directive } from "./tree.ts";
import { formatServer, readCommand, readInteger, readServer } from "./value.ts";
import type { ServerAddress } from "./value.ts";

/** What a real server takes from its virtual server, complete before its servers are read. */
export interface ServerContext {
  readonly notes: Notes;
  readonly timing: Timing;
  readonly virtualHost: string | undefined;
  readonly forwarding: string;
  /** Port of the service, if it has exactly one. */
  readonly port: number | undefined;
}

/** One real server, and what it says about its service. */
export interface ImportedServer {
  readonly directive: Directive;
  readonly address: ServerAddress;
  /** Without `check`. */
  readonly table: NativeTable;
  readonly check: NativeTable;
  readonly isQuiescent: boolean | undefined;
  readonly notifyUp: Directive | undefined;
  readonly notifyDown: Directive | undefined;
}

/** What is read of one server so far. */
interface Draft {
  weight: number | undefined;
  upper: number | undefined;
  lower: number | undefined;
  virtualHost: string | undefined;
  isQuiescent: boolean | undefined;
  notifyUp: Directive | undefined;
  notifyDown: Directive | undefined;
  readonly timing: Timing;
  readonly checks: Directive[];
}

/** Translates one real server; undefined, after a warning, if it has no address. */
export function translateServer(
  directive: Directive,
  context: ServerContext,
): ImportedServer | undefined {
  const { notes } = context;
  const [, host = "", port] = directive.words;
  const address = readServer(host, port);
  if (address === undefined) {
    const text = quoted(`${host} ${port ?? ""}`.trim());
    notes.warn(directive, `real_server is left out: ${text} is no address and port`);
    return undefined;
  }
  expectNoMore(directive, 3, notes);
  const draft: Draft = {
    weight: undefined,
    upper: undefined,
    lower: undefined,
    virtualHost: context.virtualHost,
    isQuiescent: undefined,
    notifyUp: undefined,
    notifyDown: undefined,
    timing: { ...context.timing },
    checks: [],
  };
  readBlock(directive, serverHandlers(draft, context), notes);
  return finishServer(directive, address, { draft, context });
}

function finishServer(
  directive: Directive,
  address: ServerAddress,
  { draft, context }: { readonly draft: Draft; readonly context: ServerContext },
): ImportedServer {
  const { notes, forwarding } = context;
  const { timing, virtualHost, checks, isQuiescent, notifyUp, notifyDown } = draft;
  const { port } = address;
  const check = translateChecks(checks, { notes, timing, virtualHost, port });
  // gate and ipip cannot change the port: what is written there is the port of the checks only.
  const keepsPort = forwarding !== "masq" && context.port !== undefined;
  const native = keepsPort ? { ...address, port: undefined } : address;
  return {
    directive,
    address: native,
    table: {
      address: formatServer(native),
      weight: draft.weight,
      upper_threshold: draft.upper,
      lower_threshold: lowerThreshold(directive, draft, notes),
    },
    check: keepsPort ? withPort(check, port, context.port) : check,
    isQuiescent,
    notifyUp,
    notifyDown,
  };
}

/** The check of a server whose own port is that of the service. */
function withPort(
  check: NativeTable,
  port: number | undefined,
  servicePort: number | undefined,
): NativeTable {
  if (check["type"] === "on") return check;
  const checked = check["port"] ?? port;
  return { ...check, port: checked === servicePort ? undefined : checked };
}

function lowerThreshold(
  directive: Directive,
  { lower, upper = 0 }: Draft,
  notes: Notes,
): number | undefined {
  if (lower === undefined || lower <= upper) return lower;
  notes.warn(directive, "lthreshold is left out: it is above uthreshold");
  return undefined;
}

const connectionRange = { min: 0, max: 4_294_967_295 };

function serverHandlers(draft: Draft, { notes, forwarding }: ServerContext): Handlers {
  const method = (one: Directive): void => {
    const own = forwardingOf(one, notes);
    if (own === undefined || own === forwarding) return;
    notes.warn(one, `${one.words[0]} is left out: a service has one way to forward, ${forwarding}`);
  };
  const check = (one: Directive): void => {
    draft.checks.push(one);
  };
  return {
    ...timingHandlers(draft.timing, notes),
    ...Object.fromEntries(checkKeywords.map((keyword) => [keyword, check])),
    weight(one) {
      draft.weight = readInteger(one, { min: 0, max: 65_535 }, notes) ?? draft.weight;
    },
    uthreshold(one) {
      draft.upper = readInteger(one, connectionRange, notes) ?? draft.upper;
    },
    lthreshold(one) {
      draft.lower = readInteger(one, connectionRange, notes) ?? draft.lower;
    },
    lvs_method: method,
    lb_kind: method,
    virtualhost(one) {
      draft.virtualHost = one.words[1];
    },
    inhibit_on_failure(one) {
      draft.isQuiescent = isOn(one);
    },
    notify_up(one) {
      draft.notifyUp = one;
    },
    notify_down(one) {
      draft.notifyDown = one;
    },
    alpha() {},
  };
}

/** A switch without a word is on. */
export function isOn({ words }: Directive): boolean {
  return !/^(?:off|false|no)$/i.test(words[1] ?? "on");
}

/**
 * `notify_up` and `notify_down` of real servers: they mean the service if it has one server only,
 * else they have no equal.
 */
export function translateNotify(
  servers: readonly ImportedServer[],
  notes: Notes,
): Readonly<Record<"up" | "down", readonly string[] | undefined>> {
  const [only] = servers;
  if (only !== undefined && servers.length === 1) {
    const { notifyUp: up, notifyDown: down } = only;
    return { up: up && readCommand(up, notes), down: down && readCommand(down, notes) };
  }
  for (const { notifyUp, notifyDown } of servers) {
    for (const one of [notifyUp, notifyDown]) {
      if (one === undefined) continue;
      const message = `${one.words[0]} is left out: programs run for a service`;
      notes.warn(one, `${message}, see on_service_up and on_service_down`);
    }
  }
  return { up: undefined, down: undefined };
}
