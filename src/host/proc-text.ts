/**
 * Texts of /proc/net as facts (proc(5)). Pure; lines that are not understood are left out.
 *
 * @module
 */

import { formatAddress } from "../net/address.ts";
import type { AddressFact, RouteFact } from "./access.ts";

/** RTF_GATEWAY and RTF_REJECT of linux/route.h. */
const flagGateway = 0x2;
const flagReject = 0x200;

function fields(text: string): string[][] {
  return text
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((words) => words.length > 1);
}

/** Address of 32 hexadecimal digits. */
function addressOfHex(hex: string): string {
  return formatAddress(Uint8Array.from(Buffer.from(hex, "hex")));
}

/** IPv4 address of 8 hexadecimal digits in the byte order of this little-endian machine. */
function addressOfWord(hex: string): string {
  return formatAddress(Uint8Array.from(Buffer.from(hex, "hex")).toReversed());
}

/** Names in /proc/net/dev. */
export function parseInterfaceNames(text: string): string[] {
  return [...text.matchAll(/^ *([^\s|]+): */gm)].map(([, name]) => name!);
}

/** Addresses in /proc/net/if_inet6. */
export function parseIpv6Addresses(text: string): AddressFact[] {
  return fields(text).flatMap(([hex = "", , prefix = "", , , name]) => {
    if (!/^[0-9a-f]{32}$/.test(hex) || name === undefined) return [];
    const prefixBits = Number.parseInt(prefix, 16);
    return [{ interface: name, label: name, address: addressOfHex(hex), prefixBits }];
  });
}

/** Default routes and routes with a gateway in /proc/net/route. */
export function parseIpv4Routes(text: string): RouteFact[] {
  return fields(text).flatMap(([name = "", destination = "", gateway = "", flagText = ""]) => {
    if (!/^[0-9A-F]{8}$/.test(destination) || !/^[0-9A-F]{8}$/.test(gateway)) return [];
    const flags = Number.parseInt(flagText, 16);
    const isDefault = destination === "00000000" && (flags & flagReject) === 0;
    const hasGateway = (flags & flagGateway) !== 0;
    if (!isDefault && !hasGateway) return [];
    return [
      { interface: name, isDefault, gateway: hasGateway ? addressOfWord(gateway) : undefined },
    ];
  });
}

/** Default routes and routes with a gateway in /proc/net/ipv6_route. */
export function parseIpv6Routes(text: string): RouteFact[] {
  return fields(text).flatMap((words) => {
    const [destination = "", prefix = "", , , gateway = ""] = words;
    const [flagText = "", name] = words.slice(8);
    if (!/^[0-9a-f]{32}$/.test(gateway) || name === undefined) return [];
    const flags = Number.parseInt(flagText, 16);
    const isReject = (flags & flagReject) !== 0;
    const isDefault = /^0+$/.test(destination) && prefix === "00" && !isReject;
    const hasGateway = (flags & flagGateway) !== 0;
    if (!isDefault && !hasGateway) return [];
    return [
      { interface: name, isDefault, gateway: hasGateway ? addressOfHex(gateway) : undefined },
    ];
  });
}

/** A listening TCP socket or a bound UDP one. */
export interface ListeningSocket {
  readonly protocol: "tcp" | "udp";
  /** Canonical; `0.0.0.0` or `::` for all addresses. */
  readonly address: string;
  readonly port: number;
}

/** IPv6 addresses in /proc/net/tcp6 are four words, each in the machine's byte order. */
function addressOfWords(hex: string): string {
  if (hex.length === 8) return addressOfWord(hex);
  const bytes = Buffer.from(hex, "hex");
  return formatAddress(Uint8Array.from(bytes.swap32()));
}

/** TCP_LISTEN of net/tcp_states.h, and TCP_CLOSE: the state of a UDP socket without a peer. */
const stateListen = "0A";
const stateUnconnected = "07";

/** Sockets in /proc/net/{tcp,tcp6,udp,udp6} at which clients can arrive. */
export function parseListeners(text: string, protocol: "tcp" | "udp"): ListeningSocket[] {
  const wanted = protocol === "tcp" ? stateListen : stateUnconnected;
  return fields(text).flatMap(([, local = "", , state]) => {
    const match = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(local);
    if (match === null || state !== wanted) return [];
    const port = Number.parseInt(match[2]!, 16);
    return [{ protocol, address: addressOfWords(match[1]!), port }];
  });
}

/** State of a module by the texts modules.builtin and modules.dep of its kernel. */
export function findModule(
  name: string,
  { builtin, dependencies }: { readonly builtin: string; readonly dependencies: string },
): "present" | "loadable" | "missing" {
  // A file may be named with either sign.
  const pattern = new RegExp(`(?:^|/)${name.replaceAll(/[-_]/g, "[-_]")}\\.ko`, "m");
  if (pattern.test(builtin)) return "present";
  const files = dependencies.replaceAll(/:.*$/gm, "");
  return pattern.test(files) ? "loadable" : "missing";
}
