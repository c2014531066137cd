/**
 * The first line of a virtual service: address and port, or a firewall mark.
 *
 * @module
 */

import type { Family } from "../../../net/address.ts";
import { isResolved, readHost } from "./host.ts";
import type { LdirectordVirtual } from "./model.ts";
import { defaultService, portPhrase, readPort } from "./service.ts";
import { emptyShared } from "./shared.ts";
import { refuse, warn } from "./value.ts";
import type { Directive, Reading } from "./value.ts";

const example4 = '"192.0.2.1:80" or a firewall mark such as "1"';
const example6 = '"[2001:db8::1]:80" or a firewall mark such as "1"';

/**
 * Starts a virtual service. After a problem it has a stand-in for its address, so that the lines
 * below it are read too; the file is refused anyway.
 */
export function readVirtual(reading: Reading, directive: Directive): LdirectordVirtual {
  const { line, key } = directive;
  const family = key === "virtual6" ? 6 : 4;
  const where = readWhere(reading, directive, family) ?? { address: undefined, port: 0 };
  const { port } = where;
  const fwmark = "fwmark" in where ? where.fwmark : undefined;
  const byPort = port === 53 ? "udp" : "tcp";
  return {
    ...emptyShared(),
    line,
    family,
    address: where.address,
    port,
    fwmark,
    protocol: fwmark === undefined ? byPort : "fwm",
    reals: [],
    checktype: "negotiate",
    connectsPerNegotiate: 0,
    service: fwmark === undefined ? defaultService(port) : "none",
    checkcommand: "/bin/true",
    checkport: undefined,
    request: "/",
    receive: "",
    httpmethod: "GET",
    virtualhost: undefined,
    login: "",
    passwd: "",
    database: "",
    secret: "",
    load: undefined,
    scheduler: "wrr",
    persistent: undefined,
    netmask: undefined,
    schedflags: undefined,
    ops: false,
    monitorfile: undefined,
    servicename: undefined,
    comment: undefined,
    lines: new Map(),
  };
}

interface Where {
  readonly address: string | undefined;
  readonly port: number;
  readonly fwmark?: number;
}

function readWhere(reading: Reading, directive: Directive, family: Family): Where | undefined {
  const { value = "" } = directive;
  const example = family === 6 ? example6 : example4;
  if (family === 4 && value.startsWith("[")) {
    const note = "IPv6 stands in virtual6";
    return refuse(reading, directive, { expected: example, note });
  }
  const [, hostText = "", portText = "", rest] = partsOf(value, family) ?? [];
  if (hostText === "") return readMark(reading, directive, example);
  const address = readOwnAddress(hostText, family, { reading, directive });
  if (address === undefined) return undefined;
  const port = readPort(portText, reading.ports);
  if (port === undefined) return refuse(reading, directive, portPhrase);
  if (rest !== "") warn(reading, directive, "What stands behind the port has no effect");
  return { address, port };
}

/** Host, port and rest of `host:port`, `[v6]:port`; null if there is no port. */
function partsOf(value: string, family: Family): RegExpExecArray | null {
  const bracketed = family === 6 ? /^\[([^\]]*)\]:([\w-]+)(.*)$/.exec(value) : null;
  return bracketed ?? /^([^\s:[\]]+):([\w-]+)(.*)$/.exec(value);
}

/** An address of the director: a name must be known, as it cannot be listened on otherwise. */
function readOwnAddress(
  text: string,
  family: Family,
  { reading, directive }: { readonly reading: Reading; readonly directive: Directive },
): string | undefined {
  const host = readHost(text, family, reading.hosts);
  if (host !== undefined && isResolved(host)) return host.host;
  const note = host === undefined ? undefined : "the name is not in /etc/hosts";
  const example = family === 6 ? example6 : example4;
  return refuse(reading, directive, { expected: `an address and port such as ${example}`, note });
}

/** Largest firewall mark: 32 bits. */
const markMax = 4_294_967_295;

/** The first number is the mark, whatever follows: `10.0.0.1` is the mark 10. */
function readMark(reading: Reading, directive: Directive, example: string): Where | undefined {
  const { value = "" } = directive;
  const digits = /^\d{1,10}(?!\d)/.exec(value)?.[0];
  const fwmark = Number(digits ?? 0);
  if (fwmark < 1 || fwmark > markMax) {
    return refuse(reading, directive, `an address and port such as ${example}`);
  }
  if (digits !== value) {
    const message = `Without a port this is the firewall mark ${fwmark}, as for ldirectord`;
    warn(reading, directive, message);
  }
  return { address: undefined, port: 0, fwmark };
}

/** Name of a virtual service in ldirectord's own messages: `tcp:192.0.2.1:80`, `fwm:1`. */
export function virtualId({ protocol, fwmark, address, port }: LdirectordVirtual): string {
  if (fwmark !== undefined) return `fwm:${fwmark}`;
  const host = address?.includes(":") ? `[${address}]` : address;
  return `${protocol}:${host}:${port}`;
}
