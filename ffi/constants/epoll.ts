/**
 * Numbers of epoll(7) and eventfd(2); headers linux/eventpoll.h, linux/eventfd.h.
 *
 * @module
 */

export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;

export const EPOLLIN = 0x1;
export const EPOLLOUT = 0x4;
export const EPOLLERR = 0x8;
export const EPOLLHUP = 0x10;
export const EPOLLRDHUP = 0x2000;
/** Edge triggered; written signed, because epoll masks travel through Int32Array. */
export const EPOLLET = -0x8000_0000;

export const EPOLL_CLOEXEC = 0o2000000;
export const EFD_CLOEXEC = 0o2000000;
export const EFD_NONBLOCK = 0o4000;
