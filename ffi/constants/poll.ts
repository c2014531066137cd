/**
 * Numbers of poll(2); header asm-generic/poll.h.
 *
 * @module
 */

export const POLLIN = 0x1;
