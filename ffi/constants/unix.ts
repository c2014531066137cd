/**
 * Numbers of Unix sockets, in the kernel's spelling.
 *
 * Headers: linux/socket.h, linux/un.h, asm-generic/socket.h. The same on x86-64 and arm64.
 *
 * @module
 */

export const AF_UNIX = 1;
export const UNIX_PATH_MAX = 108;
export const SO_PEERCRED = 17;
