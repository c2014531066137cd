/**
 * What the program has to know of each real server. Pure.
 *
 * @module
 */

import type { ForwardingServer, ForwardingService } from "../../model/index.ts";
import { familyOf } from "../../net/address.ts";
import { encodeServer, serverFlag } from "./layout.ts";
import type { NumberedServer, NumberedService } from "./numbers.ts";
import { looksAtLoad } from "./slot-table.ts";
import type { Way } from "./ways.ts";

/** Largest packet of IP; the loopback takes one byte more. */
const packetMax = 65_535;
/** What ipip puts in front, by family of the real server. */
const tunnelBytes = { 4: 20, 6: 40 } as const;
/** A full server takes more again at this part of its upper threshold, unless told otherwise. */
const defaultLowerPart = 3 / 4;

/** A service with the ways to its servers. */
export interface PlannedService extends NumberedService {
  /** By number of the server; without one nothing is sent there. */
  readonly ways: ReadonlyMap<number, Way>;
}

/** What concerns all servers of a service. */
export interface ServerContext {
  readonly planned: PlannedService;
  /** See {@link leasePlace}. */
  readonly lease: number;
  /** Clients call a real address and port by several names. */
  readonly isShared: (server: ForwardingServer) => boolean;
}

/** Weight with which a server may get something new. */
export function effectiveWeight({ state, weight }: ForwardingServer): number {
  return state === "active" ? weight : 0;
}

/** True if the program has to count the connections of each server, or of all. */
export function needsLoads({ scheduler, servers, connectionLimit }: ForwardingService): boolean {
  return (
    looksAtLoad(scheduler) ||
    connectionLimit > 0 ||
    servers.some(({ upperThreshold }) => upperThreshold > 0)
  );
}

/** True if what it has goes on. */
function keepsFlows(service: ForwardingService, server: ForwardingServer): boolean {
  if (server.state === "reset") return false;
  if (server.state !== "down") return true;
  return service.protocol === "tcp" && service.onDown === "keep";
}

function flagsOf({ planned, isShared }: ServerContext, numbered: NumberedServer): number {
  const { server, index } = numbered;
  const { service } = planned;
  const way = planned.ways.get(index);
  const bits: Readonly<Record<keyof typeof serverFlag, boolean>> = {
    present: way !== undefined && keepsFlows(service, server),
    masq: service.forwarding === "masq",
    local: way?.isLocal === true,
    shared: service.forwarding === "masq" && isShared(server),
    fallback: server.role === "fallback",
    quiescent: effectiveWeight(server) === 0,
    ipip: service.forwarding === "ipip",
    counted: needsLoads(service) && !service.onePacket,
  };
  return Object.entries(serverFlag).reduce(
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- names are those of the bits.
    (flags, [name, bit]) => (bits[name as keyof typeof bits] ? flags | bit : flags),
    0,
  );
}

/** Largest packet that goes to a server, without what ipip puts in front of it. */
function mtuOf({ service }: PlannedService, server: ForwardingServer, way: Way): number {
  const mtu = Math.min(way.mtu, service.mtu ?? way.mtu, packetMax);
  return service.forwarding === "ipip" ? mtu - tunnelBytes[familyOf(server.address)] : mtu;
}

/** Value of `servers` for one of them. */
export function serverRecord(context: ServerContext, numbered: NumberedServer): Uint8Array {
  const { planned, lease } = context;
  const { server, index, generation } = numbered;
  const { upperThreshold: upper, lowerThreshold } = server;
  const way = planned.ways.get(index);
  return encodeServer({
    address: server.address,
    port: server.port,
    source: planned.service.forwarding === "ipip" ? way?.source : undefined,
    device: way?.device ?? 0,
    service: planned.id,
    generation,
    weight: effectiveWeight(server),
    flags: flagsOf(context, numbered),
    upper,
    lower: lowerThreshold > 0 ? lowerThreshold : Math.floor(upper * defaultLowerPart),
    mtu: way === undefined ? 0 : mtuOf(planned, server, way),
    lease,
  });
}

/** Value of `servers` for a number that nobody has: its generation stays. */
export function blankRecord(generation: number): Uint8Array {
  return encodeServer({
    address: "0.0.0.0",
    port: 0,
    device: 0,
    service: 0,
    generation,
    flags: 0,
    weight: 0,
    upper: 0,
    lower: 0,
    mtu: 0,
    lease: 0,
  });
}
