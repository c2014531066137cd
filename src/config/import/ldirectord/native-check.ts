/**
 * Checks of ldirectord as the native table `check`. Pure.
 *
 * @module
 */

import { formatDuration } from "../../duration.ts";
import type { NativeTable } from "../../native.ts";
import type { EffectiveSettings } from "./effective.ts";
import type { LdirectordReal, LdirectordVirtual } from "./model.ts";

/** How many redirects the HTTP library of ldirectord follows. */
const redirectsMax = 7;

const httpServices: ReadonlySet<string> = new Set(["http", "https", "http_proxy"]);
const requestServices: ReadonlySet<string> = new Set([
  ...httpServices,
  "dns",
  "ftp",
  "ldap",
  "ldaps",
  "mysql",
  "pgsql",
  "simpletcp",
]);
const receiveServices: ReadonlySet<string> = new Set([
  ...httpServices,
  "dns",
  "ftp",
  "ldap",
  "ldaps",
  "simpletcp",
]);
const loginServices: ReadonlySet<string> = new Set([
  "ftp",
  "imap",
  "imaps",
  "ldap",
  "ldaps",
  "mysql",
  "pgsql",
  "pop",
  "pops",
  "radius",
  "sip",
]);
const databaseServices: ReadonlySet<string> = new Set(["mysql", "pgsql"]);
/** Negotiates within checktimeout, unlike the others. */
const checktimeoutServices: ReadonlySet<string> = new Set(["ldap", "ldaps", "radius"]);

/** Check of a service, without what single real servers have of their own. */
export function checkTableOf(virtual: LdirectordVirtual, effective: EffectiveSettings) {
  const type = typeOf(virtual);
  const intervalText = formatDuration(effective.checkinterval * 1000);
  const times: NativeTable = {
    port: virtual.checkport,
    interval: intervalText,
    timeout: formatDuration(timeoutOf(virtual, effective, type) * 1000),
    fall: effective.failurecount,
    // ldirectord waits as long after a failure as after a success.
    fast_interval: effective.failurecount > 1 ? intervalText : undefined,
  };
  return { type, ...detailsOf(virtual, type), ...times } satisfies NativeTable;
}

function typeOf(virtual: LdirectordVirtual): string | number {
  const { checktype, connectsPerNegotiate, protocol, service } = virtual;
  if (checktype === "count") return connectsPerNegotiate;
  // A connection of UDP says nothing, so ldirectord sends a ping.
  if (checktype === "connect" && protocol === "udp") return "ping";
  // Such a check is up without a packet.
  if (checktype === "negotiate" && service === "none") return "on";
  return checktype;
}

function timeoutOf(
  { service, checktype }: LdirectordVirtual,
  { checktimeout, negotiatetimeout }: EffectiveSettings,
  type: string | number,
): number {
  if (checktype === "count") return Math.max(checktimeout, negotiatetimeout);
  if (type !== "negotiate" || checktimeoutServices.has(service)) return checktimeout;
  return negotiatetimeout;
}

function detailsOf(virtual: LdirectordVirtual, type: string | number): NativeTable {
  if (type === "external" || type === "external-perl") return { command: [virtual.checkcommand] };
  if (type !== "negotiate" && typeof type !== "number") return {};
  const { service, request, receive } = virtual;
  return {
    service,
    request: requestServices.has(service) ? requestOf(service, request) : undefined,
    receive: receiveServices.has(service) && receive !== "" ? receive : undefined,
    ...httpOf(virtual),
    ...loginOf(virtual),
  };
}

function httpOf({ service, httpmethod, virtualhost }: LdirectordVirtual): NativeTable {
  if (!httpServices.has(service)) return {};
  return {
    method: httpmethod === "HEAD" ? httpmethod : undefined,
    virtual_host: virtualhost === "" ? undefined : virtualhost,
    redirects: service === "http_proxy" ? undefined : redirectsMax,
  };
}

function loginOf({ service, login, passwd, database, secret }: LdirectordVirtual): NativeTable {
  const hasLogin = loginServices.has(service);
  return {
    login: hasLogin && login !== "" ? login : undefined,
    // SIP has a user in its request, but nobody asks for a password.
    password: hasLogin && service !== "sip" && passwd !== "" ? passwd : undefined,
    database: databaseServices.has(service) && database !== "" ? database : undefined,
    secret: service === "radius" && secret !== "" ? secret : undefined,
  };
}

/** The slash that ldirectord puts first belongs to paths only. */
function requestOf(service: string, request: string): string | undefined {
  if (service === "http" || service === "https") {
    return request === "/" ? undefined : escapePath(request);
  }
  const plain = request.slice(1);
  if (plain === "") return undefined;
  // The native check reads such a request as ldirectord does, and cuts a slash too.
  return service === "simpletcp" && plain.startsWith("/") ? request : plain;
}

/** Blanks and what is not ASCII, as an HTTP library sends them. */
function escapePath(path: string): string {
  return path.replaceAll(/[^\x21-\x7e]/gu, (character) =>
    [...new TextEncoder().encode(character)]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`)
      .join(""),
  );
}

/** What one real server has of its own; undefined if nothing. */
export function ownCheckTable(
  { service }: LdirectordVirtual,
  { request, receive }: LdirectordReal,
  type: string | number,
): NativeTable | undefined {
  const isNegotiate = type === "negotiate" || typeof type === "number";
  if (!isNegotiate || (request === undefined && !receive)) return undefined;
  const hasRequest = request !== undefined && requestServices.has(service);
  const hasReceive = Boolean(receive) && receiveServices.has(service);
  if (!hasRequest && !hasReceive) return undefined;
  return {
    request: hasRequest ? (requestOf(service, request) ?? "/") : undefined,
    receive: hasReceive ? receive : undefined,
  };
}
