/**
 * Services of a negotiate check: which keys each has, what they must be, and the spec they make.
 *
 * @module
 */

import type {
  ExchangeCheckSpec,
  HttpCheckSpec,
  LdapCheckSpec,
  MailboxCheckSpec,
  PlainCheckSpec,
  ServiceCheckSpec,
  SqlCheckSpec,
  TlsCheckSpec,
} from "../../model/index.ts";
import { canonicalAddress } from "../../net/address.ts";
import { ftpDefaults, httpDefaults, withDefaults } from "../defaults.ts";
import type { Place } from "../document.ts";
import type { Report } from "../report.ts";
import { checkServices, isHostName } from "../schema/index.ts";
import type { CheckTable } from "../schema/index.ts";

/** What this file looks at of a level of settings (`check.ts`). */
interface Level {
  readonly own: CheckTable;
  readonly merged: CheckTable;
  readonly placeOf: (key: keyof CheckTable) => Place;
}

/** Keys of TLS. */
export const tlsKeys = ["verify", "ca_file", "server_name"] as const;
/** Keys that say who asks. */
export const loginKeys = ["login", "password", "database", "secret"] as const;
/** Keys that a service may have or not. */
const serviceKeys = [
  "request",
  "receive",
  "method",
  "virtual_host",
  "statuses",
  "redirects",
  ...tlsKeys,
  ...loginKeys,
] as const;
type ServiceKey = (typeof serviceKeys)[number];

const httpKeys = ["request", "receive", "method", "virtual_host", "statuses"] as const;
const mailboxKeys = ["login", "password"] as const;
const ldapKeys = ["request", "receive", ...mailboxKeys] as const;
const sqlKeys = [...ldapKeys, "database"] as const;

/** The services of this build and the keys that each has. */
const keysByService = {
  http: [...httpKeys, "redirects"],
  https: [...httpKeys, "redirects", ...tlsKeys],
  http_proxy: httpKeys,
  dns: ["request", "receive"],
  ftp: ["request", "receive", ...mailboxKeys],
  imap: mailboxKeys,
  imaps: [...mailboxKeys, ...tlsKeys],
  ldap: ldapKeys,
  ldaps: [...ldapKeys, ...tlsKeys],
  mysql: sqlKeys,
  nntp: [],
  none: [],
  oracle: [],
  pgsql: sqlKeys,
  pop: mailboxKeys,
  pops: [...mailboxKeys, ...tlsKeys],
  radius: [...mailboxKeys, "secret"],
  redis: mailboxKeys,
  simpletcp: ["request", "receive"],
  sip: ["login"],
  smtp: [],
  submission: [],
  udp: ["request", "receive"],
} as const satisfies Readonly<Record<string, readonly ServiceKey[]>>;

/** A service of this build. */
export type ServiceNow = keyof typeof keysByService;
/** The services of this build. */
export const servicesNow: readonly ServiceNow[] = checkServices.filter(isServiceNow);

function isServiceNow(service: string): service is ServiceNow {
  return Object.hasOwn(keysByService, service);
}

/** Checks the keys of a service against what it has, and their values. */
export function checkServiceKeys(level: Level, service: ServiceNow, report: Report): void {
  const { own, placeOf } = level;
  const allowed: readonly ServiceKey[] = keysByService[service];
  checkRequest(level, service, report);
  checkValues(level, allowed, report);
  for (const key of serviceKeys) {
    if (own[key] === undefined || allowed.includes(key)) continue;
    const expected = `no ${key} beside service "${service}"`;
    report.problem(placeOf(key), { expected, foundText: "one" });
  }
}

const requestPhrases: Partial<Record<ServiceNow, readonly [string, (text: string) => boolean]>> = {
  http: ['a path such as "/alive.html?full=1", ASCII without blanks', isPath],
  https: ['a path such as "/alive.html?full=1", ASCII without blanks', isPath],
  http_proxy: ['an address such as "http://www.example.com/", ASCII without blanks', isHttpUrl],
  dns: ['a host name or an address such as "www.example.com"', isDnsName],
  ftp: ["the path of a file without controls", (text) => !/\p{Cc}/u.test(text)],
};
/** Keys without which a service has nothing to ask. */
const neededKeys: Partial<Record<ServiceNow, readonly ServiceKey[]>> = {
  http_proxy: ["request"],
  dns: ["request"],
  udp: ["request"],
  mysql: ["login", "request"],
  pgsql: ["login", "request"],
  radius: ["login", "secret"],
};

function isPath(text: string): boolean {
  return /^\/[\x21-\x7e]*$/.test(text);
}

function isHttpUrl(text: string): boolean {
  return /^http:\/\/[\x21-\x7e]+$/.test(text) && URL.canParse(text);
}

function isDnsName(text: string): boolean {
  return canonicalAddress(text) !== undefined || isHostName(text);
}

function checkRequest({ merged, placeOf }: Level, service: ServiceNow, report: Report): void {
  for (const key of neededKeys[service] ?? []) {
    if (merged[key] !== undefined) continue;
    const expected = `the key "${key}" beside service "${service}"`;
    report.problem(placeOf("service"), { expected, foundText: "none" });
  }
  const { request } = merged;
  const [expected, isGood] = requestPhrases[service] ?? [];
  if (request === undefined || isGood === undefined || isGood(request)) return;
  report.problem(placeOf("request"), { expected: expected!, found: request });
}

/** Longest texts that fit into an Access-Request (RFC 2865, sections 5.1 and 5.2). */
const radiusBytesMax = { login: 253, password: 128 } as const;

function checkRadius({ merged, placeOf }: Level, report: Report): void {
  for (const key of ["login", "password"] as const) {
    const bytesMax = radiusBytesMax[key];
    if (Buffer.byteLength(merged[key] ?? "") <= bytesMax) continue;
    const expected = `a ${key} of at most ${bytesMax} bytes beside service "radius"`;
    report.problem(placeOf(key), { expected, foundText: "a longer one" });
  }
}

/** What may stand in a SIP address, between angle brackets. */
function isSipUser(text: string): boolean {
  return /^[\w.!~*'()%&=+$,?/-]+@[\w.:[\]-]+$/.test(text);
}

/** Values that fit together only in part. */
function checkValues(level: Level, allowed: readonly ServiceKey[], report: Report): void {
  const { merged, placeOf } = level;
  const { method, receive, verify } = merged;
  if (allowed.includes("method") && method === "HEAD" && receive !== undefined) {
    const expected = 'method "GET" beside receive, as the answer to HEAD has no body';
    report.problem(placeOf("method"), { expected, found: method });
  }
  if (allowed.includes("ca_file") && merged.ca_file !== undefined && verify !== true) {
    const expected = "verify = true beside ca_file";
    report.problem(placeOf("ca_file"), { expected, found: verify });
  }
  checkOfOneService(level, report);
  if (allowed.includes("password")) checkLogin(level, report);
}

function checkOfOneService(level: Level, report: Report): void {
  const { merged, placeOf } = level;
  const { service, login, receive, request } = merged;
  if (service === "ftp" && receive !== undefined && request === undefined) {
    const expected = "the key request beside receive";
    report.problem(placeOf("receive"), { expected, foundText: "none" });
  }
  if (service === "sip" && login !== undefined && !isSipUser(login)) {
    const expected = 'a login such as "user@example.com" beside service "sip"';
    report.problem(placeOf("login"), { expected, found: login });
  }
  if (service === "radius") checkRadius(level, report);
}

/**
 * A password belongs to a login; of Redis alone it is that of its default user. A login without a
 * password has the empty one, but for LDAP, where that means nobody (RFC 4513, section 5.1.2), and
 * Redis, which knows no such login.
 */
function checkLogin({ merged, placeOf }: Level, report: Report): void {
  const { login, password, service } = merged;
  if ((login === undefined) === (password === undefined)) return;
  const isLdap = service === "ldap" || service === "ldaps";
  if (login !== undefined && (isLdap || service === "redis")) {
    const expected = "the key password beside login";
    report.problem(placeOf("login"), { expected, foundText: "none" });
  } else if (login === undefined && service !== "redis") {
    const expected = "the key login beside password";
    report.problem(placeOf("password"), { expected, foundText: "none" });
  }
}

function tlsSpec(table: CheckTable): TlsCheckSpec {
  const { verify = httpDefaults.verify, ca_file: caFile, server_name: serverName } = table;
  return { verify, caFile, serverName };
}

/** The settings of a service that speaks HTTP; undefined: it does not. */
export function httpSpec(table: CheckTable, service: ServiceNow): HttpCheckSpec | undefined {
  if (service !== "http" && service !== "https" && service !== "http_proxy") return undefined;
  const spec = withDefaults(httpDefaults, {
    request: table.request,
    method: table.method,
    virtualHost: table.virtual_host,
    receive: table.receive,
    statuses: table.statuses,
    // The next address would have to be asked of the proxy again, which is another question.
    redirectsMax: service === "http_proxy" ? undefined : table.redirects,
  });
  const tls = service === "https";
  return tls ? { ...spec, tls, ...tlsSpec(table) } : { ...spec, tls };
}

type SpecMaker = (table: CheckTable) => ServiceCheckSpec;

function plain(service: PlainCheckSpec["service"]): SpecMaker {
  return () => ({ service });
}

function exchange(service: ExchangeCheckSpec["service"]): SpecMaker {
  return ({ request = "", receive }) => ({ service, request, receive });
}

function mailbox(service: MailboxCheckSpec["service"]): SpecMaker {
  return (table) => {
    const { login } = table;
    const password = login === undefined ? undefined : (table.password ?? "");
    const tls = service === "pops" || service === "imaps" ? tlsSpec(table) : undefined;
    return { service, login, password, tls };
  };
}

function ldap(service: LdapCheckSpec["service"]): SpecMaker {
  return (table) => {
    const { login, password, request = "", receive } = table;
    const tls = service === "ldaps" ? tlsSpec(table) : undefined;
    return { service, login, password, request, receive, tls };
  };
}

function sql(service: SqlCheckSpec["service"]): SpecMaker {
  return ({ login = "", password = "", database, request = "", receive }) => {
    return { service, login, password, database, request, receive };
  };
}

const makers: Readonly<Record<Exclude<ServiceNow, "http" | "https" | "http_proxy">, SpecMaker>> = {
  smtp: plain("smtp"),
  submission: plain("submission"),
  nntp: plain("nntp"),
  oracle: plain("oracle"),
  none: plain("none"),
  pop: mailbox("pop"),
  pops: mailbox("pops"),
  imap: mailbox("imap"),
  imaps: mailbox("imaps"),
  ftp: ({ request, receive, login, password }) => {
    const who = withDefaults(ftpDefaults, { login, password });
    return { service: "ftp", ...who, request, receive };
  },
  sip: ({ login }) => ({ service: "sip", login }),
  redis: ({ login, password }) => ({ service: "redis", login, password }),
  ldap: ldap("ldap"),
  ldaps: ldap("ldaps"),
  mysql: sql("mysql"),
  pgsql: sql("pgsql"),
  radius: ({ login = "", password = "", secret = "" }) => {
    return { service: "radius", login, password, secret };
  },
  dns: exchange("dns"),
  simpletcp: exchange("simpletcp"),
  udp: exchange("udp"),
};

/** The settings of a service that does not speak HTTP; undefined: it does. */
export function serviceSpec(table: CheckTable, service: ServiceNow): ServiceCheckSpec | undefined {
  if (service === "http" || service === "https" || service === "http_proxy") return undefined;
  return makers[service](table);
}
