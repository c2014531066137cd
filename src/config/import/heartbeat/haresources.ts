/**
 * Reads a haresources: groups of resources, each with the node that has them by preference. Total;
 * pure.
 *
 * @module
 */

import { canonicalAddress, familyOf, formatAddress, parseAddress } from "../../../net/address.ts";
import { quoted } from "../notes.ts";
import type { Origin } from "../notes.ts";
import { haresourcesRules, readLines } from "./line.ts";
import type { Line, NamedText } from "./line.ts";
import type { Told } from "./told.ts";
import { isInterfaceName, isNodeName, parsePrefixBits } from "./value.ts";

/** A virtual address. */
export interface AddressResource {
  readonly kind: "address";
  /** Canonical. */
  readonly address: string;
  /** Undefined: that of the network in which the host has it. */
  readonly prefixBits: number | undefined;
  /** Undefined: the one that has its network. */
  readonly interface: string | undefined;
  /** `eth0:0`. */
  readonly label: string | undefined;
}

/** One thing that a node has, or runs, while it is active. */
export type Resource =
  | AddressResource
  | { readonly kind: "ldirectord"; readonly config: string }
  | { readonly kind: "sync" }
  | { readonly kind: "script"; readonly script: string; readonly args: readonly string[] };

/** One line: what moves together. */
export interface ResourceGroup extends Origin {
  /** Preferred node. */
  readonly node: string;
  /** Started in this order, stopped in the opposite one. */
  readonly resources: readonly Resource[];
}

/** Configuration of an `ldirectord` without an argument. */
export const ldirectordDefault = "ldirectord.cf";

/** Programs of one file; each costs time at a takeover. */
const resourcesMax = 1000;

/** Reads a file. Never throws. */
export function readHaresources(named: NamedText, told: Told): readonly ResourceGroup[] {
  let left = resourcesMax;
  return readLines(named, haresourcesRules).flatMap((line) => {
    const [node = "", ...words] = line.words;
    const origin = { file: line.file, line: line.line };
    if (!isNodeName(node) || canonicalAddress(node) !== undefined) {
      told.warn(line, `The line is left out: ${quoted(node)} is no node name`);
      return [];
    }
    const taken = words.slice(0, left);
    if (taken.length < words.length) {
      told.warn(line, `Resources after the first ${resourcesMax} of the file are left out`);
    }
    left -= taken.length;
    const resources = taken.flatMap((word) => readResource(word, line, told) ?? []);
    if (words.length === 0) told.warn(line, "The line is left out: it names no resource");
    return resources.length === 0 ? [] : [{ ...origin, node, resources }];
  });
}

const addressScripts: ReadonlySet<string> = new Set(["IPaddr", "IPaddr2", "IPv6addr"]);

/** Undefined after a warning. */
function readResource(word: string, line: Line, told: Told): Resource | undefined {
  // An IPv6 address has `::` of its own.
  if (parseAddress(word.split("/")[0]!) !== undefined) return readAddress(word, line, told);
  const [script = "", ...args] = word.split("::");
  if (addressScripts.has(script)) return readAddress(args.join("::"), line, told);
  if (script === "ldirectord") return { kind: "ldirectord", config: args[0] ?? ldirectordDefault };
  if (script === "LVSSyncDaemonSwap") return { kind: "sync" };
  const isName = script.startsWith("/") ? script.length > 1 : /^\w[\w.+@-]*$/.test(script);
  // A word of a template, or one that begins with "::".
  if (!isName || script.length > 255 || /\p{C}/u.test(word)) {
    told.warn(line, `${quoted(word)} is left out: it is no address and no script`);
    return undefined;
  }
  return { kind: "script", script, args };
}

/** `ADDRESS[/MASK[/INTERFACE[:LABEL]][/BROADCAST]]`, the last two in any order. */
function readAddress(text: string, line: Line, told: Told): AddressResource | undefined {
  const [first = "", ...written] = text.split("/");
  const address = canonicalAddress(first);
  if (address === undefined) {
    told.warn(line, `${quoted(text)} is left out: expected an address such as 192.0.2.1/24/eth0`);
    return undefined;
  }
  const parts = written.filter((part) => part !== "");
  if (parts.length < written.length) {
    told.warn(line, `${quoted(text)} has an empty part, which is skipped`);
  }
  const prefixBits = parsePrefixBits(parts[0] ?? "", familyOf(address) === 4 ? 32 : 128);
  const rest = prefixBits === undefined ? parts : parts.slice(1);
  const device = rest.find((part) => isInterfaceName(part.replace(/:.*$/, "")));
  const broadcast = broadcastOf(address, prefixBits);
  for (const part of rest) {
    if (part === device || part === broadcast) continue;
    told.warn(line, `${quoted(part)} of ${quoted(text)} is left out: ${partReason(part)}`);
  }
  return {
    kind: "address",
    address,
    prefixBits,
    interface: device?.replace(/:.*$/, ""),
    label: fittingLabel(device, line, told),
  };
}

function partReason(part: string): string {
  if (canonicalAddress(part) === undefined) return "it is no mask, interface or broadcast address";
  return "the kernel derives the broadcast address from the mask";
}

/** What the kernel takes it to be; undefined for IPv6, which has none. */
function broadcastOf(address: string, prefixBits: number | undefined): string | undefined {
  const bytes = parseAddress(address)!;
  if (bytes.length !== 4 || prefixBits === undefined) return undefined;
  const last = bytes.map((byte, index) => {
    const hostBits = Math.min(8, Math.max(0, 8 * (index + 1) - prefixBits));
    return byte | (2 ** hostBits - 1);
  });
  return formatAddress(last);
}

/** What has a colon is a label too, as `eth0:0`. */
function fittingLabel(device: string | undefined, line: Line, told: Told): string | undefined {
  if (device?.includes(":") !== true) return undefined;
  if (/^[^\s/\p{C}]{1,15}$/u.test(device)) return device;
  told.warn(line, `Label ${quoted(device)} is left out: it has more than 15 characters`);
  return undefined;
}
