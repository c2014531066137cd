/**
 * Who is at the other end of a Unix socket (SO_PEERCRED, unix(7)).
 *
 * ```text
 * struct ucred: pid i32 | uid u32 | gid u32                                        12 bytes
 * ```
 *
 * @module
 */

import { SOL_SOCKET } from "./constants/socket.ts";
import { SO_PEERCRED } from "./constants/unix.ts";
import { addressOf, libc } from "./libc.ts";

/** Uid that the peer of a connected Unix socket had when it connected; undefined for others. */
export function peerUid(fd: number): number | undefined {
  const credentials = new Uint32Array(3);
  const length = new Uint32Array([credentials.byteLength]);
  const result = libc.getsockopt(
    fd,
    SOL_SOCKET,
    SO_PEERCRED,
    addressOf(credentials),
    addressOf(length),
  );
  // Other sockets answer with the uid -1, which nobody has.
  return result === -1 || credentials[1] === 0xffff_ffff ? undefined : credentials[1];
}
