/**
 * Numbers of sock_diag(7) for TCP, in the kernel's spelling.
 *
 * Headers: linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h, net/tcp_states.h.
 *
 * @module
 */

export const NETLINK_SOCK_DIAG = 4;
export const SOCK_DIAG_BY_FAMILY = 20;

export const TCP_ESTABLISHED = 1;
export const TCP_SYN_RECV = 3;
export const TCP_FIN_WAIT1 = 4;
export const TCP_FIN_WAIT2 = 5;
export const TCP_CLOSE_WAIT = 8;
export const TCP_LAST_ACK = 9;
export const TCP_CLOSING = 11;
