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
 * A packet that is not dropped goes to the next program (TCX_NEXT and TC_ACT_UNSPEC are both -1).
 */
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <stddef.h>

#include "bpf-helpers.h"

#define PASS -1
#define DROP 2 /* TC_ACT_SHOT, TCX_DROP */

#define INSTANCES_MAX 256
#define ADDRESSES_MAX 4096
#define PEERS_MAX 64

/* Written by the director through mmap; layout in src/fence/layout.ts. */
struct lease {
	__u64 end_ns;   /* CLOCK_MONOTONIC; open before that ... */
	__u32 closings; /* ... and while nobody has closed it since it was opened: the guard counts */
	__u32 opened;   /* the number of closings that the owner knew of when it opened */
	__u32 flags;    /* LEASE_REAL_SERVER */
	__u32 unused[3];
};
#define LEASE_REAL_SERVER 1 /* this node is a real server of the same addresses too */

MAP(addresses4, BPF_MAP_TYPE_HASH, 4, 4, ADDRESSES_MAX, 0);  /* address -> instance */
MAP(addresses6, BPF_MAP_TYPE_HASH, 16, 4, ADDRESSES_MAX, 0);
MAP(leases, BPF_MAP_TYPE_ARRAY, 4, sizeof(struct lease), INSTANCES_MAX, BPF_F_MMAPABLE);
MAP(peers, BPF_MAP_TYPE_HASH, 8, 4, PEERS_MAX, 0);           /* MAC of the other director -> 1 */
MAP(counters, BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 16, 0);

/* Index of a counter: kind, + 3 at egress, + 6 if passed. */
enum kind { KIND_ARP, KIND_NEIGHBOUR, KIND_IP };
enum { COUNTER_PASSED = 6, COUNTER_FROM_PEER = 12, COUNTER_AS_REAL_SERVER = 13 };

#define ARP_REQUEST 1
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

INLINE int judge_ip(struct __sk_buff *skb, __u32 *instance, const int egress)
{
	struct lease *lease = bpf_map_lookup_elem(&leases, instance);
	__u64 mac = 0;

	if (!is_closed(lease))
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
	return instance ? judge_ip(skb, instance, egress) : PASS;
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
	return judge_ip(skb, instance, egress);
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
