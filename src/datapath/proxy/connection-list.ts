/**
 * Live connections of one worker, read off its table for `list --connections`.
 *
 * @module
 */

import { addressOf, libc } from "../../../ffi/libc.ts";
import { decodeSockaddr, sockaddrBytesMax } from "../../../ffi/sockaddr.ts";
import { formatAddress } from "../../net/address.ts";
import type { Endpoint } from "../../net/address.ts";
import type { ConnectionEntry } from "../engine.ts";
import { flag, kind } from "./flow-table.ts";
import type { FlowTable } from "./flow-table.ts";

const bytes = new Uint8Array(sockaddrBytesMax);
const length = new Uint32Array(1);

function clientEndpoint(table: FlowTable, client: number): Endpoint | undefined {
  const info = table.clients.get(client);
  if (info !== undefined) return { address: formatAddress(info.address), port: info.port };
  length[0] = bytes.length;
  if (libc.getpeername(client, addressOf(bytes), addressOf(length)) === -1) return undefined;
  const end = decodeSockaddr(bytes);
  return end === undefined ? undefined : { address: formatAddress(end.address), port: end.port };
}

/** State in the words of `ipvsadm -L -c`. */
function stateOf(table: FlowTable, client: number): string {
  const server = table.peer[client]!;
  if (server === 0 || (table.flags[server]! & flag.connecting) !== 0) return "SYN_RECV";
  const flags = table.flags[client]! | table.flags[server]!;
  return (flags & flag.readEnd) === 0 ? "ESTABLISHED" : "FIN_WAIT";
}

function describe(table: FlowTable, fd: number, nowMs: number): ConnectionEntry | undefined {
  const client = clientEndpoint(table, fd);
  const listener = table.listeners[fd];
  const service = table.services[fd];
  if (client === undefined || listener === undefined || service === undefined) return undefined;
  const server = table.servers[fd];
  const isUdp = table.kind[fd] === kind.udp;
  const { udpIdleMs, idleMs } = service.definition.timeouts;
  const lastMs = Math.max(table.activeAtDs[fd]!, table.activeAtDs[table.peer[fd]!]!) * 100;
  return {
    service: service.name,
    protocol: isUdp ? "udp" : "tcp",
    client,
    virtual: { address: listener.addressText, port: listener.port },
    server: { address: server?.address ?? "0.0.0.0", port: server?.port ?? 0 },
    state: isUdp ? "UDP" : stateOf(table, fd),
    expiresMs: Math.max(0, lastMs + (isUdp ? udpIdleMs : idleMs) - nowMs),
  };
}

/** At most `limit` connections; those whose client is gone already are left out. */
export function listConnections(
  table: FlowTable,
  limit: number,
  nowMs: number,
): readonly ConnectionEntry[] {
  const entries: ConnectionEntry[] = [];
  for (let fd = 0; fd < table.end && entries.length < limit; fd++) {
    if ((table.flags[fd]! & flag.client) === 0) continue;
    const entry = describe(table, fd, nowMs);
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}
