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
export const SOCK_SEQPACKET = 5;
export const SCM_RIGHTS = 1;
export const MSG_CTRUNC = 0x08;
export const MSG_CMSG_CLOEXEC = 0x40000000;
