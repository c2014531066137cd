/**
 * Golden VRRP packets: captured from keepalived 2.2.7 between two namespaces, and one of IPv6
 * computed by hand.
 *
 * @module
 */

import { parseAddress } from "../../../src/net/address.ts";
import type { Advertisement, Envelope } from "../../../src/vrrp/index.ts";

/** Addresses of an IP header, from text. */
export function ipv4(source: string, destination: string): Envelope {
  return { source: parseAddress(source)!, destination: parseAddress(destination)! };
}

/** One packet without its IP header, and what it says. */
export interface GoldenPacket {
  readonly hex: string;
  readonly family: 4 | 6;
  readonly envelope: Envelope;
  readonly fields: Partial<Advertisement>;
  readonly addresses: readonly string[];
}

const multicast = ipv4("10.77.0.1", "224.0.0.18");
const fromBackup = ipv4("10.77.0.2", "224.0.0.18");
const unicast = ipv4("10.77.0.1", "10.77.0.2");
const vip = "0a4d0064";

function v2(priority: number, password: string): Partial<Advertisement> {
  const authType = password === "" ? 0 : 1;
  const authData = new TextEncoder().encode(password.padEnd(8, "\0"));
  return { version: 2, vrid: 51, priority, intervalMs: 1000, authType, authData };
}

function v3(priority: number, intervalMs: number): Partial<Advertisement> {
  return { version: 3, vrid: 51, priority, intervalMs, authType: 0, dialect: "pseudo-header" };
}

type Row = readonly [name: string, packet: GoldenPacket];

function row(name: string, envelope: Envelope, fields: Partial<Advertisement>, hex: string): Row {
  const addresses = name.includes("two addresses") ? [vip, "0a4d0065"] : [vip];
  return [name, { hex, family: 4, envelope, fields, addresses }];
}

/** Every form that was captured, by name. */
export const goldenPackets: readonly Row[] = [
  row(
    "version 2 with a password",
    multicast,
    v2(150, "secret12"),
    "213396010101cf9a0a4d00647365637265743132",
  ),
  row(
    "version 2 with a password, the other director",
    fromBackup,
    v2(100, "secret12"),
    "213364010101019b0a4d00647365637265743132",
  ),
  row(
    "version 2 with a password, resigning",
    fromBackup,
    v2(0, "secret12"),
    "213300010101659b0a4d00647365637265743132",
  ),
  row(
    "version 2 without authentication",
    multicast,
    v2(150, ""),
    "2133960100013e190a4d00640000000000000000",
  ),
  row(
    "version 2 without authentication, resigning",
    multicast,
    v2(0, ""),
    "213300010001d4190a4d00640000000000000000",
  ),
  row("version 3, 1 s", multicast, v3(150, 1000), "31339601006442d90a4d0064"),
  row("version 3, 1 s, resigning", multicast, v3(0, 1000), "313300010064d8d90a4d0064"),
  row("version 3, 1 s, the other director", fromBackup, v3(100, 1000), "31336401006474d80a4d0064"),
  row("version 3, 10 ms", multicast, v3(150, 10), "313396010001433c0a4d0064"),
  row("version 3, 10 ms, resigning", fromBackup, v3(0, 10), "313300010001d93b0a4d0064"),
  row(
    "version 3 unicast, two addresses, 100 ms",
    unicast,
    v3(150, 100),
    "31339602000a0e400a4d00640a4d0065",
  ),
  row(
    "version 3 unicast, two addresses, resigning",
    unicast,
    v3(0, 100),
    "31330002000aa4400a4d00640a4d0065",
  ),
  [
    // Not captured. Sum of fe80::1, ff02::12, 112, 24 and the message without its checksum:
    // fe80+1 + ff02+12 + 70+18 + 3133+9601+0064 + fe80+64 = 3c499, folded c49c, inverted 3b63.
    "version 3 over IPv6",
    {
      hex: "3133960100643b63fe800000000000000000000000000064",
      family: 6,
      envelope: ipv4("fe80::1", "ff02::12"),
      fields: v3(150, 1000),
      addresses: ["fe800000000000000000000000000064"],
    },
  ],
];
