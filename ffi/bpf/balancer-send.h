/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause
 *
 * The last step of a packet towards its real server, by forwarding method.
 */
#ifndef APPLIANCE_BALANCER_SEND_H
#define APPLIANCE_BALANCER_SEND_H

#include "balancer-rewrite.h"

INLINE int send_gate(struct __sk_buff *skb, struct packet *packet, const struct server *server,
		     const int six)
{
	struct bpf_redir_neigh hop = {};
	const __u32 device = server->device;

	if (server->flags & SERVER_LOCAL)
		return PASS;
	if (packet->ttl <= 1)
		return drop(DROP_TTL);
	if (six) {
		const __u8 limit = packet->ttl - 1;

		hop.nh_family = AF_INET6;
		__builtin_memcpy(hop.ipv6_nh, server->address.words, 16);
		if (bpf_skb_store_bytes(skb, ETH_HLEN + offsetof(struct ipv6hdr, hop_limit), &limit,
					1, BPF_F_RECOMPUTE_CSUM))
			return drop(DROP_STORE);
	} else {
		hop.nh_family = AF_INET;
		hop.ipv4_nh = server->address.words[0];
		lower_ttl(&packet->ip);
		/* TTL, protocol, checksum. */
		if (bpf_skb_store_bytes(skb, ETH_HLEN + offsetof(struct iphdr, ttl),
					&packet->ip.ttl, 4, 0))
			return drop(DROP_STORE);
	}
	return bpf_redirect_neigh(device, &hop, sizeof(hop), 0);
}

INLINE int send_masq(struct __sk_buff *skb, struct packet *packet, const struct server *server)
{
	const __u32 device = server->device;

	if (translate(skb, packet, 0, server->address.words[0], server->port) == DROP)
		return DROP;
	return bpf_redirect_neigh(device, 0, 0, 0);
}

INLINE void note_fragment(const struct packet *packet, const struct fragment *fragment)
{
	struct fragment_key key = {packet->ip.saddr, packet->ip.daddr, packet->ip.id,
				   packet->protocol, 0};

	bpf_map_update_elem(&fragments, &key, fragment, BPF_ANY);
}

INLINE int forward(struct __sk_buff *skb, struct packet *packet, const struct server *server,
		   __u32 index, const int six)
{
	if (!six && (packet->ip.frag_off & FRAGMENT_MORE)) {
		struct fragment fragment = {index, 0, 0};

		note_fragment(packet, &fragment);
	}
	if (!six && (server->flags & SERVER_MASQ))
		return send_masq(skb, packet, server);
	return send_gate(skb, packet, server, six);
}

#endif
