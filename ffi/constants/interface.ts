/**
 * Numbers of network interfaces and packet sockets, in the kernel's spelling.
 *
 * Headers: linux/sockios.h, linux/if.h, linux/if_arp.h, linux/if_ether.h, linux/if_packet.h,
 * asm-generic/socket.h, linux/in6.h, netinet/icmp6.h. The same on x86-64 and arm64.
 *
 * @module
 */

export const SIOCGIFCONF = 0x8912;
export const SIOCGIFFLAGS = 0x8913;
export const SIOCSIFFLAGS = 0x8914;
export const SIOCSIFADDR = 0x8916;
export const SIOCGIFNETMASK = 0x891b;
export const SIOCSIFNETMASK = 0x891c;
export const SIOCGIFHWADDR = 0x8927;
export const SIOCGIFINDEX = 0x8933;
export const SIOCDIFADDR = 0x8936;

export const IFNAMSIZ = 16;
export const IFF_UP = 0x1;
export const IFF_LOOPBACK = 0x8;
export const IFF_NOARP = 0x80;
export const ARPHRD_ETHER = 1;

export const AF_PACKET = 17;
export const ETH_P_ARP = 0x0806;

export const SO_BINDTODEVICE = 25;
export const IPV6_MULTICAST_HOPS = 18;
export const ND_NEIGHBOR_ADVERT = 136;
