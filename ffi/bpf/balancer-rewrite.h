/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause
 *
 * Headers changed together with their checksums.
 */
#ifndef APPLIANCE_BALANCER_REWRITE_H
#define APPLIANCE_BALANCER_REWRITE_H

#include "balancer-packet.h"

INLINE __u16 fold_sum(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* A checksum after `from` became `to` (RFC 1624). */
INLINE __u16 checksum16(__u16 checksum, __u16 from, __u16 to)
{
	return ~fold_sum((__u16)~checksum + (__u32)(__u16)~from + to);
}

INLINE __u16 checksum32(__u16 checksum, __u32 from, __u32 to)
{
	checksum = checksum16(checksum, (__u16)from, (__u16)to);
	return checksum16(checksum, from >> 16, to >> 16);
}

INLINE void lower_ttl(struct iphdr *ip)
{
	const __u16 before = ip->ttl;

	ip->ttl -= 1;
	/* TTL is the first byte of its word in network order: the low one here. */
	ip->check = checksum16(ip->check, before, ip->ttl);
}

INLINE int is_same_address(const struct address *a, const struct address *b)
{
	return !((a->words[0] ^ b->words[0]) | (a->words[1] ^ b->words[1]) |
		 (a->words[2] ^ b->words[2]) | (a->words[3] ^ b->words[3]));
}

/* The header of IPv4 where it stands, if that is in one piece; else 0. The kernel has made it this
 * packet's own before the program runs. */
INLINE struct iphdr *header_in_place(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	struct iphdr *ip = data + ETH_HLEN;

	return (void *)(ip + 1) <= (void *)(long)skb->data_end ? ip : 0;
}

/* TTL and checksum of the IP header alone. Not 0 if the packet could not be changed. */
INLINE long store_ttl(struct __sk_buff *skb, struct packet *packet, const int six)
{
	struct iphdr *ip;

	if (six) {
		const __u8 limit = packet->ttl - 1;

		return bpf_skb_store_bytes(skb, ETH_HLEN + offsetof(struct ipv6hdr, hop_limit),
					   &limit, 1, BPF_F_RECOMPUTE_CSUM);
	}
	lower_ttl(&packet->ip);
	ip = header_in_place(skb);
	/* TTL, protocol, checksum. */
	if (!ip)
		return bpf_skb_store_bytes(skb, ETH_HLEN + offsetof(struct iphdr, ttl),
					   &packet->ip.ttl, 4, 0);
	ip->ttl = packet->ip.ttl;
	ip->check = packet->ip.check;
	return 0;
}

/* The IP header with one address replaced, and its TTL. */
INLINE long store_address(struct __sk_buff *skb, struct packet *packet, const int is_source,
			  const struct address *address, const int six)
{
	struct iphdr *ip = &packet->ip, *place;

	if (six)
		return store_ttl(skb, packet, 1) ||
		       bpf_skb_store_bytes(skb,
					   ETH_HLEN + (is_source ? offsetof(struct ipv6hdr, saddr)
								 : offsetof(struct ipv6hdr, daddr)),
					   address, 16, BPF_F_RECOMPUTE_CSUM);
	lower_ttl(ip);
	ip->check = checksum32(ip->check, is_source ? ip->saddr : ip->daddr, address->words[0]);
	if (is_source)
		ip->saddr = address->words[0];
	else
		ip->daddr = address->words[0];
	place = header_in_place(skb);
	if (!place)
		return bpf_skb_store_bytes(skb, ETH_HLEN, ip, sizeof(*ip), 0);
	*place = *ip;
	return 0;
}

/* What a checksum over `from` and one over `to` differ in. */
INLINE __u32 difference(const struct address *from, const struct address *to, const int six)
{
	const int bytes = six ? 16 : 4;

	return bpf_csum_diff(from, bytes, to, bytes, 0);
}

/* Writes the IP header with one address replaced, and one port with the checksum over both. */
INLINE int translate(struct __sk_buff *skb, struct packet *packet, const int is_reply,
		     const struct address *address, __u16 port, const int six)
{
	const struct address *old = is_reply ? &packet->source : &packet->destination;
	const __u16 old_port = packet->ports[is_reply ? 0 : 1];
	const __u32 transport = ETH_HLEN + packet->header_bytes;
	const int is_udp = packet->protocol == IPPROTO_UDP;
	const __u32 checksum = transport + (is_udp ? UDP_CHECKSUM_OFFSET : TCP_CHECKSUM_OFFSET);
	/* A UDP checksum of 0 says that there is none. */
	const __u64 flags = BPF_F_PSEUDO_HDR | (is_udp ? BPF_F_MARK_MANGLED_0 : 0);
	long failed;

	if (store_address(skb, packet, is_reply, address, six))
		return drop(DROP_STORE);
	if (six)
		failed = bpf_l4_csum_replace(skb, checksum, 0, difference(old, address, 1), flags);
	else
		failed = bpf_l4_csum_replace(skb, checksum, old->words[0], address->words[0],
					     flags | 4);
	if (failed)
		return drop(DROP_STORE);
	if (port != old_port &&
	    (bpf_l4_csum_replace(skb, checksum, old_port, port, (flags & ~BPF_F_PSEUDO_HDR) | 2) ||
	     bpf_skb_store_bytes(skb, transport + (is_reply ? 0 : 2), &port, 2, 0)))
		return drop(DROP_STORE);
	return PASS;
}

#endif
