/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause
 *
 * A packet as far as its headers were read, what may become of it, the clock, and the lease of an
 * address.
 */
#ifndef APPLIANCE_BALANCER_PACKET_H
#define APPLIANCE_BALANCER_PACKET_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <stddef.h>

#include "balancer-maps.h"

#define PASS -1
#define DROP 2 /* TC_ACT_SHOT, TCX_DROP */

#define TCP_FIN 1
#define TCP_SYN 2
#define TCP_RST 4
#define TCP_ACK 16
#define TCP_CHECKSUM_OFFSET 16
#define UDP_CHECKSUM_OFFSET 6
#define PORTS_BYTES 4
#define FRAGMENT_MORE be16(0x2000)
#define FRAGMENT_OFFSET be16(0x1fff)
#define ICMP_UNREACHABLE 3
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETER 12
#define ICMP_BYTES 8
#define ICMP_CHECKSUM_OFFSET 2
#define ICMPV6 58
#define ICMPV6_ERROR_LAST 4

#define AF_INET 2
#define AF_INET6 10

/* A packet of a service, as far as its headers were read. */
struct packet {
	struct address source, destination;
	__u16 ports[2];
	__u16 header_bytes; /* IP header */
	__u8 protocol;
	__u8 tcp_flags;
	__u8 ttl;
	struct iphdr ip;
};

INLINE int drop(enum drop reason)
{
	__u32 index = reason;
	__u64 *value = bpf_map_lookup_elem(&drops, &index);

	if (value)
		*value += 1;
	return DROP;
}

INLINE __u32 now_s(void)
{
	return bpf_ktime_get_coarse_ns() / 1000000000ull;
}

/* True if the address is fenced and its lease does not run. */
INLINE int is_closed(const struct address *address, const int six)
{
	__u32 *instance = six ? bpf_map_lookup_elem(&addresses6, address->words)
			      : bpf_map_lookup_elem(&addresses4, &address->words[0]);
	struct lease *lease;

	if (!instance)
		return 0;
	lease = bpf_map_lookup_elem(&leases, instance);
	return !lease || lease->closings != lease->opened || lease->end_ns <= bpf_ktime_get_ns();
}

#endif
