/**
 * The first part of the live page: what is not as it should be, and why. Pure.
 *
 * @module
 */

import { markup } from "./html.ts";
import type { Html } from "./html.ts";
import { formatCount } from "./human.ts";
import {
  failoverId,
  peerFault,
  protectionFaults,
  routerFault,
  trackedFaults,
} from "./page-failover.ts";
import { badge } from "./page-part.ts";
import { needsAttention, reasonText, serviceBadges } from "./page-service.ts";
import type { PlacedService } from "./page-service.ts";
import type { ServerSnapshot, ServiceSnapshot, Snapshot } from "./source.ts";

/** More than a screen of lines says no more than "everything is broken". */
const linesMax = 20;
/** Real servers that a line names. */
const namedServersMax = 3;

/** Worst first. */
interface Line {
  readonly rank: 0 | 1 | 2;
  readonly view: () => Html;
}

const bad = badge("bad", "✕ fault");
const warn = badge("warn", "▲ warning");

function named(servers: readonly ServerSnapshot[]): string {
  const names = servers.slice(0, namedServersMax).map((server) => {
    const reason = reasonText(server);
    return reason === "" ? server.key : `${server.key} (${reason})`;
  });
  const more = servers.length - names.length;
  return names.join(", ") + (more === 0 ? "" : ` and ${formatCount(more)} more`);
}

const groups: readonly (readonly [name: string, has: (server: ServerSnapshot) => boolean])[] = [
  ["disabled", ({ admin }) => admin === "disabled"],
  ["down", ({ admin, health }) => admin !== "disabled" && health === "down"],
  ["draining", ({ admin, health }) => admin === "draining" && health !== "down"],
  ["unchecked", ({ admin, health }) => admin === "enabled" && health === "unchecked"],
];

/** What is wrong with the real servers of a service; empty if nothing is. */
export function serversText({ realServers }: ServiceSnapshot): string {
  const marked = realServers.filter(needsAttention);
  const parts = groups.flatMap(([name, has]) => {
    const found = marked.filter(has);
    if (found.length === 0) return [];
    const count = `${formatCount(found.length)} of ${formatCount(realServers.length)}`;
    return [`${count} real servers ${name}: ${named(found)}`];
  });
  return parts.join("; ");
}

function serviceLine({ service, id }: PlacedService): Line | undefined {
  const isUp = service.state === "up";
  if (isUp && !service.realServers.some(needsAttention)) return undefined;
  const view = (): Html => {
    const text = [service.reason, serversText(service)].filter((part) => part !== "").join("; ");
    const sign = isUp ? warn : serviceBadges[service.state];
    return markup`${sign} <a href="#${id}">${service.name}</a> ${text}`;
  };
  return { rank: service.state === "down" ? 0 : isUp ? 2 : 1, view };
}

function failoverLines({ failover }: Snapshot): readonly Line[] {
  if (failover === undefined) return [];
  const link = markup`<a href="#${failoverId}">Failover</a>`;
  const lines: Line[] = protectionFaults(failover).map((fault) => ({
    rank: 0,
    view: () => markup`${bad} ${link} ${fault}`,
  }));
  for (const router of failover.routers) {
    const fault = routerFault(router);
    if (fault === undefined) continue;
    const isBad = router.state === "active";
    const view = (): Html => markup`${isBad ? bad : warn} ${link} ${router.name} ${fault}`;
    lines.push({ rank: isBad ? 0 : 1, view });
  }
  const weak = [peerFault(failover.peer), ...trackedFaults(failover)];
  for (const fault of weak) {
    if (fault !== undefined) lines.push({ rank: 1, view: () => markup`${warn} ${link} ${fault}` });
  }
  return lines;
}

function directorLines({ ready, notReady, configuration }: Snapshot): readonly Line[] {
  const lines: Line[] = [];
  if (!ready) {
    const view = (): Html => markup`${warn} <b>Not ready</b>: ${notReady.join("; ")}`;
    lines.push({ rank: 1, view });
  }
  if (!configuration.lastReloadSuccessful) {
    const error = configuration.lastReloadError ?? "unknown error";
    const view =
      (): Html => markup`${bad} <b>The last reload failed</b>; the configuration before it
is in force: ${error}`;
    lines.push({ rank: 1, view });
  }
  return lines;
}

/** What needs attention, worst first; or that nothing does. */
export function attentionView(snapshot: Snapshot, services: readonly PlacedService[]): Html {
  const lines = [
    ...failoverLines(snapshot),
    ...directorLines(snapshot),
    ...services.map(serviceLine).filter((line) => line !== undefined),
  ].toSorted((one, other) => one.rank - other.rank);
  const more = lines.length - linesMax;
  const items = lines.slice(0, linesMax).map(({ view }) => markup`<li>${view()}</li>`);
  if (more > 0) items.push(markup`<li>and ${formatCount(more)} more</li>`);
  const content =
    items.length === 0
      ? markup`<p>${badge("good", "● all well")} Nothing needs attention.</p>`
      : markup`<ul class="attention">${items}</ul>`;
  const tone = lines[0] === undefined ? "good" : lines[0].rank === 0 ? "bad" : "warn";
  return markup`<section class="now ${tone}" data-key="now" aria-label="What needs attention">
<h2>Now</h2>
${content}</section>`;
}
