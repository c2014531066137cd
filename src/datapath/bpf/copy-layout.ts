/**
 * What copies to another director read and write of the maps besides layout.ts: entries of
 * connections and of persistence, and the ring of ffi/bpf/balancer-events.h. Pure.
 *
 * @module
 */

import type { Endpoint } from "../../net/address.ts";
import type { ConnectionRecord } from "./layout.ts";
import { encodeReply, sizes, tickMs } from "./layout.ts";

/** EVENTS_BYTES. */
export const eventsBytes = 4 << 20;
/** EVENT_IS_READ, EVENT_LOST: indexes in `event_words`. */
export const eventWord = { isRead: 0, lost: 1 } as const;
/** TOLD. */
const told = 0x80;
const replyFlowBytes = 40;

/** A connection with what only its own host knows. */
export interface PlacedConnection extends ConnectionRecord {
  /** Interface towards the client; 0: not known. */
  readonly device: number;
}

/** Writes the value of a connection that the other director has told, so it is not told again. */
export function putConnection(view: DataView, offset: number, connection: PlacedConnection): void {
  view.setUint32(offset, connection.server, true);
  view.setUint32(offset + 4, connection.generation, true);
  view.setUint32(offset + 8, connection.seenMs / tickMs, true);
  view.setUint32(offset + 12, connection.device, true);
  view.setUint8(offset + 16, connection.state);
  view.setUint8(offset + 17, connection.state | told);
}

/** An address as bytes, and a port. */
export interface RawEndpoint {
  readonly address: Uint8Array;
  readonly port: number;
}

/** Key and value of `replies`: how answers of a shared real server to a client are called. */
export function encodeSharedReply(
  server: RawEndpoint,
  client: RawEndpoint,
  { virtual, protocol }: { readonly virtual: Endpoint; readonly protocol: number },
): readonly [key: Uint8Array, value: Uint8Array] {
  const key = new Uint8Array(replyFlowBytes);
  const view = new DataView(key.buffer);
  key.set(server.address, 0);
  key.set(client.address, 16);
  // A server without a port has that of the packet.
  view.setUint16(32, server.port === 0 ? virtual.port : server.port, false);
  view.setUint16(34, client.port, false);
  key[36] = protocol;
  return [key, encodeReply(virtual, 0)];
}

/** `struct persistent`: a client that stays with a server. */
export interface PersistentRecord {
  readonly server: number;
  readonly generation: number;
  /** On the monotonic clock, ms; the table has whole ticks. */
  readonly untilMs: number;
}

/** Key of `persistents`. @param client Masked as the service says. @param id Of the service. */
export function encodeClientKey(client: Uint8Array, id: number): Uint8Array {
  const bytes = new Uint8Array(sizes.persistents.key);
  bytes.set(client);
  new DataView(bytes.buffer).setUint32(16, id, true);
  return bytes;
}

/** Value of `persistents`. */
export function encodePersistent({ server, generation, untilMs }: PersistentRecord): Uint8Array {
  return new Uint8Array(Uint32Array.of(server, generation, untilMs / tickMs).buffer);
}

/** Reads a value of `persistents` at an offset. */
export function decodePersistent(view: DataView, offset: number): PersistentRecord {
  return {
    server: view.getUint32(offset, true),
    generation: view.getUint32(offset + 4, true),
    untilMs: view.getUint32(offset + 8, true) * tickMs,
  };
}
