/**
 * The PROXY header that tells a real server who the client is.
 *
 * @module
 */

import { addressOf, libc } from "../../../ffi/libc.ts";
import { decodeSockaddr, sockaddrBytesMax } from "../../../ffi/sockaddr.ts";
import { encodeProxyV1, encodeProxyV2 } from "../../net/proxy-protocol.ts";
import type { FlowTable } from "./flow-table.ts";

interface SocketEnd {
  readonly address: Uint8Array;
  readonly port: number;
}

function readEnd(fd: number, isPeer: boolean): SocketEnd | undefined {
  const bytes = new Uint8Array(sockaddrBytesMax);
  const length = new Uint32Array([bytes.length]);
  const call = isPeer ? libc.getpeername : libc.getsockname;
  if (call(fd, addressOf(bytes), addressOf(length)) === -1) return undefined;
  return decodeSockaddr(bytes.subarray(0, length[0]));
}

/**
 * Header for the connection of `client`: its own address, or the one an accepted header named.
 * A client that is gone already gets the form without addresses.
 */
export function proxyHeaderFor(table: FlowTable, client: number): Uint8Array {
  const version = table.services[client]!.definition.sendProxy;
  const info = table.clients.get(client);
  const source = info ?? readEnd(client, true);
  const destination = info?.destination ?? readEnd(client, false);
  const flow =
    source === undefined || destination === undefined
      ? undefined
      : ({ transport: "tcp", source, destination } as const);
  return version === "v1" ? encodeProxyV1(flow) : encodeProxyV2(flow);
}
