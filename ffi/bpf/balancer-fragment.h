/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause
 *
 * Fragments behind the first, which have no ports (IPv4).
 */
#ifndef APPLIANCE_BALANCER_FRAGMENT_H
#define APPLIANCE_BALANCER_FRAGMENT_H

#include "balancer-connection.h"
#include "balancer-send.h"

/* A fragment behind the first; one that overtook it goes up the stack. */
INLINE int balance_fragment(struct __sk_buff *skb, struct packet *packet)
{
	struct fragment_key key = {packet->ip.saddr, packet->ip.daddr, packet->ip.id,
				   packet->protocol, 0};
	struct fragment *fragment = bpf_map_lookup_elem(&fragments, &key);
	struct iphdr *ip = &packet->ip;
	struct server *server;
	__u32 index, device;

	if (!fragment)
		return PASS;
	index = fragment->server;
	server = bpf_map_lookup_elem(&servers, &index);
	if (!server || !(server->flags & SERVER_PRESENT))
		return drop(DROP_LOST_SERVER);
	if (packet->ttl <= 1)
		return drop(DROP_TTL);
	if (fragment->virtual) {
		struct address virtual = {{fragment->virtual, 0, 0, 0}};

		if (is_closed(&virtual, 0))
			return drop(DROP_CLOSED);
		count_out(skb, index);
		device = fragment->device;
		ip->check = checksum32(ip->check, ip->saddr, fragment->virtual);
		ip->saddr = fragment->virtual;
	} else {
		if (is_closed(&packet->destination, 0))
			return PASS;
		count_in(skb, index, 0);
		if (!(server->flags & SERVER_MASQ))
			return send_gate(skb, packet, server, 0);
		device = server->device;
		ip->check = checksum32(ip->check, ip->daddr, server->address.words[0]);
		ip->daddr = server->address.words[0];
	}
	lower_ttl(ip);
	if (bpf_skb_store_bytes(skb, ETH_HLEN, ip, sizeof(*ip), 0))
		return drop(DROP_STORE);
	return bpf_redirect_neigh(device, 0, 0, 0);
}

#endif
