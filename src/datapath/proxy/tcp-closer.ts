/**
 * Ends TCP connections: counters, persistence, log, descriptors.
 *
 * @module
 */

import { SO_LINGER, SOL_SOCKET } from "../../../ffi/constants/socket.ts";
import { addressOf, libc } from "../../../ffi/libc.ts";
import { formatAddress, formatEndpoint } from "../../net/address.ts";
import type { CloseCause, EngineListener } from "../engine.ts";
import { flag, kind } from "./flow-table.ts";
import type { FlowCloser, FlowTable } from "./flow-table.ts";
import { clientGarbageBytes } from "./garbage-meter.ts";
import type { GarbageMeter } from "./garbage-meter.ts";
import { processRow, processWord, serverWord } from "./layout.ts";
import type { PersistenceLink } from "./persistence-link.ts";
import type { PipePool } from "./pipe-pool.ts";
import type { WorkerServer } from "./worker-service.ts";

/** What the closer works with: parts of the same worker. */
export interface TcpCloserParts {
  readonly table: FlowTable;
  readonly pipes: PipePool;
  /** The worker's own counters. */
  readonly counters: Float64Array;
  readonly persistence: PersistenceLink;
  readonly tell: EngineListener;
  /** The worker's clock, ms. */
  readonly nowMs: () => number;
  readonly garbage: GarbageMeter;
  /** Brings the counters of a promoted pair up to date. */
  readonly settle: (client: number, server: number) => void;
}

/** `struct linger { 1, 0 }`: close(2) sends a RST and keeps nothing. */
const lingerZero = new Int32Array([1, 0]);
const lingerZeroAddress = addressOf(lingerZero);

/** Makes the close of `fd` a reset. */
export function resetOnClose(fd: number): void {
  libc.setsockopt(fd, SOL_SOCKET, SO_LINGER, lingerZeroAddress, lingerZero.byteLength);
}

/** The closer of one worker. */
export class TcpCloser implements FlowCloser {
  readonly #parts: TcpCloserParts;

  constructor(parts: TcpCloserParts) {
    this.#parts = parts;
  }

  closePair(fd: number, cause: CloseCause, reset: boolean): void {
    const { table, counters } = this.#parts;
    const isClient = (table.flags[fd]! & flag.client) !== 0;
    const client = isClient ? fd : table.peer[fd]!;
    const server = table.peer[client]!;
    const service = table.services[client]!;
    if ((table.flags[client]! & flag.promoted) !== 0) this.#parts.settle(client, server);
    service.countClosed(cause);
    service.addActive(-1);
    counters[processRow + processWord.open]! -= 1;
    this.#releaseServer(client, server);
    if (service.definition.connectionLog) this.#log(client, cause);
    table.tried.delete(client);
    if (table.clients.delete(client)) this.#parts.garbage.add(clientGarbageBytes);
    this.#discard(client, reset);
    if (server !== 0) this.#discard(server, reset);
  }

  /** Takes the connection off the server it was given to, if any. */
  #releaseServer(client: number, server: number): void {
    const { table, counters, persistence } = this.#parts;
    const given = table.servers[client];
    if (given === undefined) return;
    const half = ((table.flags[client]! | table.flags[server]!) & flag.readEnd) !== 0;
    counters[given.row + (half ? serverWord.inactive : serverWord.active)]! -= 1;
    const info = table.clients.get(client);
    if (info !== undefined) persistence.release(table.services[client]!, info.address, given);
  }

  /** Closes one side, with its pipe and what waited for it. */
  #discard(fd: number, reset: boolean): void {
    const { table, pipes } = this.#parts;
    if (table.pipeRead[fd]! > 0) pipes.release(fd);
    if (reset) resetOnClose(fd);
    libc.close(fd);
    table.clear(fd);
  }

  /** Closes the server's side of a connection whose connect failed, to try another one. */
  discardServerSide(client: number): void {
    const { table } = this.#parts;
    const server = table.peer[client]!;
    this.#releaseServer(client, server);
    table.peer[client] = 0;
    table.servers[client] = undefined;
    if (server !== 0) this.#discard(server, true);
  }

  #log(client: number, cause: CloseCause): void {
    const { table, tell, nowMs } = this.#parts;
    const service = table.services[client]!;
    const info = table.clients.get(client);
    if (info === undefined) return;
    const server = table.servers[client];
    tell({
      type: "connection-closed",
      service: service.name,
      client: formatEndpoint({ address: formatAddress(info.address), port: info.port }),
      serverKey: server?.key ?? "",
      cause,
      durationMs: Math.round(nowMs() - table.startedAtMs[client]!),
      bytesIn: table.bytes[client]!,
      bytesOut: table.bytes[table.peer[client]!]!,
    });
  }

  /** Resets every connection of `server`. */
  closeAllOf(server: WorkerServer, cause: CloseCause): void {
    const { table } = this.#parts;
    for (let fd = 0; fd < table.end; fd++) {
      if (table.kind[fd] !== kind.tcp || table.servers[fd] !== server) continue;
      if ((table.flags[fd]! & flag.client) === 0) continue;
      this.closePair(fd, cause, true);
    }
  }
}
