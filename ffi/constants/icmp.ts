/**
 * Numbers of ICMP sockets; headers linux/icmp.h, linux/icmpv6.h, linux/in.h.
 *
 * @module
 */

/** Level of {@link ICMP_FILTER}; the number of the raw protocol. */
export const SOL_RAW = 255;
export const ICMP_FILTER = 1;
export const ICMPV6_FILTER = 1;

export const ICMP_ECHOREPLY = 0;
export const ICMPV6_ECHO_REPLY = 129;
