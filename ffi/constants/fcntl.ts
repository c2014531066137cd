/**
 * Numbers of fcntl(2), in the kernel's spelling.
 *
 * Header: asm-generic/fcntl.h. The same on x86-64 and arm64.
 *
 * @module
 */

export const F_OFD_SETLK = 37;
export const F_WRLCK = 1;
export const F_SETFD = 2;
export const F_SETFL = 4;
export const FD_CLOEXEC = 1;
