/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause
 *
 * Packets of clients: of a connection that is there, or of a new one.
 */
#ifndef APPLIANCE_BALANCER_CLIENT_H
#define APPLIANCE_BALANCER_CLIENT_H

#include "balancer-answer.h"
#include "balancer-schedule.h"

INLINE int begin(struct __sk_buff *skb, struct packet *packet, struct service *service,
		 const int six)
{
	struct connection connection = {.seen_s = now_s(), .device = skb->ifindex};
	struct server *server;

	if (service->flags & SERVICE_DRAINS)
		return PASS;
	server = schedule(service, packet, &connection);
	if (!server) {
		__u32 id = service->id;
		__u64 *refused = bpf_map_lookup_elem(&refusals, &id);

		if (refused)
			*refused += 1;
		return drop(DROP_NO_SERVER);
	}
	if (note_connection(packet, &connection, six))
		return drop(DROP_TABLE);
	if (server->flags & SERVER_SHARED)
		note_reply(packet, server);
	add_load(connection.server, 1);
	count_in(skb, connection.server, 1);
	return forward(skb, packet, server, connection.server, six);
}

INLINE int balance(struct __sk_buff *skb, struct packet *packet, const int six)
{
	struct connection *connection = find_connection(packet, six);
	struct endpoint key;
	struct service *service;

	if (connection) {
		const __u32 index = connection->server;
		struct server *server = find_server(index, connection->generation);
		/* A client may use its port again while the old connection is still here. */
		const int is_over = connection->state && is_opening(packet);

		if (server && !is_over) {
			if (is_closed(&packet->destination, six))
				return PASS;
			follow(connection, packet, STATE_CLIENT_CLOSED);
			if (connection->device != skb->ifindex)
				connection->device = skb->ifindex;
			count_in(skb, index, 0);
			return forward(skb, packet, server, index, six);
		}
	}
	key.address = packet->destination;
	key.port = packet->ports[1];
	key.protocol = packet->protocol;
	key.is_six = six;
	service = bpf_map_lookup_elem(&services, &key);
	if (service)
		return is_closed(&packet->destination, six) ? PASS : begin(skb, packet, service, six);
	return six ? PASS : answer(skb, packet);
}

#endif
