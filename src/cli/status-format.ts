/**
 * Text of `appliance status`: services, real servers, and why. Pure.
 *
 * @module
 */

import {
  formatAgo,
  formatBytes,
  formatCount,
  formatRate,
  formatSpan,
  ownerText,
  resourcesText,
  whyText,
} from "../status/index.ts";
import type {
  FailoverSnapshot,
  PeerSnapshot,
  ServerSnapshot,
  ServiceSnapshot,
  Snapshot,
  StatusEvent,
  VirtualRouterSnapshot,
} from "../status/index.ts";
import { cleanText, createPalette, formatTable } from "./terminal.ts";
import type { Cell, Palette } from "./terminal.ts";

/** Events shown; `/status` has more. */
const eventsMax = 10;

/** Addresses of a virtual router that are shown: all 200 would be a screen. */
const addressesMax = 4;

type PeerCopy = NonNullable<PeerSnapshot["copy"]>;

/** What every part needs. */
interface View {
  readonly palette: Palette;
  readonly nowMs: number;
}

function cell(text: string, paint?: (text: string) => string): Cell {
  return paint === undefined ? { text: cleanText(text) } : { text: cleanText(text), paint };
}

function serverState({ health, admin }: ServerSnapshot, { palette }: View): Cell {
  if (admin === "disabled") return cell("disabled", palette.warn);
  if (health === "down") return cell("down", palette.bad);
  if (admin === "draining") return cell("draining", palette.warn);
  return health === "up" ? cell("up", palette.good) : cell("unchecked", palette.warn);
}

function checkText({ check }: ServerSnapshot, { nowMs }: View): string {
  if (check.at === null) return `${check.type} not yet`;
  const took = check.tookMs === null ? "" : ` ${formatSpan(check.tookMs)}`;
  const outcome = check.ok === false ? "failed" : "ok";
  return `${check.type} ${outcome}${took}, ${formatAgo(check.at, nowMs)}`;
}

/** The reason, and what the last check said if that is something else. */
function reasonText({ reason, check }: ServerSnapshot): string {
  if (check.detail === "" || reason.includes(check.detail)) return reason;
  return reason === "" ? check.detail : `${reason} (last check: ${check.detail})`;
}

const columns = ["REAL SERVER", "STATE", "WEIGHT", "ACTIVE", "CONNECTIONS", "LAST CHECK", "WHY"];

function serverRow(server: ServerSnapshot, view: View): readonly Cell[] {
  const { weight, effectiveWeight, activeConnections, connections } = server;
  return [
    cell(server.key),
    serverState(server, view),
    cell(weight === effectiveWeight ? String(weight) : `${effectiveWeight}/${weight}`),
    cell(formatCount(activeConnections)),
    cell(formatCount(connections)),
    cell(checkText(server, view)),
    cell(reasonText(server)),
  ];
}

function trafficText({ rates, bytesIn, bytesOut }: ServiceSnapshot): string {
  if (rates === undefined) return `in ${formatBytes(bytesIn)}, out ${formatBytes(bytesOut)}`;
  const { cps, inBps, outBps } = rates;
  return `${formatRate(cps)} new/s, in ${formatBytes(inBps)}/s, out ${formatBytes(outBps)}/s`;
}

function methodText(service: ServiceSnapshot): string {
  const { protocol, listen, firewallMark, forwarding, engine, scheduler } = service;
  const where =
    firewallMark === undefined
      ? `${protocol} ${listen.join(" ")}`
      : `firewall mark ${firewallMark}`;
  const by = engine === forwarding ? "" : ` by ${engine}`;
  return `${where} ${forwarding}${by} ${scheduler}`;
}

/** A service of virtual routers that are not active here: checked and ready, and not listed. */
function standbyText({ owner }: ServiceSnapshot, { palette }: View): string {
  if (owner === undefined || owner.active) return "";
  return `, ${palette.soft(`served where ${cleanText(owner.routers.join(" or "))} is active`)}`;
}

function serviceText(service: ServiceSnapshot, view: View): string {
  const { name, state, reason, fallback } = service;
  const { palette } = view;
  const paint = { up: palette.good, fallback: palette.warn, down: palette.bad }[state];
  const why = (reason === "" ? "" : `: ${cleanText(reason)}`) + standbyText(service, view);
  const counts = `${formatCount(service.activeConnections)} active, ${trafficText(service)}`;
  const rows = [
    columns.map((column) => cell(column, palette.soft)),
    ...service.realServers.map((server) => serverRow(server, view)),
  ];
  const last =
    fallback === null
      ? ""
      : `  fallback ${cleanText(fallback.key)}${fallback.active ? ", serving" : ""}\n`;
  const head = `${palette.strong(cleanText(name))}  ${cleanText(methodText(service))}`;
  const table = formatTable(rows, "  ");
  return `${head}  ${paint(state)}${why}\n  ${counts}\n${table}${last}\n`;
}

function headText(snapshot: Snapshot, { palette, nowMs }: View): string {
  const { program, configuration, proxy, notReady } = snapshot;
  const facts = [
    `appliance ${cleanText(program.version)}`,
    `pid ${snapshot.pid}`,
    `${proxy.workers} worker${proxy.workers === 1 ? "" : "s"}`,
    `running for ${formatSpan(nowMs - Date.parse(snapshot.startedAt))}`,
    snapshot.ready
      ? palette.good("ready")
      : `${palette.warn("not ready")}: ${cleanText(notReady.join(", "))}`,
  ];
  const files = configuration.files.map((file) => cleanText(file)).join(" ");
  const error = cleanText(configuration.lastReloadError ?? "");
  const lines = [
    facts.join(", "),
    `configuration ${files}, read ${formatAgo(configuration.loadedAt, nowMs)}`,
    ...(configuration.lastReloadSuccessful
      ? []
      : [`${palette.bad("the last reload failed")}: ${error}`]),
  ];
  return `${lines.join("\n")}\n\n`;
}

const routerColumns = ["VIRTUAL ROUTER", "STATE", "OWNER", "SINCE", "LEASE", "PRIORITY", "HEARD"];

function addressesText({ addresses }: VirtualRouterSnapshot): string {
  const more = addresses.length - addressesMax;
  const shown = addresses.slice(0, addressesMax).join(" ");
  return more > 0 ? `${shown} and ${formatCount(more)} more` : shown;
}

function routerState(router: VirtualRouterSnapshot, { palette }: View): Cell {
  const { state, leaseRemainingMs, drainRemainingMs, blockedBy } = router;
  if (state === "active" && leaseRemainingMs === 0) return cell(state, palette.bad);
  if (drainRemainingMs > 0) return cell(`${state}, draining`, palette.warn);
  if (blockedBy !== null) return cell(`${state}, blocked`, palette.warn);
  return cell(
    state,
    { active: palette.good, backup: palette.soft, initialize: palette.warn }[state],
  );
}

function routerRow(router: VirtualRouterSnapshot, view: View): readonly Cell[] {
  const { name, priority, changedAt, leaseRemainingMs, heard } = router;
  const { nowMs } = view;
  const from = heard && `${heard.address} (${heard.priority}), ${formatAgo(heard.at, nowMs)}`;
  return [
    cell(name),
    routerState(router, view),
    cell(ownerText(router, nowMs)),
    cell(formatAgo(changedAt, nowMs)),
    cell(leaseRemainingMs === 0 ? "none" : formatSpan(leaseRemainingMs)),
    cell(String(priority)),
    cell(from ?? "nobody"),
  ];
}

function peerText(peer: PeerSnapshot | undefined, { palette }: View): string {
  if (peer === undefined) return "";
  const { reachable, heardAgeMs, roundTripMs, configuration, tables, copy } = peer;
  const comparison = {
    same: "same configuration",
    unknown: palette.warn("configuration unknown"),
    different: palette.warn("different configuration"),
  }[configuration];
  const facts = [
    reachable ? palette.good("reachable") : palette.bad("not reachable"),
    heardAgeMs === null ? "never heard" : `heard ${formatSpan(heardAgeMs)} ago`,
    ...(roundTripMs === null ? [] : [`round trip ${formatSpan(roundTripMs)}`]),
    comparison,
    ...(tables === "different" ? [palette.warn("different mh tables")] : []),
    ...(copy === null ? [] : [copyText(copy, palette)]),
  ];
  return `  peer ${facts.join(", ")}\n`;
}

function copyText({ connected, complete }: PeerCopy, palette: Palette): string {
  if (!connected) return palette.bad("copy not connected");
  return complete ? "copy complete" : palette.warn("copy not complete");
}

/** The table, below each row what would make it too wide for a terminal. */
function routersText(routers: readonly VirtualRouterSnapshot[], view: View): string {
  const rows = [
    routerColumns.map((column) => cell(column, view.palette.soft)),
    ...routers.map((router) => routerRow(router, view)),
  ];
  const [head, ...lines] = formatTable(rows, "  ").trimEnd().split("\n");
  const blocks = lines.map((line, index) => {
    const router = routers[index]!;
    const below = [addressesText(router), whyText(router), resourcesText(router)]
      .filter((text) => text !== "")
      .map((text) => `    ${cleanText(text)}\n`);
    return `${line}\n${below.join("")}`;
  });
  return `${head}\n${blocks.join("")}`;
}

function trackedText({ tracked }: FailoverSnapshot, { palette }: View): string {
  if (tracked.length === 0) return "";
  const paint = { up: palette.good, down: palette.bad, unknown: palette.warn };
  const facts = tracked.map(({ name, state, reason }) => {
    const why = reason === "" ? "" : `: ${cleanText(reason)}`;
    return `${cleanText(name)} ${paint[state](state)}${why}`;
  });
  return `  tracked ${facts.join(", ")}\n`;
}

function failoverText(failover: FailoverSnapshot | undefined, view: View): string {
  if (failover === undefined) return "";
  const { fence, guard, lateWakeups, latenessMaxMs, routers, peer } = failover;
  const { palette } = view;
  const facts = [
    fence.kind === "none"
      ? palette.bad(`no fence: ${cleanText(fence.reason)}`)
      : `fenced by ${fence.kind}`,
    ...(fence.gaps ?? []).map((gap) =>
      palette.bad(`no fence on ${cleanText(gap.interface)}: ${cleanText(gap.reason)}`),
    ),
    guard ? "guarded" : palette.bad("no guard"),
    `${formatCount(lateWakeups)} late wake-ups, the worst by ${formatSpan(latenessMaxMs)}`,
  ];
  const head = `${palette.strong("failover")}  ${facts.join(", ")}\n`;
  const watched = peerText(peer, view) + trackedText(failover, view);
  return `${head}${watched}${routersText(routers, view)}\n`;
}

function eventRow(event: StatusEvent, view: View): readonly Cell[] {
  const subject = [event.service, event.server].filter((part) => part !== null).join(" ");
  return [cell(event.at, view.palette.soft), cell(subject), cell(event.text)];
}

/** The whole text. */
export function formatStatus(snapshot: Snapshot, color: boolean): string {
  const view: View = { palette: createPalette(color), nowMs: Date.parse(snapshot.at) };
  const events = snapshot.events.slice(0, eventsMax).map((event) => eventRow(event, view));
  return [
    headText(snapshot, view),
    failoverText(snapshot.failover, view),
    ...snapshot.services.map((service) => serviceText(service, view)),
    snapshot.services.length === 0 ? "no virtual services\n\n" : "",
    events.length === 0 ? "" : `last events\n${formatTable(events, "  ")}`,
  ].join("");
}
