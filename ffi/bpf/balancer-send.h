/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause
 *
 * The last step of a packet towards its real server, by forwarding method.
 */
#ifndef APPLIANCE_BALANCER_SEND_H
#define APPLIANCE_BALANCER_SEND_H

#include "balancer-size.h"

INLINE int send_gate(struct __sk_buff *skb, struct packet *packet, const struct server *server,
		     const int six)
{
	struct bpf_redir_neigh hop = {.nh_family = six ? AF_INET6 : AF_INET};
	const __u32 device = server->device;

	if (six)
		__builtin_memcpy(hop.ipv6_nh, server->address.words, 16);
	else
		hop.ipv4_nh = server->address.words[0];
	if (store_ttl(skb, packet, six))
		return drop(DROP_STORE);
	return bpf_redirect_neigh(device, &hop, sizeof(hop), 0);
}

/* Puts another header of IP in front: the packet within is what gate would send. */
INLINE int send_ipip(struct __sk_buff *skb, struct packet *packet, const struct server *server,
		     const int six)
{
	const __u32 device = server->device;
	const __u32 inner_bytes = skb->len - ETH_HLEN;
	/* Segments of TCP become smaller by what is put in front; datagrams cannot. */
	const __u64 segments = packet->protocol == IPPROTO_UDP ? BPF_F_ADJ_ROOM_FIXED_GSO : 0;

	if (store_ttl(skb, packet, six))
		return drop(DROP_STORE);
	if (server->is_six) {
		struct ipv6hdr outer = {.version = 6};

		outer.priority = packet->traffic_class >> 4;
		outer.flow_lbl[0] = packet->traffic_class << 4;
		outer.payload_len = be16((__u16)inner_bytes);
		outer.nexthdr = six ? IPPROTO_IPV6 : IPPROTO_IPIP;
		outer.hop_limit = HOP_LIMIT;
		__builtin_memcpy(&outer.saddr, &server->source, 16);
		__builtin_memcpy(&outer.daddr, &server->address, 16);
		if (bpf_skb_adjust_room(skb, sizeof(outer), BPF_ADJ_ROOM_MAC,
					BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 | segments) ||
		    bpf_skb_store_bytes(skb, ETH_HLEN, &outer, sizeof(outer),
					BPF_F_RECOMPUTE_CSUM))
			return drop(DROP_STORE);
	} else {
		struct iphdr outer = {.version = 4, .ihl = 5, .ttl = HOP_LIMIT};

		outer.tos = packet->traffic_class;
		outer.tot_len = be16((__u16)(inner_bytes + sizeof(outer)));
		outer.frag_off = six ? FRAGMENT_DONT : packet->ip.frag_off & FRAGMENT_DONT;
		outer.id = six ? 0 : packet->ip.id;
		outer.protocol = six ? IPPROTO_IPV6 : IPPROTO_IPIP;
		outer.saddr = server->source.words[0];
		outer.daddr = server->address.words[0];
		outer.check = ~fold_sum(bpf_csum_diff(0, 0, &outer, sizeof(outer), 0));
		if (bpf_skb_adjust_room(skb, sizeof(outer), BPF_ADJ_ROOM_MAC,
					BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | segments) ||
		    bpf_skb_store_bytes(skb, ETH_HLEN, &outer, sizeof(outer),
					BPF_F_RECOMPUTE_CSUM))
			return drop(DROP_STORE);
	}
	return bpf_redirect_neigh(device, 0, 0, 0);
}

/* True if the packet is larger than what the way to the server takes. */
INLINE int is_too_big(struct __sk_buff *skb, const struct packet *packet,
		      const struct server *server)
{
	__u32 bytes = packet_bytes(skb, packet);

	/* Segments are made smaller by what ipip puts in front. */
	if ((server->flags & SERVER_IPIP) && skb->gso_size && packet->protocol == IPPROTO_TCP)
		bytes -= server->is_six ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
	return bytes > server->mtu;
}

INLINE int send_masq(struct __sk_buff *skb, struct packet *packet, const struct server *server,
		     const int six)
{
	const __u32 device = server->device;
	const __u16 port = server->port ? server->port : packet->ports[1];

	if (translate(skb, packet, 0, &server->address, port, six) == DROP)
		return DROP;
	return bpf_redirect_neigh(device, 0, 0, 0);
}

INLINE void note_fragment(const struct packet *packet, const struct fragment *fragment)
{
	struct fragment_key key = {packet->source, packet->destination, packet->fragment_id,
				   packet->protocol};

	bpf_map_update_elem(&fragments, &key, fragment, BPF_ANY);
}

/* To packet.server; errors and later fragments of masq have been there already. */
INLINE int forward(struct __sk_buff *skb, struct packet *packet, const int six)
{
	const struct server *server = packet->server;

	if (packet->has_more) {
		struct fragment fragment = {.server = packet->index};

		note_fragment(packet, &fragment);
	}
	if (server->flags & SERVER_LOCAL)
		return PASS;
	if (packet->ttl <= 1)
		return drop(DROP_TTL);
	if (is_too_big(skb, packet, server)) {
		packet->mtu = server->mtu;
		return TOO_BIG;
	}
	if (server->flags & SERVER_MASQ)
		return send_masq(skb, packet, server, six);
	if (server->flags & SERVER_IPIP)
		return send_ipip(skb, packet, server, six);
	return send_gate(skb, packet, server, six);
}

#endif
