/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause
 *
 * Fragments behind the first, which have no ports.
 */
#ifndef APPLIANCE_BALANCER_FRAGMENT_H
#define APPLIANCE_BALANCER_FRAGMENT_H

#include "balancer-connection.h"
#include "balancer-send.h"

/* One that overtook the first goes up the stack. */
INLINE int balance_fragment(struct __sk_buff *skb, struct packet *packet, const int six)
{
	struct fragment_key key = {packet->source, packet->destination, packet->fragment_id,
				   packet->protocol};
	struct fragment *fragment = bpf_map_lookup_elem(&fragments, &key);
	const struct address *address;
	struct server *server;
	__u32 index, device;
	int is_reply;

	if (!fragment)
		return PASS;
	index = fragment->server;
	server = bpf_map_lookup_elem(&servers, &index);
	if (!server || !(server->flags & SERVER_PRESENT))
		return drop(DROP_LOST_SERVER);
	is_reply = fragment->device != 0;
	if (is_reply) {
		if (is_closed_by(server->lease, &fragment->virtual, six))
			return drop(DROP_CLOSED);
		count_out(skb, index);
		device = fragment->device;
		address = &fragment->virtual;
	} else {
		if (is_closed_by(server->lease, &packet->destination, six))
			return PASS;
		count_in(skb, index, 0);
		packet->server = server;
		packet->has_more = 0;
		if (!(server->flags & SERVER_MASQ))
			return FORWARD;
		if (is_too_big(skb, packet, server))
			return drop(DROP_TOO_BIG);
		device = server->device;
		address = &server->address;
	}
	if (packet->ttl <= 1)
		return drop(DROP_TTL);
	if (is_reply ? store_address(skb, packet, 1, address, six)
		     : store_address(skb, packet, 0, address, six))
		return drop(DROP_STORE);
	return bpf_redirect_neigh(device, 0, 0, 0);
}

#endif
