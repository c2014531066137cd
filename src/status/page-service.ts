/**
 * The parts of the live page about virtual services and their real servers. Pure.
 *
 * @module
 */

import { formatEndpoint } from "../net/address.ts";
import { markup } from "./html.ts";
import type { Html } from "./html.ts";
import { formatBytes, formatCount, formatRate, formatSpan } from "./human.ts";
import { badge, cellView, emptyCell, fact, rowView, tableView, timeView } from "./page-part.ts";
import type { Column, PageScope } from "./page-part.ts";
import type { ServerSnapshot, ServiceSnapshot } from "./source.ts";

/** A service with more real servers shows those that need attention, the rest on request. */
const openServersMax = 20;
/** Real servers that need attention, of one service: more are no longer read one by one. */
const markedServersMax = 50;

/** Badge of a service's state. */
export const serviceBadges: Readonly<Record<ServiceSnapshot["state"], Html>> = {
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

function checkText({ check }: ServerSnapshot, nowMs: number): Html {
  if (check.at === null) return markup`${check.type}, not yet`;
  const took = check.tookMs === null ? "" : `, ${formatSpan(check.tookMs)}`;
  const outcome = check.ok === false ? "failed" : "ok";
  return markup`${check.type} ${outcome}${took}, ${timeView(check.at, nowMs)}`;
}

/** The reason, and what the last check said if that is something else. */
export function reasonText({ reason, check }: ServerSnapshot): string {
  if (check.detail === "" || reason.includes(check.detail)) return reason;
  return reason === "" ? check.detail : `${reason} (last check: ${check.detail})`;
}

function serverName({ key, host, port }: ServerSnapshot): Html {
  const isName = key !== formatEndpoint({ address: host, port });
  return isName ? markup`${key} <span class="soft">${host}</span>` : markup`${key}`;
}

const columns = {
  name: { name: "Real server" },
  state: { name: "State" },
  weight: { name: "Weight", kind: "number" },
  active: { name: "Active", kind: "number" },
  connections: { name: "Connections", kind: "number" },
  fresh: { name: "New", kind: "number" },
  input: { name: "In", kind: "number" },
  output: { name: "Out", kind: "number" },
  check: { name: "Last check", kind: "line" },
  why: { name: "Why", kind: "wide" },
  change: { name: "Change", kind: "action" },
} as const satisfies Record<string, Column>;

/** Rates once they are known, totals until then; nobody asks for the rate of no bytes at all. */
function trafficCells({ rates, bytesIn, bytesOut }: ServerSnapshot): readonly Html[] {
  if (rates === undefined) {
    return [
      emptyCell(columns.fresh),
      cellView(columns.input, formatBytes(bytesIn)),
      cellView(columns.output, formatBytes(bytesOut)),
    ];
  }
  return [
    cellView(columns.fresh, `${formatRate(rates.cps)}/s`),
    cellView(columns.input, `${formatBytes(rates.inBps)}/s`),
    cellView(columns.output, `${formatBytes(rates.outBps)}/s`),
  ];
}

/** The button that changes the server; the page's script shows it once changes are allowed. */
function changeButton({ key, admin }: ServerSnapshot, service: string): Html {
  const [action, word] = admin === "enabled" ? ["drain", "Drain"] : ["enable", "Enable"];
  return markup`<button type="button" data-action="${action}" data-server="${key}"
 data-service="${service}" aria-label="${word} ${key} of ${service}">${word}</button>`;
}

function serverRow(server: ServerSnapshot, service: string, scope: PageScope): Html {
  const { nowMs, isChangeable } = scope;
  const why = reasonText(server);
  return rowView(`${server.key} ${server.host}`, serverName(server), [
    cellView(columns.state, serverBadge(server)),
    cellView(columns.weight, weightText(server)),
    cellView(columns.active, formatCount(server.activeConnections)),
    cellView(columns.connections, formatCount(server.connections)),
    ...trafficCells(server),
    cellView(columns.check, checkText(server, nowMs)),
    why === "" ? emptyCell(columns.why) : cellView(columns.why, why),
    ...(isChangeable ? [cellView(columns.change, changeButton(server, service))] : []),
  ]);
}

function take(servers: readonly ServerSnapshot[], scope: PageScope): readonly ServerSnapshot[] {
  const taken = servers.slice(0, scope.rowsLeft);
  scope.rowsLeft -= taken.length;
  return taken;
}

/** A caption for `shown` out of the `marked` real servers that need attention. */
function markedCaption(summary: string, shown: number, marked: number): string {
  if (shown === marked) return `${summary}; these need attention`;
  const counts = `${formatCount(shown)} of ${formatCount(marked)}`;
  return `${summary}; the first ${counts} that need attention`;
}

function serversView(service: ServiceSnapshot, scope: PageScope): Html {
  const { name, realServers } = service;
  const total = formatCount(realServers.length);
  const up = realServers.filter(({ health }) => health === "up").length;
  const summary = `${formatCount(up)} of ${total} real servers up`;
  const shownColumns = Object.values(columns).filter(
    (column) => scope.isChangeable || column !== columns.change,
  );
  const table = (caption: string, servers: readonly ServerSnapshot[]): Html =>
    tableView(
      caption,
      shownColumns,
      servers.map((server) => serverRow(server, name, scope)),
    );
  if (realServers.length <= openServersMax) {
    const shown = take(realServers, scope);
    if (shown.length < realServers.length) return markup`<p class="soft">${summary}</p>`;
    return table(summary, shown);
  }
  const marked = realServers.filter(needsAttention);
  const first = take(marked.slice(0, markedServersMax), scope);
  const all = take(realServers, scope);
  const rest = all.length < realServers.length ? `First ${formatCount(all.length)} of ` : "All ";
  const top =
    first.length === 0
      ? markup`<p class="soft">${summary}</p>`
      : table(markedCaption(summary, first.length, marked.length), first);
  return markup`${top}<details><summary>${rest}${total} real servers</summary>
${table(summary, all)}</details>
`;
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

function listenText({ protocol, listen, firewallMark }: ServiceSnapshot): string {
  if (firewallMark !== undefined) return `firewall mark ${firewallMark}`;
  return `${protocol} ${listen.join(", ")}`;
}

/** How the service forwards, in one line. */
function methodText(service: ServiceSnapshot): string {
  const { forwarding, engine, engineReason, scheduler, persistentTimeoutMs } = service;
  const parts = [listenText(service), forwarding, scheduler];
  if (engine !== forwarding) {
    parts.push(`engine ${engine}${engineReason === undefined ? "" : ` (${engineReason})`}`);
  }
  if (persistentTimeoutMs !== null) parts.push(`persistent ${formatSpan(persistentTimeoutMs)}`);
  return parts.join(" · ");
}

/** A service as links name it: its place in the configuration. */
export interface PlacedService {
  readonly service: ServiceSnapshot;
  readonly id: string;
}

/** One service with its real servers, as far as rows are left. */
export function serviceView(placed: PlacedService, scope: PageScope): Html {
  const { service, id } = placed;
  const facts = [
    fact("active", formatCount(service.activeConnections)),
    fact("connections", formatCount(service.connections)),
    ...trafficFacts(service),
  ];
  const reason = service.reason === "" ? undefined : markup`<p>${service.reason}</p>`;
  return markup`<section id="${id}" data-key="${id}" class="service"
 aria-label="Virtual service ${service.name}">
<div class="title"><h2>${service.name}</h2>${serviceBadges[service.state]}</div>
<p class="soft">${methodText(service)}</p>
${reason}<ul class="facts">${facts}</ul>
${fallbackText(service)}${serversView(service, scope)}</section>`;
}
