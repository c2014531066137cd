/**
 * Reads the native file that was written as the director would, and tells what is wrong with it at
 * the line of Heartbeat's file that it came from. Pure.
 *
 * @module
 */

import { parseConfig } from "../../parse.ts";
import { ConfigError } from "../../problem.ts";
import type { Origin } from "../notes.ts";
import type { TimeName } from "./ha-cf.ts";
import type { Pair } from "./pair.ts";
import type { Told } from "./told.ts";

/** Reads the result as the director would; what it says of services is told with them already. */
export function checkResult(toml: string, pair: Pair, told: Told): void {
  const isOwn = (path: string): boolean => /^(?:vrrp|peer)\b/.test(path);
  try {
    const { warnings } = parseConfig(toml, "native");
    for (const { path, message } of warnings.filter((one) => isOwn(one.path))) {
      told.warn(originOf(path, pair), `${keyOf(path)}: ${message}`);
    }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const { path, message, found } of error.problems.filter((one) => isOwn(one.path))) {
      const text = `validate of this build refuses it: ${message}, got ${found}`;
      told.warn(originOf(path, pair), `${keyOf(path)}: ${text}`);
    }
  }
}

/** `down_after` of `vrrp[0].down_after`. */
function keyOf(path: string): string {
  return path.replace(/^vrrp\[\d+\]\.?/, "") || "[[vrrp]]";
}

/** Directives of ha.cf that keys come from; the others come from the line of haresources. */
const timeByKey: Readonly<Record<string, TimeName>> = {
  advertise_interval: "keepalive",
  down_after: "deadtime",
  start_delay: "initdead",
};

/** The place that a native key comes from. */
export function originOf(path: string, { haCf, times, instances }: Pair): Origin {
  const time = timeByKey[keyOf(path)];
  if (time !== undefined) return times.origins.get(time) ?? { file: haCf.file, line: 0 };
  const group = instances[Number(/^vrrp\[(\d+)\]/.exec(path)?.[1])]?.group;
  if (path.startsWith("peer")) return { file: haCf.file, line: haCf.nodes[0]?.line ?? 0 };
  return group ?? { file: haCf.file, line: 0 };
}
