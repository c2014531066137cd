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
/* Not the last word: take_ipv4() and take_ipv6() see to it, so that its code is there once. */
#define FORWARD 100 /* to packet.server */
#define TOO_BIG 101 /* the sender of the packet is to hear packet.mtu from packet.destination */

#define TCP_FIN 1
#define TCP_SYN 2
#define TCP_RST 4
#define TCP_ACK 16
#define TCP_CHECKSUM_OFFSET 16
#define UDP_CHECKSUM_OFFSET 6
#define UDP_BYTES 8
#define PORTS_BYTES 4
#define FRAGMENT_DONT be16(0x4000)
#define FRAGMENT_MORE be16(0x2000)
#define FRAGMENT_OFFSET be16(0x1fff)
#define ICMP_UNREACHABLE 3
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETER 12
#define ICMP_BYTES 8
#define ICMP_CHECKSUM_OFFSET 2
#define FRAGMENTATION_NEEDED 4
#define ICMPV6 58
#define ICMPV6_TOO_BIG 2
#define ICMPV6_ERROR_LAST 4
#define HOP_LIMIT 64

#define AF_INET 2
#define AF_INET6 10

/* A packet of a service, as far as its headers were read. */
struct packet {
	struct address source, destination;
	__u16 ports[2];
	__u16 header_bytes; /* IP header, of IPv6 with that of a fragment */
	__u8 protocol;
	__u8 tcp_flags;
	__u8 ttl;
	__u8 has_more;        /* a first fragment; others follow */
	__u8 transport_bytes; /* header of TCP or UDP; 0: not read */
	__u8 traffic_class;
	__u32 fragment_id;
	__u32 index; /* of the server that it goes to */
	__u32 mtu;
	const struct server *server;
	struct iphdr ip; /* IPv4 */
};

INLINE int drop(enum drop reason)
{
	__u32 index = reason;
	__u64 *value = bpf_map_lookup_elem(&drops, &index);

	if (value)
		*value += 1;
	return DROP;
}

/* The tick of the last packet, one a processor. */
struct clock {
	__u64 jiffies;
	__u32 tick;
};
MAP(clock, BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(struct clock), 1, 0);

/*
 * The clock of connections: 2^30 ns each, a shift where seconds were a division. It is read once for
 * all packets between two interrupts of the timer, as the coarse clock says the same all that time.
 */
INLINE __u32 now_ticks(void)
{
	const __u64 jiffies = bpf_jiffies64();
	const __u32 zero = 0;
	struct clock *known = bpf_map_lookup_elem(&clock, &zero);

	if (!known)
		return bpf_ktime_get_coarse_ns() >> 30;
	if (known->jiffies != jiffies) {
		known->jiffies = jiffies;
		known->tick = bpf_ktime_get_coarse_ns() >> 30;
	}
	return known->tick;
}

INLINE __u32 settings_now(void)
{
	const __u32 zero = 0;
	__u32 *value = bpf_map_lookup_elem(&settings, &zero);

	return value ? *value : 0;
}

/* True if a lease does not run, and its address is not just being handed over. */
INLINE int is_over(const struct lease *lease)
{
	__u64 now;

	if (!lease || lease->closings != lease->opened)
		return 1;
	now = bpf_ktime_get_ns();
	return lease->end_ns <= now && lease->drain_ns <= now;
}

/* True if the address is fenced and its lease does not run. */
INLINE int is_closed(const struct address *address, const int six)
{
	__u32 *instance = six ? bpf_map_lookup_elem(&addresses6, address->words)
			      : bpf_map_lookup_elem(&addresses4, &address->words[0]);

	return instance && is_over(bpf_map_lookup_elem(&leases, instance));
}

/* The same where it is known already what lease it is. */
INLINE int is_closed_by(__u32 lease, const struct address *address, const int six)
{
	__u32 instance = lease - LEASE_FIRST;

	if (lease == LEASE_NONE)
		return 0;
	if (lease == LEASE_OF_ADDRESS)
		return is_closed(address, six);
	return is_over(bpf_map_lookup_elem(&leases, &instance));
}

/*
 * True on a real server that is handing its address over: what begins now was sent here by the director
 * that has the address, and is for this host.
 */
INLINE int is_real_server_only(__u32 number, const struct address *address, const int six)
{
	__u32 known = number - LEASE_FIRST;
	__u32 *instance = &known;
	struct lease *lease;

	if (number == LEASE_NONE)
		return 0;
	if (number == LEASE_OF_ADDRESS)
		instance = six ? bpf_map_lookup_elem(&addresses6, address->words)
			       : bpf_map_lookup_elem(&addresses4, &address->words[0]);
	lease = instance ? bpf_map_lookup_elem(&leases, instance) : 0;
	return lease && (lease->flags & LEASE_REAL_SERVER) &&
	       lease->end_ns <= bpf_ktime_get_ns();
}

INLINE int is_opening(const struct packet *packet)
{
	return (packet->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

#endif
