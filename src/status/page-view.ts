/**
 * Everything that the live page shows of a snapshot. Pure.
 *
 * What needs attention comes first, then failover, services, and the last events.
 *
 * @module
 */

import { markup } from "./html.ts";
import type { Html } from "./html.ts";
import { formatAgo, formatCount, formatSpan } from "./human.ts";
import { attentionView } from "./page-attention.ts";
import { failoverHeadline, failoverView } from "./page-failover.ts";
import { timeView } from "./page-part.ts";
import type { PageScope } from "./page-part.ts";
import { serviceView } from "./page-service.ts";
import type { PlacedService } from "./page-service.ts";
import type { Snapshot, StatusEvent } from "./source.ts";

/** Rows of one page: a browser stays quick, a phone's memory is enough. */
const rowsMax = 3000;
/** Events of the page; `/status` has more. */
const eventsMax = 20;

function eventView(event: StatusEvent, nowMs: number): Html {
  const subject = [event.service, event.server].filter((part) => part !== null).join(" ");
  const who = subject === "" ? undefined : markup`<b>${subject}</b> `;
  return markup`<li data-key="${event.id}">${timeView(event.at, nowMs)} ${who}${event.text}</li>`;
}

function eventsView({ events }: Snapshot, nowMs: number): Html {
  const items = events.slice(0, eventsMax).map((event) => eventView(event, nowMs));
  const list =
    items.length === 0
      ? markup`<p class="soft">Nothing has happened yet.</p>`
      : markup`<ol>${items}</ol>`;
  return markup`<section data-key="events" aria-label="Last events"><h2>Last events</h2>
${list}</section>`;
}

/** Title of the page and first line: how many services work, and who is active. */
export function headline({ services, failover }: Snapshot): string {
  const up = services.filter(({ state }) => state === "up").length;
  const works = `${formatCount(up)} of ${formatCount(services.length)} services up`;
  return [works, failoverHeadline(failover)].filter((part) => part !== "").join(", ");
}

function overview(snapshot: Snapshot, nowMs: number): Html {
  const { program, configuration, proxy } = snapshot;
  const facts = [
    `version ${program.version}`,
    `running for ${formatSpan(nowMs - Date.parse(snapshot.startedAt))}`,
    `${proxy.workers} worker${proxy.workers === 1 ? "" : "s"}`,
    `configuration read ${formatAgo(configuration.loadedAt, nowMs)}`,
  ];
  return markup`<p>${headline(snapshot)} <span class="soft">· ${facts.join(" · ")}</span></p>
`;
}

/** Services that need attention first, otherwise in the order of the configuration. */
function inOrder(services: readonly PlacedService[]): readonly PlacedService[] {
  const isUp = ({ service }: PlacedService): boolean => service.state === "up";
  return [...services.filter((placed) => !isUp(placed)), ...services.filter(isUp)];
}

/** Everything within `main`. */
export function snapshotView(snapshot: Snapshot, isChangeable: boolean): Html {
  const nowMs = Date.parse(snapshot.at);
  const scope: PageScope = { nowMs, isChangeable, rowsLeft: rowsMax };
  const placed = snapshot.services.map((service, index) => ({ service, id: `s${index}` }));
  const services = inOrder(placed).slice(0, rowsMax);
  const newest = snapshot.events[0];
  return markup`<p class="unseen" role="status">${headline(snapshot)}. ${newest?.text}</p>
${overview(snapshot, nowMs)}<div>${attentionView(snapshot, placed)}${failoverView(
    snapshot.failover,
    nowMs,
  )}${services.map((one) => serviceView(one, scope))}${eventsView(snapshot, nowMs)}</div>
`;
}
