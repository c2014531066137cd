/**
 * Services of ldirectord and their ports, and names of ports (RFC 6335; services(5)). Pure.
 *
 * @module
 */

/** Service by its well-known port: what `service` is if it is not written. */
const serviceByPort: ReadonlyMap<number, string> = new Map([
  [21, "ftp"],
  [25, "smtp"],
  [53, "dns"],
  [80, "http"],
  [110, "pop"],
  [119, "nntp"],
  [143, "imap"],
  [389, "ldap"],
  [443, "https"],
  [587, "submission"],
  [636, "ldaps"],
  [993, "imaps"],
  [995, "pops"],
  [1521, "oracle"],
  [1812, "radius"],
  [3128, "http_proxy"],
  [3306, "mysql"],
  [5060, "sip"],
  [5432, "pgsql"],
]);

const portByService = new Map([...serviceByPort].map(([port, service]) => [service, port]));

/** Every word that `service` may be. */
export const serviceNames: readonly string[] = [
  ...serviceByPort.values(),
  "none",
  "simpletcp",
].toSorted();

/** What is spoken on a port if nothing is written. */
export function defaultService(port: number): string {
  return serviceByPort.get(port) ?? "none";
}

/** Well-known port of a service; undefined if it has none. */
export function servicePort(service: string): number | undefined {
  return portByService.get(service);
}

/** Names that hosts without a services(5) know too. */
const wellKnownPorts: Readonly<Record<string, number>> = {
  echo: 7,
  discard: 9,
  ftp: 21,
  ssh: 22,
  telnet: 23,
  smtp: 25,
  domain: 53,
  tftp: 69,
  gopher: 70,
  http: 80,
  www: 80,
  kerberos: 88,
  pop3: 110,
  "pop-3": 110,
  sunrpc: 111,
  nntp: 119,
  ntp: 123,
  imap2: 143,
  imap: 143,
  snmp: 161,
  ldap: 389,
  https: 443,
  submissions: 465,
  syslog: 514,
  submission: 587,
  ldaps: 636,
  "domain-s": 853,
  rsync: 873,
  imaps: 993,
  pop3s: 995,
  openvpn: 1194,
  "ms-sql-s": 1433,
  radius: 1812,
  "radius-acct": 1813,
  nfs: 2049,
  mysql: 3306,
  "ms-wbt-server": 3389,
  sip: 5060,
  "sip-tls": 5061,
  postgresql: 5432,
  redis: 6379,
  "http-alt": 8080,
};

/** Port by name and alias; the first protocol that a name is listed for wins. */
export type PortTable = ReadonlyMap<string, number>;

/** Reads a services(5) text over the table of this program. */
export function readPortTable(text: string): PortTable {
  const table = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [name, entry, ...aliases] = line.replace(/#.*$/, "").split(/\s+/).filter(Boolean);
    const port = Number(/^(\d{1,5})\//.exec(entry ?? "")?.[1]);
    if (name === undefined || !(port <= 65_535)) continue;
    for (const one of [name, ...aliases]) if (!table.has(one)) table.set(one, port);
  }
  for (const [name, port] of Object.entries(wellKnownPorts)) {
    if (!table.has(name)) table.set(name, port);
  }
  return table;
}

/** What a port must be. */
export const portPhrase = "a port 1..65535 or its name in /etc/services";

/** Port of a number 1..65535 or a name; undefined if it is neither. */
export function readPort(text: string, ports: PortTable): number | undefined {
  if (!/^\d+$/.test(text)) return ports.get(text);
  const port = Number(text);
  return port >= 1 && port <= 65_535 ? port : undefined;
}
