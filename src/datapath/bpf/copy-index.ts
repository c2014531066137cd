/**
 * Which service and which real server of this director a connection of the other one belongs to:
 * only what is configured here, and forwarded, counts. Pure.
 *
 * @module
 */

import { parseAddress } from "../../net/address.ts";
import type { AddressWidth, PortionReader } from "./connection-codec.ts";
import { recordOffset } from "./connection-codec.ts";
import type { PlannedService } from "./server-records.ts";

/** Endpoints that are remembered once found; a portion has less. */
const knownMax = 65_536;

/** A real server, by its number on this host. */
export interface CopyServer {
  readonly index: number;
  readonly generation: number;
  readonly address: Uint8Array;
  readonly port: number;
  readonly isFallback: boolean;
  readonly planned: PlannedService;
}

/** A service with its real servers. */
export interface CopyService {
  readonly planned: PlannedService;
  /** By address, port and role. */
  readonly servers: ReadonlyMap<number | string, CopyServer>;
}

interface Listen {
  readonly isUdp: boolean;
  readonly portFirst: number;
  readonly portLast: number;
  readonly service: CopyService;
}

/**
 * Tells endpoints apart by an address at `offset`, a port and a flag; of IPv4 by a number below
 * 2^49, which is found faster than a text.
 */
export function endpointKey(
  bytes: Uint8Array,
  offset: number,
  { width, port, flag }: { width: AddressWidth; port: number; flag: boolean },
): number | string {
  const low = port * 2 + Number(flag);
  if (width === 16) return `${bytes.subarray(offset, offset + width).toHex()} ${low}`;
  const high = bytes[offset]! * 0x1000000 + (bytes[offset + 1]! << 16);
  return (high + (bytes[offset + 2]! << 8) + bytes[offset + 3]!) * 0x20000 + low;
}

function serversOf(planned: PlannedService): Map<number | string, CopyServer> {
  const servers = new Map<number | string, CopyServer>();
  for (const { server, index, generation } of planned.servers) {
    const address = parseAddress(server.address)!;
    const { port } = server;
    const isFallback = server.role === "fallback";
    const width = address.length === 4 ? 4 : 16;
    const key = endpointKey(address, 0, { width, port, flag: isFallback });
    servers.set(key, { index, generation, address, port, isFallback, planned });
  }
  return servers;
}

/** What is forwarded here, to be found by what a record says. */
export class CopyIndex {
  /** By number of the server. */
  readonly servers = new Map<number, CopyServer>();
  /** By virtual address, hex. */
  readonly #listens = new Map<string, Listen[]>();
  /** Endpoints found so far. */
  readonly #known = new Map<number | string, CopyService | undefined>();

  constructor(services: readonly PlannedService[]) {
    for (const planned of services) {
      const service = { planned, servers: serversOf(planned) };
      for (const server of service.servers.values()) this.servers.set(server.index, server);
      const isUdp = planned.service.protocol === "udp";
      for (const { address, portFirst, portLast } of planned.service.listen) {
        const hex = parseAddress(address)!.toHex();
        const listens = this.#listens.get(hex) ?? [];
        listens.push({ isUdp, portFirst, portLast, service });
        this.#listens.set(hex, listens);
      }
    }
  }

  /** Virtual addresses. */
  get addresses(): Uint8Array[] {
    return Array.from(this.#listens.keys(), (hex) => Uint8Array.fromHex(hex));
  }

  /** The real server of a record; undefined: there is none here. */
  find(reader: PortionReader, at: number): CopyServer | undefined {
    const { bytes, width } = reader;
    const port = reader.port(at, recordOffset.serverPort);
    const offset = at + recordOffset.addresses + 2 * width;
    const flag = reader.isFallback(at);
    return this.#service(reader, at)?.servers.get(
      endpointKey(bytes, offset, { width, port, flag }),
    );
  }

  #service(reader: PortionReader, at: number): CopyService | undefined {
    const { bytes, width } = reader;
    const port = reader.port(at, recordOffset.virtualPort);
    const flag = reader.isUdp(at);
    const offset = at + recordOffset.addresses + width;
    const key = endpointKey(bytes, offset, { width, port, flag });
    const known = this.#known.get(key);
    if (known !== undefined || this.#known.has(key)) return known;
    const listens = this.#listens.get(bytes.subarray(offset, offset + width).toHex()) ?? [];
    const listen = listens.find(({ isUdp, portFirst, portLast }) => {
      return isUdp === flag && portFirst <= port && port <= portLast;
    });
    if (this.#known.size >= knownMax) this.#known.clear();
    this.#known.set(key, listen?.service);
    return listen?.service;
  }
}
