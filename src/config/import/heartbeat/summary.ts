/**
 * What a ha.cf says of nodes, links and parameters, as `cl_status` tells it. Total; pure.
 *
 * @module
 */

import { readHaCf } from "./ha-cf.ts";
import { haCfRules, readLines } from "./line.ts";
import type { NamedText } from "./line.ts";
import { createTold } from "./told.ts";

/** A ha.cf, for those who ask for facts of it. */
export interface HaCfSummary {
  readonly nodes: readonly string[];
  /** Ping nodes, as written; groups are taken apart. */
  readonly pings: readonly string[];
  /** Interfaces that heartbeats take, each once. */
  readonly links: readonly string[];
  /** True if ipfail, or something like it, is started. */
  readonly hasIpfail: boolean;
  /** By the name of the directive, as written; else Heartbeat's default where it has one. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Heartbeat's defaults (ha.cf(5)). */
const defaults: readonly (readonly [string, string])[] = [
  ["auto_failback", "legacy"],
  ["autojoin", "none"],
  ["baud", "19200"],
  ["conn_logd_time", "60"],
  ["deadtime", "30000ms"],
  ["hbgenmethod", "file"],
  ["hopfudge", "1"],
  ["keepalive", "1000ms"],
  ["msgfmt", "classic"],
  ["realtime", "on"],
  ["udpport", "694"],
];

/** Reads a file. Never throws, whatever the text is. */
export function summariseHaCf(named: NamedText): HaCfSummary {
  const { nodes, pings, media, hasIpfail } = readHaCf(named, createTold());
  const parameters = new Map(defaults);
  // Of a directive that comes several times the last one is told.
  for (const { words } of readLines(named, haCfRules)) {
    parameters.set(words[0]!, words.slice(1).join(" "));
  }
  return {
    nodes: nodes.map(({ value }) => value),
    pings: pings.map(({ value }) => value),
    links: [...new Set(media.map((medium) => medium.interface))],
    hasIpfail,
    parameters,
  };
}
