/**
 * Checks of ldirectord as the native table `check`. Pure.
 *
 * @module
 */

import { canonicalAddress } from "../../../net/address.ts";
import { formatDuration } from "../../duration.ts";
import type { NativeTable } from "../../native.ts";
import { isHostName } from "../../schema/index.ts";
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
/** Services that ask nothing without a request. */
const requestNeeded: ReadonlySet<string> = new Set(["http_proxy", "dns", "mysql", "pgsql"]);
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
    ...failuresOf(effective, type, intervalText),
  };
  const details = detailsOf(virtual, type);
  const isMute = isNegotiate(type) && isHopeless(virtual, virtual.request);
  // What it would need to be asked may come with a real server.
  return { type: isMute ? "off" : type, ...details, ...times } satisfies NativeTable;
}

function isNegotiate(type: string | number): boolean {
  return type === "negotiate" || typeof type === "number";
}

/** True if ldirectord has such servers always down: there is nothing that it could ask. */
function isHopeless({ service, login, secret }: LdirectordVirtual, request: string): boolean {
  const plain = requestOf(service, request);
  if (requestNeeded.has(service) && plain === undefined) return true;
  if (service === "dns") return !isHostName(plain!) && canonicalAddress(plain!) === undefined;
  if (databaseServices.has(service)) return login === "";
  return service === "radius" && (login === "" || secret === "");
}

/** Servers of a service that can never be up, whatever they answer. */
export function hasHopelessCheck(virtual: LdirectordVirtual): boolean {
  const requests = virtual.reals.map(({ request }) => request ?? virtual.request);
  return isNegotiate(typeOf(virtual)) && requests.some((request) => isHopeless(virtual, request));
}

/** Largest `fall`. */
const fallMax = 1000;

/** Pause between the tries of a ping check, which ldirectord makes one after the other. */
const pingPause = "100ms";

/** How many failures make a server down, and how soon the next check follows a failure. */
function failuresOf(
  { failurecount, checkcount }: EffectiveSettings,
  type: string | number,
  intervalText: string,
): NativeTable {
  if (type === "ping" && checkcount > 1) {
    return { fall: Math.min(failurecount * checkcount, fallMax), fast_interval: pingPause };
  }
  // ldirectord waits as long after a failure as after a success.
  return { fall: failurecount, fast_interval: failurecount > 1 ? intervalText : undefined };
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
  if (!isNegotiate(type)) return {};
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

function loginOf(virtual: LdirectordVirtual): NativeTable {
  const { service, database, secret } = virtual;
  return {
    ...whoOf(virtual),
    database: databaseServices.has(service) ? written(database) : undefined,
    secret: service === "radius" ? written(secret) : undefined,
  };
}

function whoOf({ service, login, passwd }: LdirectordVirtual): NativeTable {
  // A password alone says nothing; for LDAP, neither does a login alone.
  const isLdap = service === "ldap" || service === "ldaps";
  if (!loginServices.has(service) || login === "" || (isLdap && passwd === "")) return {};
  // SIP has a user in its request, but nobody asks for a password.
  return { login, password: service === "sip" ? undefined : written(passwd) };
}

/** An empty text is as good as none. */
function written(text: string): string | undefined {
  return text === "" ? undefined : text;
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
  virtual: LdirectordVirtual,
  real: LdirectordReal,
): NativeTable | undefined {
  const { service } = virtual;
  const request = requestServices.has(service) ? real.request : undefined;
  const receive = receiveServices.has(service) ? written(real.receive ?? "") : undefined;
  if (!isNegotiate(typeOf(virtual)) || (request === undefined && receive === undefined)) {
    return undefined;
  }
  const root = requestNeeded.has(service) ? undefined : "/";
  const table = {
    type: ownType(virtual, request),
    request: request === undefined ? undefined : (requestOf(service, request) ?? root),
    receive,
  };
  return Object.values(table).every((value) => value === undefined) ? undefined : table;
}

/** Type of one server alone: if it lacks what there is to ask, or if it alone has it. */
function ownType(virtual: LdirectordVirtual, request: string | undefined) {
  const isMute = isHopeless(virtual, request ?? virtual.request);
  if (isMute === isHopeless(virtual, virtual.request)) return undefined;
  return isMute ? "off" : typeOf(virtual);
}
