/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause
 *
 * Packets that are larger than their way, and how their sender is told: nobody else does, since
 * what is redirected is forwarded by no router's code.
 */
#ifndef APPLIANCE_BALANCER_SIZE_H
#define APPLIANCE_BALANCER_SIZE_H

#include "balancer-rewrite.h"

/* A packet of that many bytes fits everywhere. */
#define SMALL_BYTES 576

/*
 * What is quoted of a packet behind its IP header: a header of TCP, or one of UDP and four bytes; of
 * what an error quotes itself, eight.
 */
#define QUOTED_TCP 20
#define QUOTED_UDP 12
#define QUOTED_LEAST 8

struct error4 {
	struct iphdr ip;
	__u8 type, code;
	__u16 checksum;
	__u16 unused, mtu;
	struct iphdr quoted;
	__u8 behind[QUOTED_TCP];
};

struct error6 {
	struct ipv6hdr ip;
	__u8 type, code;
	__u16 checksum;
	__u32 mtu;
	struct ipv6hdr quoted;
	__u8 behind[QUOTED_TCP];
};

/* What the checksum of ICMPv6 covers besides the message. */
struct pseudo6 {
	struct address source, destination;
	__u32 bytes, next;
};

/* The error under way, one a processor: too much for the stack. */
union told {
	struct error4 four;
	struct error6 six;
};
MAP(told, BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(union told), 1, 0);

/* All zero; 0: never. */
INLINE union told *new_told(void)
{
	const __u32 zero = 0;
	union told *error = bpf_map_lookup_elem(&told, &zero);

	if (error)
		__builtin_memset(error, 0, sizeof(*error));
	return error;
}

/* Bytes of IP of the largest packet that it is on the wire. */
INLINE __u32 packet_bytes(struct __sk_buff *skb, const struct packet *packet)
{
	if (skb->gso_size)
		return packet->header_bytes + packet->transport_bytes + skb->gso_size;
	return skb->len - ETH_HLEN;
}

/*
 * Puts an error of `bytes` in the place of the packet, of whose end `grown` bytes less may stay
 * than that. Not 0: cannot be.
 */
INLINE long replace(struct __sk_buff *skb, const void *error, __u32 bytes, __u32 grown)
{
	if (bpf_skb_change_tail(skb, ETH_HLEN + bytes - grown, 0))
		return -1;
	if (grown && bpf_skb_adjust_room(skb, grown, BPF_ADJ_ROOM_MAC, 0))
		return -1;
	return bpf_skb_store_bytes(skb, ETH_HLEN, error, bytes, BPF_F_RECOMPUTE_CSUM);
}

/* Completes an error that quotes `behind` bytes behind the header, and sends it. */
INLINE int send_error4(struct __sk_buff *skb, struct error4 *error, __u32 behind, __u32 grown,
		       __u32 device)
{
	const __u32 bytes = offsetof(struct error4, behind) + behind;
	struct iphdr *ip = &error->ip;

	ip->version = 4;
	ip->ihl = 5;
	ip->tot_len = be16((__u16)bytes);
	ip->ttl = HOP_LIMIT;
	ip->protocol = IPPROTO_ICMP;
	ip->check = ~fold_sum(bpf_csum_diff(0, 0, ip, sizeof(*ip), 0));
	error->checksum = ~fold_sum(bpf_csum_diff(0, 0, &error->type, bytes - sizeof(*ip), 0));
	if (replace(skb, error, bytes, grown))
		return drop(DROP_STORE);
	return bpf_redirect_neigh(device, 0, 0, 0);
}

INLINE int send_error6(struct __sk_buff *skb, struct error6 *error, __u32 behind, __u32 grown,
		       __u32 device)
{
	const __u32 bytes = offsetof(struct error6, behind) + behind;
	const __u32 message = bytes - sizeof(error->ip);
	struct pseudo6 pseudo = {.bytes = be32(message), .next = be32(ICMPV6)};
	struct ipv6hdr *ip = &error->ip;
	__u32 sum;

	ip->version = 6;
	ip->payload_len = be16((__u16)message);
	ip->nexthdr = ICMPV6;
	ip->hop_limit = HOP_LIMIT;
	__builtin_memcpy(&pseudo.source, &ip->saddr, 32);
	sum = bpf_csum_diff(0, 0, &pseudo, sizeof(pseudo), 0);
	error->checksum = ~fold_sum(bpf_csum_diff(0, 0, &error->type, message, sum));
	if (replace(skb, error, bytes, grown))
		return drop(DROP_STORE);
	return bpf_redirect_neigh(device, 0, 0, 0);
}

/*
 * Reads what an error quotes behind the header at `at`. A device may have yet to fill in the
 * checksum of the packet, and nobody tells: it will then do so in the error, by what is quoted of
 * the transport. So the last two bytes are made such that it writes what stands there already.
 */
INLINE long quote_behind(struct __sk_buff *skb, const struct packet *packet, __u8 *behind,
			 __u32 bytes)
{
	const int is_tcp = packet->protocol == IPPROTO_TCP;
	__u16 *checksum = (__u16 *)(behind + (is_tcp ? TCP_CHECKSUM_OFFSET : UDP_CHECKSUM_OFFSET));
	__u16 *last = (__u16 *)(behind + bytes - 2);

	if (bpf_skb_load_bytes(skb, ETH_HLEN + packet->header_bytes, behind, bytes))
		return -1;
	*last = 0;
	*last = ~fold_sum(fold_sum(bpf_csum_diff(0, 0, behind, bytes, 0)) + *checksum);
	return 0;
}

/* Tells the sender of a packet, where it wants to know, what size goes through: TOO_BIG. */
INLINE int refuse_size(struct __sk_buff *skb, const struct packet *packet, const int six)
{
	const __u32 behind = packet->protocol == IPPROTO_TCP ? QUOTED_TCP : QUOTED_UDP;
	union told *told = new_told();

	drop(DROP_TOO_BIG);
	if (!told)
		return DROP;
	if (six) {
		struct error6 *error = &told->six;

		error->type = ICMPV6_TOO_BIG;
		error->mtu = be32(packet->mtu);
		__builtin_memcpy(&error->ip.saddr, &packet->destination, 16);
		__builtin_memcpy(&error->ip.daddr, &packet->source, 16);
		if (packet->header_bytes != sizeof(error->quoted) ||
		    bpf_skb_load_bytes(skb, ETH_HLEN, &error->quoted, sizeof(error->quoted)) ||
		    quote_behind(skb, packet, error->behind, behind))
			return DROP;
		return send_error6(skb, error, behind, offsetof(struct error6, quoted),
				   skb->ifindex);
	} else {
		struct error4 *error = &told->four;

		error->type = ICMP_UNREACHABLE;
		error->code = FRAGMENTATION_NEEDED;
		error->mtu = be16((__u16)packet->mtu);
		error->ip.saddr = packet->destination.words[0];
		error->ip.daddr = packet->source.words[0];
		error->quoted = packet->ip;
		if (!(packet->ip.frag_off & FRAGMENT_DONT) || packet->ip.ihl != 5 ||
		    quote_behind(skb, packet, error->behind, behind))
			return DROP;
		return send_error4(skb, error, behind, offsetof(struct error4, quoted),
				   skb->ifindex);
	}
}

#endif
