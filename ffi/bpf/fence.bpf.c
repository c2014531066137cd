/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause
 *
 * The fence: drops whatever would make this node answer for a virtual address whose lease has
 * ended. Attached at TC ingress and egress of every device that has an IP layer (src/fence).
 *
 * Egress is what protects: ARP with the address as sender, a neighbour advertisement for it, IP
 * from it. Ingress keeps load away: questions for the address and IP to it. Claims of others come
 * in, and this node's own questions to the new owner go out, so that a backup hears the active
 * director and can be its client.
 *
 * A planned handover loses no connection. The director that gives the address up drains: it answers
 * no question for it any more, but IP passes until an end that the kernel knows. The new owner sends
 * on to it what belongs to a connection that it does not have itself: TCP without SYN, for a port
 * that a socket here listens at. Such a packet loses a hop, so that two that name each other end.
 *
 * A packet that is not dropped goes to the next program (TCX_NEXT and TC_ACT_UNSPEC are both -1).
 */
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <stddef.h>

#include "bpf-helpers.h"

#define PASS -1
#define DROP 2 /* TC_ACT_SHOT, TCX_DROP */

#define INSTANCES_MAX 256
#define ADDRESSES_MAX 4096
#define PEERS_MAX 64
#define HANDOVERS_MAX 1024

/* Written by the director through mmap; layout in src/fence/layout.ts. */
struct lease {
	__u64 end_ns;   /* CLOCK_MONOTONIC; open before that ... */
	__u32 closings; /* ... and while nobody has closed it since it was opened: the guard counts */
	__u32 opened;   /* the number of closings that the owner knew of when it opened */
	__u32 flags;    /* LEASE_... */
	__u32 unused;
	__u64 drain_ns; /* IP passes before that as well, if not closed; questions are not answered */
};
#define LEASE_REAL_SERVER 1 /* this node is a real server of the same addresses too */
#define LEASE_FORWARD 2     /* there are entries in `handovers` */

/* Where the director that had the address drains: its own address on this device. */
struct handover_key {
	__u32 instance, device;
};
struct handover {
	__u64 end_ns; /* nothing is sent on after that */
	__u32 family, unused;
	__u32 address[4];
};

MAP(addresses4, BPF_MAP_TYPE_HASH, 4, 4, ADDRESSES_MAX, 0);  /* address -> instance */
MAP(addresses6, BPF_MAP_TYPE_HASH, 16, 4, ADDRESSES_MAX, 0);
MAP(leases, BPF_MAP_TYPE_ARRAY, 4, sizeof(struct lease), INSTANCES_MAX, BPF_F_MMAPABLE);
MAP(peers, BPF_MAP_TYPE_HASH, 8, 4, PEERS_MAX, 0);           /* MAC of the other director -> 1 */
/* Devices come and go: the oldest entry makes room. */
MAP(handovers, BPF_MAP_TYPE_LRU_HASH, sizeof(struct handover_key), sizeof(struct handover),
    HANDOVERS_MAX, 0);
MAP(counters, BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 16, 0);

/* Index of a counter: kind, + 3 at egress, + 6 if passed. */
enum kind { KIND_ARP, KIND_NEIGHBOUR, KIND_IP };
enum {
	COUNTER_PASSED = 6,
	COUNTER_FROM_PEER = 12,
	COUNTER_AS_REAL_SERVER = 13,
	COUNTER_FORWARDED = 14,
};

#define ARP_REQUEST 1
#define AF_INET 2
#define AF_INET6 10
#define TCP 6
#define TCP_STATE_TIME_WAIT 6
#define TCP_STATE_LISTEN 10
#define FRAGMENT be16(0x3fff) /* more of them, or not the first */
#define ICMPV6 58
#define NEIGHBOUR_SOLICITATION 135
#define NEIGHBOUR_ADVERTISEMENT 136
#define FROM_MAC_HEADER 0
#define FROM_NETWORK_HEADER 1

struct arp_body {
	__u16 operation;
	__u8 sender_mac[6];
	__u32 sender;
	__u8 target_mac[6];
	__u32 target;
} __attribute__((packed));

INLINE void count(__u32 index)
{
	__u64 *value = bpf_map_lookup_elem(&counters, &index);

	if (value)
		*value += 1;
}

INLINE int pass(enum kind kind, const int egress)
{
	count(kind + (egress ? 3 : 0) + COUNTER_PASSED);
	return PASS;
}

INLINE int drop(enum kind kind, const int egress)
{
	count(kind + (egress ? 3 : 0));
	return DROP;
}

/* No lease: closed. */
INLINE int is_closed(const struct lease *lease)
{
	return !lease || lease->closings != lease->opened || lease->end_ns <= bpf_ktime_get_ns();
}

INLINE int is_instance_closed(__u32 *instance)
{
	return is_closed(bpf_map_lookup_elem(&leases, instance));
}

/* The address was handed over, and what comes here yet is served. */
INLINE int is_draining(const struct lease *lease)
{
	return lease && lease->closings == lease->opened && lease->drain_ns > bpf_ktime_get_ns();
}

/* Lowers TTL or hop limit. */
INLINE long lose_hop(struct __sk_buff *skb, const int six)
{
	const __u32 offset = ETH_HLEN + (six ? offsetof(struct ipv6hdr, hop_limit)
					     : offsetof(struct iphdr, ttl));
	/* TTL and protocol are one word of the checksum; in network order TTL is its low byte here. */
	__u16 word, next;
	__u8 hops;

	if (six) {
		if (bpf_skb_load_bytes(skb, offset, &hops, 1) || hops <= 1)
			return -1;
		hops -= 1;
		return bpf_skb_store_bytes(skb, offset, &hops, 1, 0);
	}
	if (bpf_skb_load_bytes(skb, offset, &word, 2) || (word & 0xff) <= 1)
		return -1;
	next = word - 1;
	if (bpf_l3_csum_replace(skb, ETH_HLEN + offsetof(struct iphdr, check), word, next, 2))
		return -1;
	return bpf_skb_store_bytes(skb, offset, &next, 2, 0);
}

/*
 * True if a packet is of a TCP connection that is not one of this node, which listens there. The
 * end of a handshake by SYN cookie is one of this node, though no socket knows of it yet. What is
 * left of a connection that was closed here is none: the client has used its port again, with the
 * director that drains.
 */
INLINE int is_of_other(struct __sk_buff *skb, const int six)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *socket;
	struct ipv6hdr ip6 = {};
	struct iphdr ip4 = {};
	struct tcphdr tcp;
	__u32 offset = sizeof(ip6);
	int is_other;

	if (six) {
		if (bpf_skb_load_bytes_relative(skb, 0, &ip6, sizeof(ip6), FROM_NETWORK_HEADER) ||
		    ip6.nexthdr != TCP)
			return 0;
		__builtin_memcpy(tuple.ipv6.saddr, &ip6.saddr, 32);
	} else {
		if (bpf_skb_load_bytes_relative(skb, 0, &ip4, sizeof(ip4), FROM_NETWORK_HEADER) ||
		    ip4.protocol != TCP || (ip4.frag_off & FRAGMENT))
			return 0;
		offset = ip4.ihl * 4;
		tuple.ipv4.saddr = ip4.saddr;
		tuple.ipv4.daddr = ip4.daddr;
	}
	if (bpf_skb_load_bytes_relative(skb, offset, &tcp, sizeof(tcp), FROM_NETWORK_HEADER) ||
	    tcp.syn)
		return 0;
	/* The ports of both sides stand side by side in packet and tuple. */
	__builtin_memcpy(six ? &tuple.ipv6.sport : &tuple.ipv4.sport, &tcp, 4);
	socket = bpf_skc_lookup_tcp(skb, &tuple, six ? sizeof(tuple.ipv6) : sizeof(tuple.ipv4),
				    BPF_F_CURRENT_NETNS, 0);
	if (!socket)
		return 0;
	is_other = socket->state == TCP_STATE_TIME_WAIT ||
		   (socket->state == TCP_STATE_LISTEN &&
		    (six ? bpf_tcp_check_syncookie(socket, &ip6, sizeof(ip6), &tcp, sizeof(tcp))
			 : bpf_tcp_check_syncookie(socket, &ip4, sizeof(ip4), &tcp, sizeof(tcp))));
	bpf_sk_release(socket);
	return is_other;
}

/* To the director that drains; PASS if the packet is this node's own. */
INLINE int forward(struct __sk_buff *skb, __u32 *instance, const int six)
{
	struct handover_key key = {*instance, skb->ifindex};
	struct handover *handover = bpf_map_lookup_elem(&handovers, &key);
	struct bpf_redir_neigh hop = {};

	if (!handover || handover->end_ns <= bpf_ktime_get_ns() || !is_of_other(skb, six))
		return PASS;
	hop.nh_family = six ? AF_INET6 : AF_INET;
	if (handover->family != hop.nh_family)
		return PASS;
	__builtin_memcpy(hop.ipv6_nh, handover->address, 16);
	if (lose_hop(skb, six))
		return DROP;
	count(COUNTER_FORWARDED);
	return bpf_redirect_neigh(skb->ifindex, &hop, sizeof(hop), 0);
}

INLINE int judge_ip(struct __sk_buff *skb, __u32 *instance, const int egress, const int six)
{
	struct lease *lease = bpf_map_lookup_elem(&leases, instance);
	__u64 mac = 0;
	int verdict;

	if (!is_closed(lease)) {
		if (!egress && lease && (lease->flags & LEASE_FORWARD)) {
			verdict = forward(skb, instance, six);
			if (verdict != PASS)
				return verdict;
		}
		return pass(KIND_IP, egress);
	}
	if (is_draining(lease))
		return pass(KIND_IP, egress);
	/* A real server on the backup: what the active director forwards comes in, answers go out. */
	if (!lease || !(lease->flags & LEASE_REAL_SERVER))
		return drop(KIND_IP, egress);
	if (egress) {
		count(COUNTER_AS_REAL_SERVER);
		return PASS;
	}
	if (!bpf_skb_load_bytes_relative(skb, ETH_ALEN, &mac, ETH_ALEN, FROM_MAC_HEADER) &&
	    bpf_map_lookup_elem(&peers, &mac)) {
		count(COUNTER_FROM_PEER);
		return PASS;
	}
	return drop(KIND_IP, egress);
}

INLINE int judge_ipv4(struct __sk_buff *skb, const int egress)
{
	const __u32 offset = egress ? offsetof(struct iphdr, saddr) : offsetof(struct iphdr, daddr);
	__u32 address;
	__u32 *instance;

	if (bpf_skb_load_bytes_relative(skb, offset, &address, 4, FROM_NETWORK_HEADER))
		return PASS;
	instance = bpf_map_lookup_elem(&addresses4, &address);
	return instance ? judge_ip(skb, instance, egress, 0) : PASS;
}

INLINE int judge_arp(struct __sk_buff *skb, const int egress)
{
	struct arp_body arp;
	__u32 sender, target;
	__u32 *instance;
	int names_address = 0;

	if (bpf_skb_load_bytes_relative(skb, 6, &arp, sizeof(arp), FROM_NETWORK_HEADER))
		return PASS;
	sender = arp.sender;
	target = arp.target;
	instance = bpf_map_lookup_elem(&addresses4, &sender);
	if (instance) {
		names_address = 1;
		if (egress && is_instance_closed(instance))
			return drop(KIND_ARP, egress);
	}
	instance = bpf_map_lookup_elem(&addresses4, &target);
	if (instance) {
		names_address = 1;
		/* A request from the address for itself is an announcement, not a question. */
		if (!egress && arp.operation == be16(ARP_REQUEST) && sender != target &&
		    is_instance_closed(instance))
			return drop(KIND_ARP, egress);
	}
	return names_address ? pass(KIND_ARP, egress) : PASS;
}

/* The type of a neighbour solicitation or advertisement, 0 for everything else. */
INLINE __u8 neighbour_type(struct __sk_buff *skb)
{
	__u8 next_header, type;

	if (bpf_skb_load_bytes_relative(skb, offsetof(struct ipv6hdr, nexthdr), &next_header, 1,
					FROM_NETWORK_HEADER) ||
	    next_header != ICMPV6)
		return 0;
	if (bpf_skb_load_bytes_relative(skb, sizeof(struct ipv6hdr), &type, 1, FROM_NETWORK_HEADER))
		return 0;
	return type == NEIGHBOUR_SOLICITATION || type == NEIGHBOUR_ADVERTISEMENT ? type : 0;
}

INLINE int judge_neighbour(struct __sk_buff *skb, const int egress)
{
	const __u8 dropped = egress ? NEIGHBOUR_ADVERTISEMENT : NEIGHBOUR_SOLICITATION;
	const __u8 type = neighbour_type(skb);
	__u32 target[4];
	__u32 *instance;

	if (!type)
		return PASS;
	if (bpf_skb_load_bytes_relative(skb, sizeof(struct ipv6hdr) + 8, target, 16,
					FROM_NETWORK_HEADER))
		return PASS;
	instance = bpf_map_lookup_elem(&addresses6, target);
	if (!instance)
		return PASS;
	if (type == dropped && is_instance_closed(instance))
		return drop(KIND_NEIGHBOUR, egress);
	return pass(KIND_NEIGHBOUR, egress);
}

INLINE int judge_ipv6(struct __sk_buff *skb, const int egress)
{
	const __u32 offset =
		egress ? offsetof(struct ipv6hdr, saddr) : offsetof(struct ipv6hdr, daddr);
	__u32 address[4];
	__u32 *instance;

	if (bpf_skb_load_bytes_relative(skb, offset, address, 16, FROM_NETWORK_HEADER))
		return PASS;
	instance = bpf_map_lookup_elem(&addresses6, address);
	if (!instance)
		return judge_neighbour(skb, egress);
	/* A question from the address tells neighbours where it is; a real server may not, either. */
	if (egress && neighbour_type(skb) && is_instance_closed(instance))
		return drop(KIND_NEIGHBOUR, egress);
	return judge_ip(skb, instance, egress, 1);
}

INLINE int judge(struct __sk_buff *skb, const int egress)
{
	switch (skb->protocol) {
	case be16(ETH_P_IP):
		return judge_ipv4(skb, egress);
	case be16(ETH_P_ARP):
		return judge_arp(skb, egress);
	case be16(ETH_P_IPV6):
		return judge_ipv6(skb, egress);
	default:
		return PASS;
	}
}

SECTION("tc_ingress") int fence_ingress(struct __sk_buff *skb)
{
	return judge(skb, 0);
}

SECTION("tc_egress") int fence_egress(struct __sk_buff *skb)
{
	return judge(skb, 1);
}

char object_license[] SECTION("license") = "Dual BSD/GPL";
