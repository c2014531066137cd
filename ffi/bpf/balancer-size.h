/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause
 *
 * Packets that are larger than their way, and how their sender is told: nobody else does, since
 * what is redirected is forwarded by no router's code.
 */
#ifndef APPLIANCE_BALANCER_SIZE_H
#define APPLIANCE_BALANCER_SIZE_H

#include "balancer-rewrite.h"

/* Of a packet that is quoted: its header, and the first eight bytes behind. */
#define QUOTED4_BYTES 28
#define QUOTED6_BYTES 48
/* A packet of that many bytes fits everywhere. */
#define SMALL_BYTES 576

struct error4 {
	struct iphdr ip;
	__u8 type, code;
	__u16 checksum;
	__u16 unused, mtu;
	__u8 quoted[QUOTED4_BYTES];
};

struct error6 {
	struct ipv6hdr ip;
	__u8 type, code;
	__u16 checksum;
	__u32 mtu;
	__u8 quoted[QUOTED6_BYTES];
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

/* Makes the packet short, so that `bytes` more fit in front of it. Not 0: cannot be. */
INLINE long make_room(struct __sk_buff *skb, __u32 left, __u32 bytes)
{
	/* A device that is yet to fill in a checksum of the packet wants its place in it. */
	if (skb->len > left && bpf_skb_change_tail(skb, left, 0))
		return -1;
	return bpf_skb_adjust_room(skb, bytes, BPF_ADJ_ROOM_MAC, 0);
}

/*
 * Sends an ICMP error from one address to the other, out of the interface `device`. It is put in
 * front of the packet, which becomes padding behind it: whatever a device does with checksums of
 * the packet does nothing to the error.
 */
INLINE int send_error4(struct __sk_buff *skb, struct error4 *error, __u32 left, __u32 device)
{
	struct iphdr *ip = &error->ip;

	ip->version = 4;
	ip->ihl = 5;
	ip->tot_len = be16(sizeof(*error));
	ip->ttl = HOP_LIMIT;
	ip->protocol = IPPROTO_ICMP;
	ip->check = ~fold_sum(bpf_csum_diff(0, 0, ip, sizeof(*ip), 0));
	error->checksum = ~fold_sum(
		bpf_csum_diff(0, 0, &error->type, sizeof(*error) - sizeof(*ip), 0));
	if (make_room(skb, left, sizeof(*error)) ||
	    bpf_skb_store_bytes(skb, ETH_HLEN, error, sizeof(*error), BPF_F_RECOMPUTE_CSUM))
		return drop(DROP_STORE);
	return bpf_redirect_neigh(device, 0, 0, 0);
}

INLINE int send_error6(struct __sk_buff *skb, struct error6 *error, __u32 left, __u32 device)
{
	const __u32 bytes = sizeof(*error) - sizeof(error->ip);
	struct ipv6hdr *ip = &error->ip;
	struct pseudo6 pseudo = {.bytes = be32(bytes), .next = be32(ICMPV6)};
	__u32 sum;

	ip->version = 6;
	ip->payload_len = be16(sizeof(*error) - sizeof(*ip));
	ip->nexthdr = ICMPV6;
	ip->hop_limit = HOP_LIMIT;
	__builtin_memcpy(&pseudo.source, &ip->saddr, 32);
	sum = bpf_csum_diff(0, 0, &pseudo, sizeof(pseudo), 0);
	error->checksum = ~fold_sum(bpf_csum_diff(0, 0, &error->type, bytes, sum));
	if (make_room(skb, left, sizeof(*error)) ||
	    bpf_skb_store_bytes(skb, ETH_HLEN, error, sizeof(*error), BPF_F_RECOMPUTE_CSUM))
		return drop(DROP_STORE);
	return bpf_redirect_neigh(device, 0, 0, 0);
}

/* Where the packet may end that is quoted: behind the place of its checksum. */
INLINE __u32 shortest(const struct packet *packet)
{
	const __u32 transport = packet->protocol == IPPROTO_TCP ? TCP_CHECKSUM_OFFSET + 4 : UDP_BYTES;

	return ETH_HLEN + packet->header_bytes + transport;
}

/* Tells the sender of a packet, where it wants to know, what size goes through: TOO_BIG. */
INLINE int refuse_size(struct __sk_buff *skb, const struct packet *packet, const int six)
{
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
		if (bpf_skb_load_bytes(skb, ETH_HLEN, error->quoted, QUOTED6_BYTES))
			return DROP;
		return send_error6(skb, error, shortest(packet), skb->ifindex);
	} else {
		struct error4 *error = &told->four;

		if (!(packet->ip.frag_off & FRAGMENT_DONT) || packet->ip.ihl != 5)
			return DROP;
		error->type = ICMP_UNREACHABLE;
		error->code = FRAGMENTATION_NEEDED;
		error->mtu = be16((__u16)packet->mtu);
		error->ip.saddr = packet->destination.words[0];
		error->ip.daddr = packet->source.words[0];
		if (bpf_skb_load_bytes(skb, ETH_HLEN, error->quoted, QUOTED4_BYTES))
			return DROP;
		return send_error4(skb, error, shortest(packet), skb->ifindex);
	}
}

#endif
