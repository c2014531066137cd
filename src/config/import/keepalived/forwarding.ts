/**
 * `lvs_method` (`lb_kind`) and `lvs_sched` (`lb_algo`) to the native words. Pure.
 *
 * @module
 */

import { schedulerNames } from "../../../model/index.ts";
import type { SchedulerName } from "../../../model/index.ts";
import { quoted } from "../notes.ts";
import type { Notes } from "../notes.ts";
import { expectNoMore } from "./block.ts";
import type { Directive } from "./tree.ts";

const forwardings: ReadonlyMap<string, "masq" | "gate" | "ipip"> = new Map([
  ["NAT", "masq"],
  ["DR", "gate"],
  ["TUN", "ipip"],
]);

/** What keepalived takes where nothing is written, or nothing it knows. */
export const forwardingDefault = "masq";

/** Default of keepalived. */
const schedulerDefault = "wlc";

/** Native forwarding of a directive; undefined after a warning. */
export function forwardingOf(
  directive: Directive,
  notes: Notes,
): "masq" | "gate" | "ipip" | undefined {
  const [keyword, word = ""] = directive.words;
  const forwarding = forwardings.get(word);
  if (forwarding === undefined) {
    const message = `${keyword} ${quoted(word)} is left out: expected NAT, DR or TUN`;
    notes.warn(directive, `${message}; it is ${forwardingDefault}, as in keepalived`);
  } else expectNoMore(directive, 2, notes);
  return forwarding;
}

/** Native scheduler of a directive; undefined after a warning. */
export function schedulerOf(directive: Directive, notes: Notes): SchedulerName | undefined {
  const [keyword, word = ""] = directive.words;
  const scheduler = schedulerNames.find((name) => name === word);
  if (scheduler === undefined) {
    const message = `${keyword} ${quoted(word)} is left out: it is no scheduler`;
    notes.warn(directive, `${message}; it is ${schedulerDefault}`);
  } else expectNoMore(directive, 2, notes);
  return scheduler;
}
