/**
 * Connections of the kernel's IPVS, read from /proc/net/ip_vs_conn.
 *
 * Source: net/netfilter/ipvs/ip_vs_conn.c (`ip_vs_conn_seq_show`); all numbers but the last are
 * hexadecimal, IPv6 addresses have eight groups:
 *
 * ```text
 * Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
 * TCP C0A80363 E659 C0A806F0 0050 C0A80602 0050 ESTABLISHED     899
 * ```
 *
 * A persistence entry has the client's port 0, and state NONE; that of a firewall mark has the
 * protocol IP, and the mark for a virtual address.
 *
 * @module
 */

import { open } from "node:fs/promises";

import { formatAddress, formatEndpoint } from "../../net/address.ts";
import type { Endpoint } from "../../net/address.ts";
import type { ConnectionEntry } from "../engine.ts";
import { serviceId } from "./table.ts";
import type { WantedService } from "./table.ts";

/** The kernel's list. */
export const connectionListPath = "/proc/net/ip_vs_conn";
/** How much is read at once, and in all: some 800,000 connections. */
const chunkBytes = 64 * 1024;
const listBytesMax = 64 * 1024 * 1024;

const placePattern = String.raw`([\dA-Fa-f:]+) +([\dA-F]{4})`;
const linePattern = new RegExp(
  String.raw`^(TCP|UDP|IP) +${placePattern} +${placePattern} +${placePattern} +(\S+) +(\d+)`,
);

function parsePlace(address: string, port: string): Endpoint | undefined {
  const digits = address.replaceAll(":", "");
  if (digits.length !== 8 && digits.length !== 32) return undefined;
  return { address: formatAddress(Uint8Array.fromHex(digits)), port: Number.parseInt(port, 16) };
}

/** One line of the list, without the service it belongs to; undefined: of another form. Pure. */
export function parseConnectionLine(line: string): Omit<ConnectionEntry, "service"> | undefined {
  const match = linePattern.exec(line);
  if (match === null) return undefined;
  const [, protocol, from, fromPort, to, toPort, target, targetPort, state, expires] = match;
  const client = parsePlace(from!, fromPort!);
  const virtual = parsePlace(to!, toPort!);
  const server = parsePlace(target!, targetPort!);
  if (client === undefined || virtual === undefined || server === undefined) return undefined;
  return {
    protocol: protocol === "UDP" ? "udp" : protocol === "IP" ? "ip" : "tcp",
    client,
    virtual,
    server,
    state: state!,
    expiresMs: Number(expires) * 1000,
  };
}

/** Tells whose a connection is. */
export type OwnerOf = (connection: Omit<ConnectionEntry, "service">) => string | undefined;

/**
 * Who owns a connection: by its virtual address and port, the service of all ports of the address,
 * else, for what only a firewall mark can have let in, by its real server. Pure.
 */
export function createOwnerOf(wanted: readonly WantedService[]): OwnerOf {
  const byService = new Map(wanted.map(({ key, owner }) => [serviceId(key), owner]));
  const byServer = new Map<string, string>();
  for (const { key, owner, destinations } of wanted) {
    if (key.type !== "fwmark") continue;
    for (const one of destinations) {
      byServer.set(one.key.address, owner);
      byServer.set(formatEndpoint(one.key), owner);
    }
  }
  const ofMark = (server: Endpoint): string | undefined =>
    byServer.get(formatEndpoint(server)) ?? byServer.get(server.address);
  return ({ protocol, virtual, server }) => {
    if (protocol === "ip") return ofMark(server);
    const { address, port } = virtual;
    return (
      byService.get(`${protocol} ${formatEndpoint({ address, port })}`) ??
      byService.get(`${protocol} ${formatEndpoint({ address, port: 0 })}`) ??
      ofMark(server)
    );
  };
}

/** Pieces of a file; nothing if there is none. */
async function* readChunks(path: string): AsyncGenerator<string> {
  let file;
  try {
    file = await open(path);
  } catch {
    return;
  }
  try {
    const buffer = new Uint8Array(chunkBytes);
    for (let total = 0; total < listBytesMax;) {
      const { bytesRead } = await file.read(buffer, 0, chunkBytes, null);
      if (bytesRead === 0) return;
      total += bytesRead;
      yield Buffer.from(buffer.subarray(0, bytesRead)).toString("latin1");
    }
  } finally {
    await file.close();
  }
}

/** At most `limit` connections that have an owner. */
export async function readConnections(
  ownerOf: OwnerOf,
  limit: number,
  path = connectionListPath,
): Promise<readonly ConnectionEntry[]> {
  const entries: ConnectionEntry[] = [];
  let rest = "";
  for await (const chunk of readChunks(path)) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      if (entries.length >= limit) return entries;
      const connection = parseConnectionLine(line);
      const service = connection && ownerOf(connection);
      if (service !== undefined) entries.push({ service, ...connection! });
    }
  }
  return entries;
}
