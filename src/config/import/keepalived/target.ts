/**
 * What a `virtual_server` stands for: address and port, firewall mark, or a group of both. Pure.
 *
 * @module
 */

import { quoted } from "../notes.ts";
import type { Notes } from "../notes.ts";
import { expectNoMore, leaveOut } from "./block.ts";
import type { Directive } from "./tree.ts";
import { expandRange, formatListen, readPort } from "./value.ts";

/** One native service: a service has either addresses or a mark. */
export type Target =
  | { readonly name: string; readonly listen: readonly string[] }
  | { readonly name: string; readonly fwmark: number };

/** `virtual_server_group` by name. */
export type ServerGroups = ReadonlyMap<string, Directive>;

/** Addresses of one service at most: as many as native lists hold. */
const listenMax = 4096;

const markMax = 4_294_967_295;

/** Targets of a `virtual_server`; none after a warning. */
export function readTargets(
  directive: Directive,
  groups: ServerGroups,
  notes: Notes,
): readonly Target[] {
  const [, first = "", second = ""] = directive.words;
  if (first !== "group") return readTarget(directive, { from: 1, isGroup: false }, notes);
  const group = groups.get(second);
  expectNoMore(directive, 3, notes);
  if (group === undefined) {
    const message = `There is no virtual_server_group ${quoted(second)}`;
    notes.warn(directive, `${message}: the virtual_server is left out`);
    return [];
  }
  const listen: string[] = [];
  const targets: Target[] = [];
  const name = nameText(second);
  for (const entry of group.block ?? []) {
    for (const target of readTarget(entry, { from: 0, isGroup: true }, notes)) {
      if ("fwmark" in target) targets.push({ ...target, name: `${name}-${target.name}` });
      else if (listen.length + target.listen.length <= listenMax) listen.push(...target.listen);
      else notes.warn(entry, `More than ${listenMax} addresses: these are left out`);
    }
  }
  if (listen.length > 0) targets.unshift({ name, listen: [...new Set(listen)] });
  if (targets.length === 0) {
    notes.warn(directive, "virtual_server is left out: its group has no address");
  }
  return targets;
}

/** Part of a name: native names have no blanks and quotes. */
function nameText(text: string): string {
  return text.replace(/[\s"'`\\\p{C}]+/gu, "-").slice(0, 64);
}

interface Position {
  /** Index of the first word. */
  readonly from: number;
  readonly isGroup: boolean;
}

function readTarget(
  directive: Directive,
  { from, isGroup }: Position,
  notes: Notes,
): readonly Target[] {
  const [first = "", second] = directive.words.slice(from);
  if (first === "fwmark") {
    expectNoMore(directive, from + 2, notes);
    return readMark(directive, second ?? "", notes);
  }
  const addresses = expandRange(first);
  const port = readPort(second ?? "0");
  if (addresses === undefined || port === undefined) {
    if (isGroup && !/\d/.test(first)) leaveOut(directive, notes);
    else {
      const text = quoted(`${first} ${second ?? ""}`.trim());
      notes.warn(directive, `${text} is left out: expected an address and a port`);
    }
    return [];
  }
  expectNoMore(directive, from + 2, notes);
  const listen = addresses.map((address) => formatListen(address, port));
  return [{ name: listen[0]!, listen }];
}

function readMark(directive: Directive, text: string, notes: Notes): readonly Target[] {
  const mark = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (mark >= 1 && mark <= markMax) return [{ name: `fwmark-${mark}`, fwmark: mark }];
  notes.warn(directive, `fwmark is left out: expected 1..${markMax}, got ${quoted(text)}`);
  return [];
}
