/**
 * `real = …` and `fallback = …`: addresses, ranges, forwarding methods, and what may follow.
 *
 * @module
 */

import type { Family } from "../../../net/address.ts";
import { ipv4ToWord, isResolved, readHost, wordToIpv4 } from "./host.ts";
import type { Host } from "./host.ts";
import type { LdirectordFallback, LdirectordForward, LdirectordReal } from "./model.ts";
import { portPhrase, readPort } from "./service.ts";
import { refuse, warn } from "./value.ts";
import type { Directive, Reading } from "./value.ts";

const forwards: readonly LdirectordForward[] = ["gate", "masq", "ipip"];

const realExample = '"192.0.2.11:80 masq"';
const serverPhrase = `the address of a server, such as ${realExample}`;

interface ServerAddress {
  readonly first: Host;
  /** End of a range. */
  readonly last: Host | undefined;
  /** 0: none was written. */
  readonly port: number;
}

/** Takes `host[->host][:port]` apart; undefined after a problem was told. */
function readAddress(
  text: string,
  family: Family,
  { reading, directive }: { readonly reading: Reading; readonly directive: Directive },
): ServerAddress | undefined {
  const { hostText, portText } = splitPort(text, family);
  if (hostText === "" || portText?.startsWith(":")) {
    return readDoubleColon(text, family, { reading, directive });
  }
  const [first, last, ...more] = hostText
    .split("->")
    .map((one) => readHost(one, family, reading.hosts) ?? null);
  if (family === 6 && last !== undefined) {
    const note = "ranges exist for IPv4 only";
    return refuse(reading, directive, { expected: "one IPv6 address", note });
  }
  if (!first || last === null || more.length > 0) return refuse(reading, directive, serverPhrase);
  const port = readServerPort(portText, { reading, directive });
  return port === undefined ? undefined : { first, last, port };
}

/** 0 if none is written; undefined after a problem was told. */
function readServerPort(
  text: string | undefined,
  { reading, directive }: { readonly reading: Reading; readonly directive: Directive },
): number | undefined {
  if (text === undefined) return 0;
  return readPort(text, reading.ports) ?? refuse(reading, directive, portPhrase);
}

/** The text before the port, without the brackets of IPv6; a port without text before it: none. */
function splitPort(text: string, family: Family): { hostText: string; portText?: string } {
  if (text.startsWith("[")) {
    const end = text.indexOf("]");
    const rest = text.slice(end + 1);
    if (family === 4 || end === -1 || !(rest === "" || rest.startsWith(":"))) {
      return { hostText: "" };
    }
    const hostText = text.slice(1, end);
    return rest === "" ? { hostText } : { hostText, portText: rest.slice(1) };
  }
  const colon = text.indexOf(":");
  if (colon === -1) return { hostText: text };
  return { hostText: text.slice(0, colon), portText: text.slice(colon + 1) };
}

/** `192.0.2.1::5060`: ldirectord takes what follows the colons for the address. */
function readDoubleColon(
  text: string,
  family: Family,
  { reading, directive }: { readonly reading: Reading; readonly directive: Directive },
): ServerAddress | undefined {
  const tail = family === 4 ? /^[^:[\]]+::([\w.-]+)$/.exec(text)?.[1] : undefined;
  const first = tail === undefined ? undefined : readHost(tail, family, reading.hosts);
  if (first === undefined) {
    const note =
      family === 4 && text.includes("[") ? "IPv6 stands in virtual6, real6, fallback6" : undefined;
    return refuse(reading, directive, { expected: serverPhrase, note });
  }
  const message = `Two colons: ldirectord takes this for the server ${first.host} without a port`;
  warn(reading, directive, message);
  return { first, last: undefined, port: 0 };
}

/** The hosts of a range, its ends included; undefined after a problem was told. */
function expandRange(
  { first, last }: ServerAddress,
  reading: Reading,
  directive: Directive,
): readonly Host[] | undefined {
  if (last === undefined) return [first];
  if (!isResolved(first) || !isResolved(last)) {
    return refuse(reading, directive, "a range of addresses, or of names in /etc/hosts");
  }
  const firstWord = ipv4ToWord(first.host);
  const count = ipv4ToWord(last.host) - firstWord + 1;
  if (count < 1) return refuse(reading, directive, "a range whose first address is the lower one");
  if (count > reading.realsLeft) return refuseMany(reading, directive);
  return Array.from({ length: count }, (_, index) => {
    return { host: wordToIpv4(firstWord + index), name: undefined };
  });
}

function refuseMany(reading: Reading, directive: Directive): undefined {
  return refuse(reading, directive, "fewer real servers in all services together");
}

/** Reads `real = …`; a range gives several, a fault none. */
export function readReals(
  reading: Reading,
  directive: Directive,
  family: Family,
): readonly LdirectordReal[] {
  const { value = "", line } = directive;
  const [, addressText, method, rest] = /^(\S+)\s+(gate|masq|ipip)\b(.*)$/.exec(value) ?? [];
  const forward = forwards.find((one) => one === method);
  if (addressText === undefined || forward === undefined) {
    refuse(reading, directive, `a server and gate, masq or ipip, such as ${realExample}`);
    return [];
  }
  const address = readAddress(addressText, family, { reading, directive });
  const hosts = address && expandRange(address, reading, directive);
  if (address === undefined || hosts === undefined) return [];
  if (hosts.length > reading.realsLeft) {
    refuseMany(reading, directive);
    return [];
  }
  reading.realsLeft -= hosts.length;
  const options = readOptions(rest ?? "", reading, directive);
  const { port } = address;
  return hosts.map((host) => {
    return { line, ...host, port, forward, ...options };
  });
}

type RealOptions = Pick<
  LdirectordReal,
  "weight" | "request" | "receive" | "lowerThreshold" | "upperThreshold"
>;

/** `[weight] ["request"[, ]"receive"] [l:N] [u:N]`, in any order; the rest is rubbish. */
function readOptions(text: string, reading: Reading, directive: Directive): RealOptions {
  const quoted: string[] = [];
  const plain = text.replaceAll(/"([^"]*)"\s*,?/g, (_, content: string) => {
    quoted.push(content);
    return " ";
  });
  let weight: number | undefined;
  let lowerThreshold: number | undefined;
  let upperThreshold: number | undefined;
  const rubbish: string[] = [];
  for (const word of plain.split(/\s+/).filter(Boolean)) {
    const threshold = /^([lu]):(\d{1,9})$/.exec(word);
    if (threshold?.[1] === "l") lowerThreshold = Number(threshold[2]);
    else if (threshold?.[1] === "u") upperThreshold = Number(threshold[2]);
    else if (weight === undefined && /^\d{1,9}$/.test(word)) weight = Number(word);
    else rubbish.push(word);
  }
  if (rubbish.length > 0 || quoted.length > 2) {
    warn(reading, directive, "What stands behind the known options is without effect");
  }
  const [request, receive] = quoted;
  return {
    weight: weight ?? 1,
    request: request === undefined ? undefined : withSlash(request),
    receive,
    lowerThreshold,
    upperThreshold,
  };
}

/** ldirectord puts a slash before every request that has none. */
export function withSlash(request: string): string {
  return request.startsWith("/") ? request : `/${request}`;
}

/** Reads `fallback = …`; undefined after a problem was told. */
export function readFallback(
  reading: Reading,
  directive: Directive,
  family: Family,
): LdirectordFallback | undefined {
  const { value = "", line } = directive;
  const [addressText = "", word, ...rest] = value.split(/\s+/);
  const address = readAddress(addressText, family, { reading, directive });
  if (address === undefined) return undefined;
  const { first, last, port } = address;
  if (last !== undefined) return refuse(reading, directive, "one server, not a range");
  const forward = forwards.find((one) => one === word);
  if (word !== undefined && forward === undefined) {
    return refuse(reading, directive, "gate, masq, ipip or nothing behind the address");
  }
  if (rest.length > 0) warn(reading, directive, "What stands behind the method has no effect");
  return { line, ...first, port: port === 0 ? undefined : port, forward: forward ?? "gate" };
}
