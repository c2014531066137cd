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

/* Writes the IP header with one address replaced, and one port with the checksum over both. */
INLINE int translate(struct __sk_buff *skb, struct packet *packet, const int is_reply,
		     __u32 address, __u16 port)
{
	struct iphdr *ip = &packet->ip;
	const __u32 old = is_reply ? ip->saddr : ip->daddr;
	const __u16 old_port = packet->ports[is_reply ? 0 : 1];
	const __u32 transport = ETH_HLEN + packet->header_bytes;
	const int is_udp = packet->protocol == IPPROTO_UDP;
	const __u32 checksum = transport + (is_udp ? UDP_CHECKSUM_OFFSET : TCP_CHECKSUM_OFFSET);
	/* A UDP checksum of 0 says that there is none. */
	const __u64 flags = is_udp ? BPF_F_MARK_MANGLED_0 : 0;

	if (packet->ttl <= 1)
		return drop(DROP_TTL);
	lower_ttl(ip);
	ip->check = checksum32(ip->check, old, address);
	if (is_reply)
		ip->saddr = address;
	else
		ip->daddr = address;
	if (bpf_skb_store_bytes(skb, ETH_HLEN, ip, sizeof(*ip), 0) ||
	    bpf_l4_csum_replace(skb, checksum, old, address, BPF_F_PSEUDO_HDR | flags | 4))
		return drop(DROP_STORE);
	if (port != old_port &&
	    (bpf_l4_csum_replace(skb, checksum, old_port, port, flags | 2) ||
	     bpf_skb_store_bytes(skb, transport + (is_reply ? 0 : 2), &port, 2, 0)))
		return drop(DROP_STORE);
	return PASS;
}

#endif
