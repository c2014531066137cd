/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause
 *
 * The path of `vip` checks: packets of sockets that carry a mark are changed to what a client's would
 * be behind the balancer, and the answers back to what the socket waits for. Attached by src/vip-path
 * while such a check is configured.
 *
 *     gate   to the virtual address, at the MAC address of the real server
 *     ipip   the same, within a tunnel to the real server
 *     masq   to the real server, from an address that only the default route leads to
 *
 * The socket is connected to the real server's own address, so that routes, neighbours and timers are
 * the kernel's. A changed packet loses its mark: it may pass another device with this program.
 *
 * A packet goes to the next program in any case (TCX_NEXT is -1), but for one that could be changed
 * only in part.
 */
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <stddef.h>

#include "vip-path.h"

#define PASS -1
#define DROP 2 /* TC_ACT_SHOT, TCX_DROP */
#define HOP_LIMIT 64
#define TCP_CHECKSUM_OFFSET 16

/* Headers of a packet of TCP as far as they are looked at. */
struct segment {
	__u32 source[4], destination[4];
	__u16 ports[2];
	__u32 transport; /* offset of TCP */
	__u32 bytes;     /* from the IP header on */
};

/* Not 0 if it is none. */
INLINE int read_segment(struct __sk_buff *skb, struct segment *segment, const int six)
{
	if (six) {
		struct ipv6hdr ip;

		if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)) || ip.version != 6 ||
		    ip.nexthdr != IPPROTO_TCP)
			return -1;
		__builtin_memcpy(segment->source, &ip.saddr, 16);
		__builtin_memcpy(segment->destination, &ip.daddr, 16);
		segment->transport = ETH_HLEN + sizeof(ip);
		segment->bytes = sizeof(ip) + be16(ip.payload_len);
	} else {
		struct iphdr ip;

		if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)) || ip.version != 4 ||
		    ip.protocol != IPPROTO_TCP || ip.ihl < 5 || (ip.frag_off & be16(0x3fff)))
			return -1;
		segment->source[0] = ip.saddr;
		segment->destination[0] = ip.daddr;
		segment->transport = ETH_HLEN + ip.ihl * 4;
		segment->bytes = be16(ip.tot_len);
	}
	return bpf_skb_load_bytes(skb, segment->transport, segment->ports, 4);
}

INLINE int is_same(const __u32 *a, const __u32 *b)
{
	return !((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]));
}

/*
 * One address, and the checksums over it. The checksum of the whole packet that a device may have
 * noted stays right: in IPv4 the header's own checksum makes up for the address.
 */
INLINE int replace(struct __sk_buff *skb, const struct segment *segment, const int is_source,
		   const __u32 *to, const int six)
{
	const __u32 *from = is_source ? segment->source : segment->destination;
	const __u32 checksum = segment->transport + TCP_CHECKSUM_OFFSET;

	if (six) {
		const __u32 at = ETH_HLEN + (is_source ? offsetof(struct ipv6hdr, saddr)
						       : offsetof(struct ipv6hdr, daddr));
		const __s64 difference = bpf_csum_diff(from, 16, to, 16, 0);

		return bpf_skb_store_bytes(skb, at, to, 16, BPF_F_RECOMPUTE_CSUM) ||
		       bpf_l4_csum_replace(skb, checksum, 0, difference, BPF_F_PSEUDO_HDR);
	}
	return bpf_l3_csum_replace(skb, ETH_HLEN + offsetof(struct iphdr, check), from[0], to[0], 4) ||
	       bpf_l4_csum_replace(skb, checksum, from[0], to[0], BPF_F_PSEUDO_HDR | 4) ||
	       bpf_skb_store_bytes(skb,
				   ETH_HLEN + (is_source ? offsetof(struct iphdr, saddr)
							 : offsetof(struct iphdr, daddr)),
				   to, 4, 0);
}

INLINE __u16 fold_sum(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* Puts another IP header in front, to the real server. */
INLINE int encapsulate(struct __sk_buff *skb, const struct segment *segment, const struct path *path,
		       const int six)
{
	if (six) {
		struct ipv6hdr outer = {.version = 6};

		outer.payload_len = be16((__u16)segment->bytes);
		outer.nexthdr = IPPROTO_IPV6;
		outer.hop_limit = HOP_LIMIT;
		__builtin_memcpy(&outer.saddr, segment->source, 16);
		__builtin_memcpy(&outer.daddr, path->server, 16);
		return bpf_skb_adjust_room(skb, sizeof(outer), BPF_ADJ_ROOM_MAC,
					   BPF_F_ADJ_ROOM_ENCAP_L3_IPV6) ||
		       bpf_skb_store_bytes(skb, ETH_HLEN, &outer, sizeof(outer),
					   BPF_F_RECOMPUTE_CSUM);
	} else {
		struct iphdr outer = {.version = 4, .ihl = 5, .ttl = HOP_LIMIT};

		outer.tot_len = be16((__u16)(segment->bytes + sizeof(outer)));
		outer.frag_off = be16(0x4000);
		outer.protocol = IPPROTO_IPIP;
		outer.saddr = segment->source[0];
		outer.daddr = path->server[0];
		outer.check = ~fold_sum(bpf_csum_diff(0, 0, (void *)&outer, sizeof(outer), 0));
		return bpf_skb_adjust_room(skb, sizeof(outer), BPF_ADJ_ROOM_MAC,
					   BPF_F_ADJ_ROOM_ENCAP_L3_IPV4) ||
		       bpf_skb_store_bytes(skb, ETH_HLEN, &outer, sizeof(outer),
					   BPF_F_RECOMPUTE_CSUM);
	}
}

INLINE int send(struct __sk_buff *skb, const struct path *path, const int six)
{
	const int is_masq = path->method == METHOD_MASQ;
	struct segment segment = {};
	struct answer_key key = {};
	struct answer answer = {.mark = skb->mark};

	if (read_segment(skb, &segment, six) || !is_same(segment.destination, path->server))
		return PASS;
	__builtin_memcpy(key.source, is_masq ? path->server : path->other, 16);
	key.source_port = segment.ports[1];
	key.own_port = segment.ports[0];
	__builtin_memcpy(answer.own, segment.source, 16);
	if (bpf_map_update_elem(&answers, &key, &answer, BPF_ANY))
		return DROP;
	if (is_masq ? replace(skb, &segment, 1, path->other, six)
		    : replace(skb, &segment, 0, path->other, six))
		return DROP;
	if (path->method == METHOD_IPIP && encapsulate(skb, &segment, path, six))
		return DROP;
	skb->mark = 0;
	return PASS;
}

INLINE int receive(struct __sk_buff *skb, const int six)
{
	const struct answer *answer;
	const struct path *path;
	struct segment segment = {};
	struct answer_key key = {};

	if (read_segment(skb, &segment, six))
		return PASS;
	__builtin_memcpy(key.source, segment.source, 16);
	key.source_port = segment.ports[0];
	key.own_port = segment.ports[1];
	answer = bpf_map_lookup_elem(&answers, &key);
	if (!answer)
		return PASS;
	path = bpf_map_lookup_elem(&paths, &answer->mark);
	if (!path || path->family != (six ? 6 : 4))
		return PASS;
	if (path->method == METHOD_MASQ) {
		if (!is_same(segment.destination, path->other))
			return PASS;
		return replace(skb, &segment, 0, answer->own, six) ? DROP : PASS;
	}
	if (!is_same(segment.destination, answer->own))
		return PASS;
	return replace(skb, &segment, 1, path->server, six) ? DROP : PASS;
}

SECTION("tc_egress") int vip_path_egress(struct __sk_buff *skb)
{
	const __u32 mark = skb->mark;
	const struct path *path;

	if ((mark & MARK_MASK) != MARK)
		return PASS;
	path = bpf_map_lookup_elem(&paths, &mark);
	if (!path)
		return PASS;
	if (skb->protocol == be16(ETH_P_IP) && path->family == 4)
		return send(skb, path, 0);
	if (skb->protocol == be16(ETH_P_IPV6) && path->family == 6)
		return send(skb, path, 1);
	return PASS;
}

SECTION("tc_ingress") int vip_path_ingress(struct __sk_buff *skb)
{
	switch (skb->protocol) {
	case be16(ETH_P_IP):
		return receive(skb, 0);
	case be16(ETH_P_IPV6):
		return receive(skb, 1);
	default:
		return PASS;
	}
}

char object_license[] SECTION("license") = "Dual BSD/GPL";
