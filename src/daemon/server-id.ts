/**
 * Identity of a real server: its service's name and `host:port` as configured. It outlives
 * reloads, restarts and changes of the address behind a name.
 *
 * Pure.
 *
 * @module
 */

import { formatEndpoint } from "../net/address.ts";

/** One real server of one service. */
export interface ServerRef {
  readonly service: string;
  /** `host:port` as configured. */
  readonly server: string;
}

/** `host:port` as configured; unique within a service. */
export function configuredKey(server: { readonly host: string; readonly port: number }): string {
  return formatEndpoint({ address: server.host, port: server.port });
}

/** One text for both, unique whatever services are called: no `host:port` has a line feed. */
export function serverId({ service, server }: ServerRef): string {
  return `${service}\n${server}`;
}

/** The other way round. */
export function parseServerId(id: string): ServerRef {
  const end = id.lastIndexOf("\n");
  return { service: id.slice(0, end), server: id.slice(end + 1) };
}
