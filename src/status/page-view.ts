/**
 * The parts of the live page that show a snapshot. Pure.
 *
 * State is told by words and a sign, never by colour alone. What needs attention comes first.
 *
 * @module
 */

import { formatEndpoint } from "../net/address.ts";
import { markup } from "./html.ts";
import type { Html } from "./html.ts";
import { formatAgo, formatBytes, formatCount, formatRate, formatSpan } from "./human.ts";
import type { Rates, ServerSnapshot, ServiceSnapshot, Snapshot, StatusEvent } from "./source.ts";

/** A service with more real servers shows those that need attention, the rest on request. */
const openServersMax = 20;
/** Rows of one page: a browser stays quick, a phone's memory is enough. */
const rowsMax = 3000;
/** Events of the page; `/status` has more. */
const eventsMax = 20;

type Tone = "good" | "warn" | "bad";

function badge(tone: Tone, text: string): Html {
  return markup`<span class="badge ${tone}">${text}</span>`;
}

const serviceBadges: Readonly<Record<ServiceSnapshot["state"], Html>> = {
  up: badge("good", "● up"),
  fallback: badge("warn", "▲ fallback"),
  down: badge("bad", "✕ down"),
};

/** True if an operator should look at the server. */
export function needsAttention(server: ServerSnapshot): boolean {
  return server.health !== "up" || server.admin !== "enabled";
}

function serverBadge({ health, admin }: ServerSnapshot): Html {
  if (admin === "disabled") return badge("warn", "■ disabled");
  if (health === "down") return badge("bad", "✕ down");
  if (admin === "draining") return badge("warn", "▼ draining");
  return health === "up" ? badge("good", "● up") : badge("warn", "○ unchecked");
}

function weightText({ weight, effectiveWeight }: ServerSnapshot): string {
  return weight === effectiveWeight ? String(weight) : `${effectiveWeight} (of ${weight})`;
}

function rateText(rates: Rates | undefined): string {
  return rates === undefined ? "" : `${formatRate(rates.cps)}/s`;
}

function timeView(time: string, nowMs: number): Html {
  return markup`<time datetime="${time}" title="${time}">${formatAgo(time, nowMs)}</time>`;
}

function checkText({ check }: ServerSnapshot, nowMs: number): Html {
  if (check.at === null) return markup`${check.type}, not yet`;
  const took = check.tookMs === null ? "" : `, ${formatSpan(check.tookMs)}`;
  const outcome = check.ok === false ? "failed" : "ok";
  return markup`${check.type} ${outcome}${took}, ${timeView(check.at, nowMs)}`;
}

/** The reason, and what the last check said if that is something else. */
function reasonText({ reason, check }: ServerSnapshot): string {
  if (check.detail === "" || reason.includes(check.detail)) return reason;
  return reason === "" ? check.detail : `${reason} (last check: ${check.detail})`;
}

function serverName({ key, host, port }: ServerSnapshot): Html {
  const isName = key !== formatEndpoint({ address: host, port });
  return isName ? markup`${key} <span class="soft">${host}</span>` : markup`${key}`;
}

function serverRow(server: ServerSnapshot, nowMs: number): Html {
  return markup`<tr role="row">
<th role="rowheader" scope="row">${serverName(server)}</th>
<td role="cell" data-label="State"><span>${serverBadge(server)}</span></td>
<td role="cell" data-label="Weight" class="number">${weightText(server)}</td>
<td role="cell" data-label="Active" class="number">${formatCount(server.activeConnections)}</td>
<td role="cell" data-label="Connections" class="number">${formatCount(server.connections)}</td>
<td role="cell" data-label="New" class="number">${rateText(server.rates)}</td>
<td role="cell" data-label="Last check"><span>${checkText(server, nowMs)}</span></td>
<td role="cell" data-label="Why">${reasonText(server)}</td>
</tr>
`;
}

const columns = [
  "Real server",
  "State",
  "Weight",
  "Active",
  "Connections",
  "New",
  "Last check",
  "Why",
] as const;
const numberColumns: ReadonlySet<string> = new Set(["Weight", "Active", "Connections", "New"]);

function columnHead(column: string): Html {
  const className = numberColumns.has(column) ? "number" : "words";
  return markup`<th role="columnheader" scope="col" class="${className}">${column}</th>`;
}

function serverTable(servers: readonly ServerSnapshot[], caption: string, nowMs: number): Html {
  return markup`<table role="table">
<caption>${caption}</caption>
<thead role="rowgroup"><tr role="row">${columns.map(columnHead)}</tr></thead>
<tbody role="rowgroup">
${servers.map((server) => serverRow(server, nowMs))}</tbody>
</table>
`;
}

/** Rows that may still be shown on this page. */
interface Budget {
  rows: number;
}

function take(servers: readonly ServerSnapshot[], budget: Budget): readonly ServerSnapshot[] {
  const taken = servers.slice(0, budget.rows);
  budget.rows -= taken.length;
  return taken;
}

function serversView(servers: readonly ServerSnapshot[], budget: Budget, nowMs: number): Html {
  const total = formatCount(servers.length);
  const up = servers.filter(({ health }) => health === "up").length;
  const summary = `${formatCount(up)} of ${total} real servers up`;
  if (servers.length <= openServersMax) {
    const shown = take(servers, budget);
    if (shown.length < servers.length) return markup`<p class="soft">${summary}</p>`;
    return serverTable(shown, summary, nowMs);
  }
  const marked = take(servers.filter(needsAttention), budget);
  const all = take(servers, budget);
  const rest = all.length < servers.length ? `First ${formatCount(all.length)} of ` : "All ";
  const first =
    marked.length === 0
      ? markup`<p class="soft">${summary}</p>`
      : serverTable(marked, `${summary}; these need attention`, nowMs);
  return markup`${first}<details><summary>${rest}${total} real servers</summary>
${serverTable(all, summary, nowMs)}</details>
`;
}

function fact(name: string, value: string): Html {
  return markup`<li>${name} <b>${value}</b></li>`;
}

function trafficFacts({ rates, bytesIn, bytesOut }: ServiceSnapshot): readonly Html[] {
  if (rates === undefined) {
    return [fact("in", formatBytes(bytesIn)), fact("out", formatBytes(bytesOut))];
  }
  return [
    fact("new", `${formatRate(rates.cps)}/s`),
    fact("in", `${formatBytes(rates.inBps)}/s`),
    fact("out", `${formatBytes(rates.outBps)}/s`),
  ];
}

function fallbackText({ fallback }: ServiceSnapshot): Html | undefined {
  if (fallback === null) return undefined;
  return markup`<p class="soft">Fallback ${fallback.key}${fallback.active ? ", serving" : ""}</p>`;
}

/** How the service forwards, in one line. */
function methodText(service: ServiceSnapshot): string {
  const { protocol, listen, forwarding, engine, scheduler, persistentTimeoutMs } = service;
  const parts = [`${protocol} ${listen.join(", ")}`, forwarding, scheduler];
  if (engine !== forwarding) parts.push(`engine ${engine}`);
  if (persistentTimeoutMs !== null) parts.push(`persistent ${formatSpan(persistentTimeoutMs)}`);
  return parts.join(" · ");
}

function serviceView(service: ServiceSnapshot, budget: Budget, nowMs: number): Html {
  const facts = [
    fact("active", formatCount(service.activeConnections)),
    fact("connections", formatCount(service.connections)),
    ...trafficFacts(service),
  ];
  const reason = service.reason === "" ? undefined : markup`<p>${service.reason}</p>`;
  return markup`<section aria-label="Virtual service ${service.name}">
<div class="title"><h2>${service.name}</h2>${serviceBadges[service.state]}</div>
<p class="soft">${methodText(service)}</p>
${reason}<ul class="facts">${facts}</ul>
${fallbackText(service)}${serversView(service.realServers, budget, nowMs)}</section>
`;
}

function eventView(event: StatusEvent, nowMs: number): Html {
  const subject = [event.service, event.server].filter((part) => part !== null).join(" ");
  const who = subject === "" ? undefined : markup`<b>${subject}</b> `;
  return markup`<li>${timeView(event.at, nowMs)} ${who}${event.text}</li>
`;
}

function notReadyView({ ready, notReady }: Snapshot): Html | undefined {
  if (ready) return undefined;
  const reasons = notReady.map((reason) => markup`<li>${reason}</li>`);
  return markup`<div class="notice"><b>Not ready</b><ul>${reasons}</ul></div>
`;
}

function reloadView({ configuration }: Snapshot): Html | undefined {
  if (configuration.lastReloadSuccessful) return undefined;
  const error = configuration.lastReloadError ?? "unknown error";
  return markup`<div class="notice bad"><b>The last reload failed</b>; the configuration before it
is in force. ${error}</div>
`;
}

/** Title of the page and first line: how many services work. */
export function headline({ services }: Snapshot): string {
  const up = services.filter(({ state }) => state === "up").length;
  return `${formatCount(up)} of ${formatCount(services.length)} services up`;
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
function inOrder(services: readonly ServiceSnapshot[]): readonly ServiceSnapshot[] {
  const isUp = ({ state }: ServiceSnapshot): boolean => state === "up";
  return [...services.filter((service) => !isUp(service)), ...services.filter(isUp)];
}

/** Everything within `main`. */
export function snapshotView(snapshot: Snapshot): Html {
  const nowMs = Date.parse(snapshot.at);
  const budget: Budget = { rows: rowsMax };
  const services = inOrder(snapshot.services).slice(0, rowsMax);
  const newest = snapshot.events[0];
  const events = snapshot.events.slice(0, eventsMax).map((event) => eventView(event, nowMs));
  return markup`<p class="unseen" role="status">${headline(snapshot)}. ${newest?.text}</p>
${overview(snapshot, nowMs)}${notReadyView(snapshot)}${reloadView(snapshot)}
${services.map((service) => serviceView(service, budget, nowMs))}
<section aria-label="Last events"><h2>Last events</h2><ol>
${events}</ol></section>
`;
}
