/**
 * State of every descriptor of one proxy worker, as flat arrays indexed by the descriptor.
 *
 * Flat arrays keep a connection at about 160 bytes of the program's memory and the hot loop free
 * of allocation. The arrays span all descriptors the process may have; pages that no descriptor
 * of this worker touched are not resident. Owned by one thread.
 *
 * @module
 */

import type { CloseCause } from "../engine.ts";
import type { WorkerServer, WorkerService } from "./worker-service.ts";

/** What a descriptor is for. */
export const kind = { none: 0, wake: 1, tcpListener: 2, udpListener: 3, tcp: 4, udp: 5 } as const;

/** Bits of {@link FlowTable.flags}. */
export const flag = {
  /** connect(2) is under way. */
  connecting: 1,
  /** The end of the stream was read from this descriptor. */
  readEnd: 2,
  /** This is the client's side. */
  client: 4,
  /** Waits for the client's PROXY header. */
  header: 8,
  /** EPOLLOUT is watched. */
  watchesOut: 16,
  /** A server's side that was sent something: the next small segment needs TCP_NODELAY. */
  sentBefore: 32,
  /** Handed to the kernel's sockmap; user space only waits for the end of the stream. */
  promoted: 64,
  /** TCP_NODELAY is set. */
  noDelay: 256,
} as const;

/** Where clients connect to. */
export interface Listener {
  readonly fd: number;
  readonly service: WorkerService;
  /** Network order; all zero for a wildcard. */
  readonly addressBytes: Uint8Array;
  readonly addressText: string;
  readonly addressWord: number;
  readonly port: number;
  readonly isWildcard: boolean;
}

/** Who a client is, kept only for services that ask for it after the accept. */
export interface ClientInfo {
  /** 4 or 16 bytes; that of the PROXY header where one was accepted. */
  readonly address: Uint8Array;
  readonly port: number;
  /** Where the client connected to, if a PROXY header said so. */
  readonly destination: { readonly address: Uint8Array; readonly port: number } | undefined;
}

/** Arrays indexed by descriptor. A field marked "pair" is kept at the client's descriptor. */
export class FlowTable {
  readonly kind: Uint8Array;
  readonly flags: Uint16Array;
  /** Rises each time the descriptor gets a new meaning; also in the event's data. */
  readonly generation: Int32Array;
  /** The other side; 0: none yet. */
  readonly peer: Int32Array;
  /** Worker time of the last event, in tenths of a second. */
  readonly activeAtDs: Int32Array;
  /** Bytes received from this descriptor. */
  readonly bytes: Float64Array;
  /** Bytes sent back to the client of a UDP flow, whose one descriptor serves both ways. */
  readonly bytesBack: Float64Array;
  /** Worker time of the accept or connect, ms. */
  readonly startedAtMs: Float64Array;
  /** Pipe that holds data on its way *to* this descriptor; 0: none. */
  readonly pipeRead: Int32Array;
  readonly pipeWrite: Int32Array;
  readonly pipeBytes: Int32Array;
  readonly pendingOffset: Int32Array;
  /** Transfers that were small and whole; decides about promotion. */
  readonly transfers: Uint8Array;
  /** Data on its way to this descriptor that the kernel did not take yet. */
  readonly pending: (Uint8Array | undefined)[] = [];
  readonly services: (WorkerService | undefined)[] = [];
  readonly servers: (WorkerServer | undefined)[] = [];
  /** Pair. */
  readonly listeners: (Listener | undefined)[] = [];
  /** Pair; by descriptor and sparse, because few connections need it. */
  readonly clients = new Map<number, ClientInfo>();
  /** Pair: servers that could not be connected, for connections that are being retried. */
  readonly tried = new Map<number, WorkerServer[]>();
  /** Highest descriptor ever used plus one: bounds a sweep. */
  end = 0;

  /** @param descriptorsMax RLIMIT_NOFILE. */
  constructor(descriptorsMax: number) {
    this.kind = new Uint8Array(descriptorsMax);
    this.flags = new Uint16Array(descriptorsMax);
    this.generation = new Int32Array(descriptorsMax);
    this.peer = new Int32Array(descriptorsMax);
    this.activeAtDs = new Int32Array(descriptorsMax);
    this.bytes = new Float64Array(descriptorsMax);
    this.bytesBack = new Float64Array(descriptorsMax);
    this.startedAtMs = new Float64Array(descriptorsMax);
    this.pipeRead = new Int32Array(descriptorsMax);
    this.pipeWrite = new Int32Array(descriptorsMax);
    this.pipeBytes = new Int32Array(descriptorsMax);
    this.pendingOffset = new Int32Array(descriptorsMax);
    this.transfers = new Uint8Array(descriptorsMax);
  }

  /** Begins a new meaning of a descriptor. @returns Its generation. */
  open(fd: number, kindOfFd: number, flags: number): number {
    while (this.end <= fd) {
      this.end += 1;
      this.pending.push(undefined);
      this.services.push(undefined);
      this.servers.push(undefined);
      this.listeners.push(undefined);
    }
    this.kind[fd] = kindOfFd;
    this.flags[fd] = flags;
    this.peer[fd] = 0;
    this.bytes[fd] = 0;
    this.bytesBack[fd] = 0;
    this.pipeBytes[fd] = 0;
    this.pendingOffset[fd] = 0;
    this.transfers[fd] = 0;
    const generation = (this.generation[fd]! + 1) | 0;
    this.generation[fd] = generation;
    return generation;
  }

  /** Forgets what a descriptor meant; the caller closes it and has given its pipe back. */
  clear(fd: number): void {
    this.kind[fd] = kind.none;
    this.flags[fd] = 0;
    this.peer[fd] = 0;
    this.generation[fd]! += 1;
    this.pending[fd] = undefined;
    this.services[fd] = undefined;
    this.servers[fd] = undefined;
    this.listeners[fd] = undefined;
  }
}

/** Ends both sides of a connection; whoever moves or times it asks for that. */
export interface FlowCloser {
  /** Closes the pair `fd` belongs to. `reset`: by RST, because data may be missing. */
  closePair(fd: number, cause: CloseCause, reset: boolean): void;
}
