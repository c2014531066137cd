/**
 * What a command line asks of `list`: the options that `appliance list` and ipvsadm(8) share. Pure.
 *
 * @module
 */

import { UsageError } from "./arguments.ts";
import type { OptionSpec, ParsedArguments } from "./arguments.ts";
import type { ListMode } from "./list-format.ts";

/** Options of a listing; `--sort` is what happens anyway. */
export const listOptions = [
  { name: "numeric", short: "n" },
  { name: "stats" },
  { name: "rate" },
  { name: "thresholds" },
  { name: "persistent-conn" },
  { name: "connection", short: "c" },
  { name: "timeout" },
  { name: "daemon" },
  { name: "exact" },
  { name: "save", short: "S" },
  { name: "sort" },
  { name: "nosort" },
  { name: "tcp-service", short: "t", takesValue: true },
  { name: "udp-service", short: "u", takesValue: true },
  { name: "fwmark-service", short: "f", takesValue: true },
] as const satisfies readonly OptionSpec[];

/** What there is to list besides the plain table; only one at a time. */
const views = [
  "stats",
  "rate",
  "thresholds",
  "persistent-conn",
  "connection",
  "timeout",
  "daemon",
  "save",
] as const;
/** What to list. */
export type ListView = ListMode | (typeof views)[number];

/** The one service that is asked for, as it was typed. */
export type ListTarget =
  | { readonly protocol: "TCP" | "UDP"; readonly text: string }
  | { readonly protocol: "FWM"; readonly mark: number };

/** A listing that makes sense. */
export interface ListRequest {
  readonly view: ListView;
  readonly isNumeric: boolean;
  readonly isExact: boolean;
  /** False: in the order of the configuration. */
  readonly isSorted: boolean;
  /** Undefined: every service. */
  readonly target: ListTarget | undefined;
}

function viewOf(given: ParsedArguments): ListView {
  const [view, other] = views.filter(
    // `--connections` is the name of `appliance list` for it.
    (one) => given.has(one) || (one === "connection" && given.has("connections")),
  );
  if (other !== undefined) throw new UsageError(`Expected one of --${view} and --${other}`);
  return view ?? "standard";
}

/** Firewall marks are 32 bits; 0 is no mark. */
const markMax = 4_294_967_295;

function parseMark(text: string): number {
  const mark = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (mark >= 1 && mark <= markMax) return mark;
  throw new UsageError(`Expected a firewall mark of 1 to ${markMax}, got ${text}`);
}

function targetOf(given: ParsedArguments): ListTarget | undefined {
  const [tcp, udp] = [given.value("tcp-service"), given.value("udp-service")];
  const mark = given.value("fwmark-service");
  const [text, ...others] = [tcp, udp, mark].filter((value) => value !== undefined);
  if (others.length > 0) throw new UsageError("Expected one of -t, -u and -f");
  if (mark !== undefined) return { protocol: "FWM", mark: parseMark(mark) };
  return text === undefined ? undefined : { protocol: tcp === undefined ? "UDP" : "TCP", text };
}

/** @throws {UsageError} `CLI_USAGE` for options that exclude each other, or a mark that is none. */
export function readListRequest(given: ParsedArguments): ListRequest {
  return {
    view: viewOf(given),
    isNumeric: given.has("numeric"),
    isExact: given.has("exact"),
    isSorted: !given.has("nosort"),
    target: targetOf(given),
  };
}
